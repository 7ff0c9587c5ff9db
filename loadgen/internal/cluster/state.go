package cluster

import (
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
)

// state is how a pod is, for people.
type state struct {
	text     string // empty: as it should be
	hopeless bool   // it will not change by itself
}

// stateOf tells what is wrong with a pod, and what to do about it.
func stateOf(p *core.Pod) state {
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodScheduled && c.Status == core.ConditionFalse && c.Reason == core.PodReasonUnschedulable {
			return state{text: "no node has room for it: " + c.Message + " (--cpu, --memory, --node-selector and --toleration say what it asks for)"}
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil:
			if s := waiting(c.State.Waiting, c.Image); s.text != "" {
				return s
			}
		case c.State.Terminated != nil && c.State.Terminated.Reason == "OOMKilled":
			return state{"the kernel killed it for its memory (OOMKilled): its limit is " + memory(p) + ", and --memory sets another", true}
		}
	}
	if p.Status.Phase != core.PodFailed {
		return state{}
	}
	if p.Status.Reason == "Evicted" {
		return state{"its node has evicted it: " + strings.TrimSpace(p.Status.Message) + " (it asks for " + memory(p) + ": --memory asks for more, and --node-selector for other nodes)", true}
	}
	if p.Status.Reason != "" { // DeadlineExceeded, NodeShutdown, ...
		return state{strings.TrimSpace(p.Status.Reason + ": " + p.Status.Message), true}
	}
	return state{"it ended" + exit(p), false} // a run that fails its gates does, too
}

// memory is what the container of a pod asks for, which is its limit too.
func memory(p *core.Pod) string {
	for _, c := range p.Spec.Containers {
		if m := c.Resources.Limits.Memory(); !m.IsZero() {
			return m.String() + " of memory"
		}
	}
	return "no memory of its own"
}

// exit is how the container of a pod has ended.
func exit(p *core.Pod) string {
	for _, c := range p.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil {
			if t.Signal != 0 {
				return fmt.Sprintf(" by signal %d", t.Signal)
			}
			return fmt.Sprintf(" with exit code %d", t.ExitCode)
		}
	}
	return ""
}

// waiting tells why a container does not start.
func waiting(w *core.ContainerStateWaiting, image string) state {
	why := w.Reason
	if w.Message != "" {
		why += ": " + w.Message
	}
	switch w.Reason {
	case "ErrImagePull":
		return state{text: "the image " + image + " cannot be pulled yet: " + w.Message}
	case "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ErrImageInspect":
		return state{"no image " + image + ": " + why + " (make images builds it, REGISTRY= names where nodes pull from; --image, --pull-secret)", true}
	case "CreateContainerConfigError":
		return state{"its Secret or ConfigMap is not what the pod wants: " + why, true}
	case "CreateContainerError", "RunContainerError", "StartError":
		return state{"it cannot be started: " + why, true}
	case "CrashLoopBackOff":
		return state{"it ends as soon as it has started: " + why, true}
	}
	return state{} // ContainerCreating, PodInitializing
}
