package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
)

// Access is which cluster, by whose right, and where in it. The zero value is what kubectl would use.
type Access struct{ Kubeconfig, Context, Namespace string }

// Cluster is a namespace of a cluster. Its clients know the two groups that a run needs and no others: the set of all of them would double the size
// of the program and the time that it takes to start.
type Cluster struct {
	Namespace string
	config    *rest.Config
	core      rest.Interface
	batch     rest.Interface
}

// Quiet has client-go write nothing, for the whole program: errors are returned, and what it writes besides would be in the middle of the progress.
func Quiet() { klog.SetLogger(logr.Discard()) }

// Connect reads the configuration. The cluster is not asked for anything yet.
func Connect(a Access) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.Kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: a.Context, Context: clientcmdapi.Context{Namespace: a.Namespace}})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("no cluster: %w; --kubeconfig and --context choose one", err)
	}
	c := &Cluster{config: config}
	if c.Namespace, _, err = loader.Namespace(); err != nil {
		return nil, fmt.Errorf("no namespace: %w", err)
	}
	config.UserAgent = "loadgen"
	config.RateLimiter = flowcontrol.NewFakeAlwaysRateLimiter() // a run makes a dozen requests
	known := runtime.NewScheme()
	if err := errors.Join(core.AddToScheme(known), batch.AddToScheme(known)); err != nil {
		return nil, err
	}
	meta.AddToGroupVersion(known, schema.GroupVersion{Version: "v1"})
	codecs := serializer.NewCodecFactory(known).WithoutConversion()
	for _, each := range []struct {
		client *rest.Interface
		path   string
		group  schema.GroupVersion
	}{{&c.core, "/api", core.SchemeGroupVersion}, {&c.batch, "/apis", batch.SchemeGroupVersion}} {
		of := rest.CopyConfig(config)
		of.APIPath, of.GroupVersion, of.NegotiatedSerializer = each.path, &each.group, codecs
		if *each.client, err = rest.RESTClientFor(of); err != nil {
			return nil, fmt.Errorf("no cluster: %w", err)
		}
	}
	return c, nil
}

// Resources, as the API calls them.
const (
	jobs       = "jobs"
	services   = "services"
	configMaps = "configmaps"
	secrets    = "secrets"
	pods       = "pods"
)

// createLimit is how long the cluster may take to create a run.
const createLimit = 30 * time.Second

// Create makes a run's objects in the cluster. The Job comes first, so that it owns the others, and what happens to it happens to them. Its deadline runs from then on,
// while its pods wait for the rest: whenever the command is killed, nothing stays. A creation is not cut off when ctx ends, as nobody would know whether there is an object then.
// If Create fails, nothing is left.
func (c *Cluster) Create(ctx context.Context, o *Objects) (err error) {
	whole, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), createLimit, fmt.Errorf("the cluster did not do it within %s", createLimit))
	defer cancel()
	made := &batch.Job{}
	if err := c.post(whole, c.batch, jobs, o.Job, made); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Delete(context.WithoutCancel(ctx), o.Job.Name))
		}
	}()
	owner := []meta.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: made.Name, UID: made.UID}}
	o.Service.OwnerReferences, o.Config.OwnerReferences = owner, owner
	steps := []step{{services, o.Service, &core.Service{}}, {configMaps, o.Config, &core.ConfigMap{}}}
	if o.Secret != nil {
		o.Secret.OwnerReferences = owner
		steps = append(steps, step{secrets, o.Secret, &core.Secret{}})
	}
	for _, s := range steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.post(whole, c.core, s.resource, s.object, s.made); err != nil {
			return err
		}
	}
	return nil
}

// step is an object that is to be created, and what the cluster makes of it.
type step struct {
	resource     string
	object, made runtime.Object
}

// post creates an object.
func (c *Cluster) post(ctx context.Context, to rest.Interface, resource string, object, made runtime.Object) error {
	err := to.Post().Namespace(c.Namespace).Resource(resource).Body(object).Do(ctx).Into(made)
	return because(err, "create "+resource)
}

// Delete deletes the Job of a run, and all that it owns: the cluster does the rest. It is no error if it is gone.
func (c *Cluster) Delete(ctx context.Context, name string) error {
	policy := meta.DeletePropagationBackground
	err := c.batch.Delete().Namespace(c.Namespace).Resource(jobs).Name(name).Body(&meta.DeleteOptions{PropagationPolicy: &policy}).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return nil
	}
	return because(err, "delete the job "+name)
}

// RunSecretOf returns the secret of a run that others have created.
func (c *Cluster) RunSecretOf(ctx context.Context, job *batch.Job) ([]byte, error) {
	name := job.Name
	for _, v := range job.Spec.Template.Spec.Volumes {
		if v.Name == "secret" && v.Secret != nil {
			name = v.Secret.SecretName
		}
	}
	s := &core.Secret{}
	if err := c.core.Get().Namespace(c.Namespace).Resource(secrets).Name(name).Do(ctx).Into(s); err != nil {
		return nil, because(err, "read the secret of the run")
	}
	if len(s.Data[RunSecret]) == 0 {
		return nil, fmt.Errorf("the secret %s has no %s", name, RunSecret)
	}
	return s.Data[RunSecret], nil
}

// ErrRights is a right that the user of the cluster has not.
var ErrRights = errors.New("deploy/rbac/loadgen.yaml has the rights that it takes")

// because says what could not be done, and what to do about it where that is known.
func because(err error, what string) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", what, err)
	switch status := apierrors.APIStatus(nil); {
	case !errors.As(err, &status):
	case status.Status().Code == http.StatusForbidden:
		err = fmt.Errorf("%w (%w)", err, ErrRights)
	case status.Status().Code == http.StatusUnauthorized:
		err = fmt.Errorf("%w (kubectl auth whoami shows whether the kubeconfig is still good)", err)
	}
	return err
}
