package e2e_test

import (
	"path/filepath"
	"slices"
	"testing"

	"loadlab/internal/testkit"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// builds are what kubectl apply -k is used with.
func builds() []string { return []string{"deploy", "deploy/lab", "deploy/example"} }

// objects are what a kustomization builds, by name.
type objects struct {
	deployments map[string]*apps.Deployment
	services    map[string]*core.Service
	configs     map[string]*core.ConfigMap
	secrets     map[string]*core.Secret
	claims      map[string]*core.PersistentVolumeClaim
	policies    map[string]*networking.NetworkPolicy
	namespaces  map[string]*core.Namespace
	all         []runtime.Object
}

// kustomize builds a kustomization, and reads each object as the API server does with fieldValidation=Strict: a field that its type has not is an error.
func kustomize(t *testing.T, folder string) *objects {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(testkit.Root(t), folder))
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, core.AddToScheme, networking.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	o := &objects{
		deployments: map[string]*apps.Deployment{}, services: map[string]*core.Service{}, configs: map[string]*core.ConfigMap{}, secrets: map[string]*core.Secret{},
		claims: map[string]*core.PersistentVolumeClaim{}, policies: map[string]*networking.NetworkPolicy{}, namespaces: map[string]*core.Namespace{},
	}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", r.CurId(), err)
		}
		if r.GetKind() != "Namespace" && r.GetNamespace() != "loadlab" {
			t.Errorf("%s: its namespace is %q", r.CurId(), r.GetNamespace())
		}
		o.all = append(o.all, object)
		o.put(t, object)
	}
	return o
}

func (o *objects) put(t *testing.T, object runtime.Object) {
	t.Helper()
	switch x := object.(type) {
	case *apps.Deployment:
		o.deployments[x.Name] = x
	case *core.Service:
		o.services[x.Name] = x
	case *core.ConfigMap:
		o.configs[x.Name] = x
	case *core.Secret:
		o.secrets[x.Name] = x
	case *core.PersistentVolumeClaim:
		o.claims[x.Name] = x
	case *networking.NetworkPolicy:
		o.policies[x.Name] = x
	case *core.Namespace:
		o.namespaces[x.Name] = x
	default:
		t.Errorf("nothing here checks a %T", object)
	}
}

// runLabels are those of pod 0 of a run, which is no part of what is built.
func runLabels() labels.Set {
	return labels.Set{"app.kubernetes.io/name": "loadgen", "batch.kubernetes.io/job-completion-index": "0"}
}

// selected returns the pods that labels select, by the name of their Deployment. "loadgen" stands for the pods of a run.
func (o *objects) selected(set map[string]string) (names []string) {
	selector := labels.SelectorFromSet(set)
	for name, d := range o.deployments {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			names = append(names, name)
		}
	}
	if selector.Matches(runLabels()) {
		names = append(names, "loadgen")
	}
	slices.Sort(names)
	return names
}

// port returns the name of the port of a pod that a name or number is, "" if it has none. That of a run's metrics is a number.
func (o *objects) port(deployment, name string, number int32) string {
	if deployment == "loadgen" && number == 9464 {
		return "metrics"
	}
	d, ok := o.deployments[deployment]
	if !ok {
		return ""
	}
	for _, p := range d.Spec.Template.Spec.Containers[0].Ports {
		if name != "" && p.Name == name || name == "" && p.ContainerPort == number {
			return p.Name
		}
	}
	return ""
}

// reach returns the pod and the port behind host:port of a Service.
func (o *objects) reach(host string, port int32) (deployment, name string) {
	s, ok := o.services[host]
	if !ok {
		return "", ""
	}
	for _, p := range s.Spec.Ports {
		if pods := o.selected(s.Spec.Selector); p.Port == port && len(pods) == 1 {
			return pods[0], o.port(pods[0], p.TargetPort.StrVal, p.TargetPort.IntVal)
		}
	}
	return "", ""
}

// allowed reports whether the network lets a pod connect to a port of another.
func (o *objects) allowed(from, to, port string) bool {
	held := false
	for _, p := range o.policies {
		if !slices.Contains(o.selected(p.Spec.PodSelector.MatchLabels), to) {
			continue
		}
		held = true
		for _, rule := range p.Spec.Ingress {
			peers := len(rule.From) == 0
			for _, peer := range rule.From {
				peers = peers || slices.Contains(o.selected(peer.PodSelector.MatchLabels), from)
			}
			ports := slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool { return p.Port.StrVal == port })
			if peers && ports {
				return true
			}
		}
	}
	return !held
}
