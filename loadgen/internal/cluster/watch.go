package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// object is what is watched.
type object interface {
	runtime.Object
	metav1.Object
}

// pause is how long is waited before a watch that has ended begins anew.
const pause = time.Second

// eachState calls see with all objects that options choose, and again whenever one of them has changed, until it says that it is done.
func eachState[T object](ctx context.Context, from rest.Interface, namespace, resource string, options metav1.ListOptions, list runtime.Object, see func([]T) (done bool, err error)) error {
	for {
		done, err := oneWatch(ctx, from, namespace, resource, options, list, see)
		if done || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// oneWatch is eachState as long as one watch lasts.
func oneWatch[T object](ctx context.Context, from rest.Interface, namespace, resource string, options metav1.ListOptions, list runtime.Object, see func([]T) (bool, error)) (done bool, err error) {
	request := func() *rest.Request {
		return from.Get().Namespace(namespace).Resource(resource).SpecificallyVersionedParams(&options, metav1.ParameterCodec, metav1.SchemeGroupVersion)
	}
	if err := request().Do(ctx).Into(list); err != nil {
		return false, because(err, "list "+resource)
	}
	known := map[string]T{}
	err = meta.EachListItem(list, func(o runtime.Object) error {
		known[o.(T).GetName()] = o.DeepCopyObject().(T)
		return nil
	})
	if err != nil {
		return false, err
	}
	if done, err := see(sorted(known)); done || err != nil {
		return done, err
	}
	at, err := meta.ListAccessor(list)
	if err != nil {
		return false, err
	}
	options.ResourceVersion, options.Watch = at.GetResourceVersion(), true
	w, err := request().Watch(ctx)
	if err != nil {
		return false, because(err, "watch "+resource)
	}
	defer w.Stop()
	for {
		select {
		case e, ok := <-w.ResultChan():
			o, is := e.Object.(T)
			if !ok || !is {
				return false, nil // it has ended, or what it knew is too old
			}
			if known[o.GetName()] = o; e.Type == watch.Deleted {
				delete(known, o.GetName())
			}
			if done, err := see(sorted(known)); done || err != nil {
				return done, err
			}
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

func sorted[T object](known map[string]T) []T {
	list := make([]T, 0, len(known))
	for _, name := range slices.Sorted(maps.Keys(known)) {
		list = append(list, known[name])
	}
	return list
}

// Job waits until there is a job of that name.
func (c *Cluster) Job(ctx context.Context, name string) (job *batch.Job, err error) {
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
	err = eachState(ctx, c.batch, c.Namespace, jobs, options, &batch.JobList{}, func(list []*batch.Job) (bool, error) {
		if len(list) == 0 {
			return false, nil
		}
		job = list[0]
		return true, nil
	})
	if err == nil && (job.Spec.Completions == nil || job.Labels[runLabel] != name) {
		err = fmt.Errorf("the job %s is not a run of loadgen", name)
	}
	return job, err
}

// Started waits until pod 0 of a run of n workers runs, and returns its name. What holds the pods up is written to log, once each; what will not change by itself is an
// error.
func (c *Cluster) Started(ctx context.Context, name string, n int, log func(string)) (leader string, err error) {
	said := map[string]bool{}
	err = c.pods(ctx, name, func(list []*core.Pod) (bool, error) {
		running := 0
		for _, p := range list {
			s := stateOf(p)
			if s.hopeless {
				return false, fmt.Errorf("pod %s: %s", p.Name, s.text)
			}
			if s.text != "" && !said[s.text] {
				log(fmt.Sprintf("pod %s: %s", p.Name, s.text))
				said[s.text] = true
			}
			if p.Status.Phase != core.PodPending {
				running++
			}
			if indexOf(p) == "0" && p.Status.Phase != core.PodPending {
				leader = p.Name
			}
		}
		if leader != "" && !said["running"] {
			are := "are"
			if running == 1 {
				are = "is"
			}
			log(fmt.Sprintf("%d of %d pods %s running", running, n, are))
			said["running"] = true
		}
		return leader != "", nil
	})
	return leader, err
}

// settle is how long a node may take to report what became of a pod.
const settle = 3 * time.Second

// errSettled is the end of waiting for that.
var errSettled = errors.New("the nodes have had their time")

// Ends returns what became of pods that did not end well, by a sentence each. It waits a moment for a node to report why a pod has ended. leader is a pod whose exit code is the verdict of
// a run that is known; empty if it is not.
func (c *Cluster) Ends(ctx context.Context, name, leader string) (ends []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settle, errSettled)
	defer cancel()
	err = c.pods(ctx, name, func(list []*core.Pod) (known bool, err error) {
		ends = nil
		for _, p := range list {
			s := stateOf(p)
			if s.text != "" && (s.hopeless || p.Name != leader) {
				ends = append(ends, fmt.Sprintf("pod %s: %s", p.Name, s.text))
			}
			known = known || s.hopeless
		}
		return known, nil
	})
	if errors.Is(err, errSettled) {
		err = nil
	}
	return ends, err
}

// Alive reports whether a pod of a run has not ended.
func (c *Cluster) Alive(ctx context.Context, name, pod string) (alive bool, err error) {
	err = c.pods(ctx, name, func(list []*core.Pod) (bool, error) {
		alive = slices.ContainsFunc(list, func(p *core.Pod) bool {
			return p.Name == pod && p.Status.Phase != core.PodFailed && p.Status.Phase != core.PodSucceeded
		})
		return true, nil
	})
	return alive, err
}

// pods calls see with the pods of a run whenever one has changed.
func (c *Cluster) pods(ctx context.Context, name string, see func([]*core.Pod) (bool, error)) error {
	options := metav1.ListOptions{LabelSelector: runLabel + "=" + name}
	return eachState(ctx, c.core, c.Namespace, pods, options, &core.PodList{}, see)
}

// indexOf is the index of a pod of an Indexed Job.
func indexOf(p *core.Pod) string { return p.Annotations[batch.JobCompletionIndexAnnotation] }
