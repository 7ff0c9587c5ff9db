package kubetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"loadlab/internal/localserver"
)

// pod is a pod of the node, from when it is first seen until it is gone from the API.
type pod struct {
	node    *Node
	object  *corev1.Pod // as it was first seen; its specification does not change
	ip      string
	deleted chan struct{} // closed when the pod is to end
	grace   time.Duration // set before that
	once    sync.Once

	mu      sync.Mutex // guards all below
	process *localserver.Process
	why     end
}

// end is why a container was killed, as its pod's status has it: the reasons of the container and of the pod. Empty ones are what the exit code says.
type end struct{ container, pod, message string }

// delete has the pod end, and its container within the grace period.
func (p *pod) delete(grace time.Duration) {
	p.once.Do(func() {
		p.grace = grace
		close(p.deleted)
	})
}

func (p *pod) running() *localserver.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

// live runs the pod's container, reports what becomes of it, and takes the pod out of the API when it has been deleted.
func (p *pod) live(ctx context.Context) {
	if phase := p.object.Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed { // it has not run before this node was started
		p.contain(ctx)
	}
	select {
	case <-p.deleted:
	case <-ctx.Done():
		return
	}
	_ = p.node.client.CoreV1().Pods(p.object.Namespace).Delete(ctx, p.object.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &p.object.UID}, // it fails when the pod is gone
	})
}

// contain runs the container to its end.
func (p *pod) contain(ctx context.Context) {
	process := p.started(ctx)
	if process == nil {
		return
	}
	begun := metav1.Now()
	p.report(ctx, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: begun}}, end{})
	select {
	case <-process.Done():
	case <-p.deleted:
		_ = process.Stop(p.grace, syscall.SIGTERM) // the exit code has it
	case <-ctx.Done():
		process.Kill()
		return
	}
	code, reason := exitCode(process.Err()), "Completed"
	phase := corev1.PodSucceeded
	if code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	p.mu.Lock()
	why := p.why
	p.mu.Unlock()
	p.report(ctx, phase, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: cmp.Or(why.container, reason), StartedAt: begun, FinishedAt: metav1.Now()}}, why)
}

// tryAgain is how long a kubelet waits before it tries again to start a container; a real one waits longer from time to time.
const tryAgain = 500 * time.Millisecond

// started starts the container, as soon as all that it needs is there. It returns nil when the pod is to end before that.
func (p *pod) started(ctx context.Context) *localserver.Process {
	again := time.NewTicker(tryAgain)
	defer again.Stop()
	last := ""
	for {
		process, err := p.start(ctx)
		if err == nil {
			return process
		}
		state := waiting(err)
		if state.Reason == "ErrImagePull" && last != "" {
			state = &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image: " + state.Message}
		}
		if state.Reason != last {
			p.report(ctx, corev1.PodPending, corev1.ContainerState{Waiting: state}, end{})
			last = state.Reason
		}
		select {
		case <-again.C:
		case <-p.deleted:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// start makes the container's folder and starts its process.
func (p *pod) start(ctx context.Context) (*localserver.Process, error) {
	box, err := p.prepare(ctx)
	if err != nil {
		return nil, err
	}
	cmd, err := box.command(ctx)
	if err != nil {
		return nil, err
	}
	process, err := p.node.folder.Start(p.log(), cmd)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.process = process
	p.mu.Unlock()
	return process, nil
}

// log is the name of the container's process, and of its log without its suffix.
func (p *pod) log() string { return string(p.object.UID) }

// logFile is where the container's output is.
func (p *pod) logFile() string { return filepath.Join(p.node.folder.Path(), p.log()+".log") }

// exitCode is what a container's end counts as: its status, and 128 and the signal that ended it.
func exitCode(err error) int32 {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 0
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int32(status.Signal()) //nolint:gosec // a signal
	}
	return int32(exit.ExitCode()) //nolint:gosec // a status
}

// waitError is why a container does not start, with the reason that a kubelet would give.
type waitError struct {
	reason string
	error
}

func waiting(err error) *corev1.ContainerStateWaiting {
	wait := waitError{"RunContainerError", err}
	errors.As(err, &wait)
	return &corev1.ContainerStateWaiting{Reason: wait.reason, Message: wait.Error()}
}

// report writes the pod's state.
func (p *pod) report(ctx context.Context, phase corev1.PodPhase, state corev1.ContainerState, why end) {
	c := p.object.Spec.Containers[0]
	runs, ready, now := state.Running != nil, corev1.ConditionFalse, metav1.Now()
	if runs {
		ready = corev1.ConditionTrue
	}
	status := corev1.PodStatus{
		Phase: phase, Reason: why.pod, Message: why.message, HostIP: p.node.network.node(), PodIP: p.ip, PodIPs: []corev1.PodIP{{IP: p.ip}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: c.Name, Image: c.Image, ImageID: c.Image, State: state, Ready: runs, Started: &runs}},
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReady, corev1.ContainersReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: ready, LastTransitionTime: now})
	}
	p.node.patch(ctx, p.object, status)
}

// patch changes the state of a pod as far as status has it. It fails when the pod is gone.
func (n *Node) patch(ctx context.Context, o *corev1.Pod, status corev1.PodStatus) {
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": o.UID}, "status": status})
	if err != nil {
		panic(err) // no value of the type fails
	}
	_, _ = n.client.CoreV1().Pods(o.Namespace).Patch(ctx, o.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{}, "status")
}
