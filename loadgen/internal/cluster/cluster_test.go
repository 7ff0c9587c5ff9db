package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"loadlab/loadgen/internal/cluster"
)

func spec() *cluster.Spec {
	return &cluster.Spec{
		Name: "run-1", Image: "loadgen:1", Workers: 3, Scenario: "small.yaml",
		Files: map[string][]byte{"small.yaml": []byte("why: x\n"), "data/ä.csv": {'a', '\n', 0xff}}, Private: map[string][]byte{"me.key": []byte("key")},
		Variables: map[string]string{"TOKEN": "t0k3n"}, Secret: []byte("s3cr3t"), Args: []string{"--target=http://x", "--modes=$(X)"},
		Join: time.Minute, Silence: 10 * time.Second, Deadline: 90 * time.Second,
	}
}

// TestCreate checks that the Job comes first, with a deadline that runs, and owns the rest.
func TestCreate(t *testing.T) {
	a := &api{}
	c := serve(t, a)
	if err := c.Create(t.Context(), spec().Objects()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"POST jobs", "POST services", "POST configmaps", "POST secrets"}; !slices.Equal(a.calls, want) {
		t.Errorf("calls %q, want %q", a.calls, want)
	}
	var job batch.Job
	if err := json.Unmarshal(a.objects["jobs"], &job); err != nil {
		t.Fatal(err)
	}
	if job.Spec.Suspend != nil || job.Spec.ActiveDeadlineSeconds == nil {
		t.Error("the job's deadline does not run from its creation on")
	}
	for _, kind := range []string{"services", "configmaps", "secrets"} {
		var o struct {
			metav1.ObjectMeta `json:"metadata"`
		}
		if err := json.Unmarshal(a.objects[kind], &o); err != nil {
			t.Fatal(err)
		}
		if len(o.OwnerReferences) != 1 || o.OwnerReferences[0].UID != "uid-of-jobs" || o.OwnerReferences[0].Name != "run-1" {
			t.Errorf("%s are owned by %+v", kind, o.OwnerReferences)
		}
	}
}

// TestCreateFails checks that nothing is left of a run whose objects cannot all be made, and that the error says what rights it takes.
func TestCreateFails(t *testing.T) {
	steps := []string{"POST jobs", "POST services", "POST configmaps", "POST secrets"}
	for i, step := range steps {
		a := &api{refuses: step}
		err := serve(t, a).Create(t.Context(), spec().Objects())
		if err == nil || !strings.Contains(err.Error(), "not allowed") || !strings.Contains(err.Error(), "deploy/rbac/loadgen.yaml") {
			t.Errorf("%s: error %v", step, err)
		}
		want := append(slices.Clone(steps[:i+1]), "DELETE jobs")
		if i == 0 {
			want = steps[:1]
		}
		if !slices.Equal(a.calls, want) {
			t.Errorf("%s: calls %q, want %q", step, a.calls, want)
		}
	}
}

// TestCreateInterrupted checks that nothing is created any more when the command is to end, that what is under way then is not cut off, and that nothing is left.
func TestCreateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := &api{}
	a.sees = func(call string) {
		if call == "POST services" {
			cancel()
		}
	}
	if err := serve(t, a).Create(ctx, spec().Objects()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if want := []string{"POST jobs", "POST services", "DELETE jobs"}; !slices.Equal(a.calls, want) || a.objects["services"] == nil {
		t.Errorf("calls %q, want %q", a.calls, want)
	}
}

func pod(index, phase string, statuses ...core.ContainerStatus) *core.Pod {
	return &core.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "run-1-" + index, Annotations: map[string]string{batch.JobCompletionIndexAnnotation: index}},
		Spec:       core.PodSpec{Containers: []core.Container{{Resources: core.ResourceRequirements{Limits: core.ResourceList{core.ResourceMemory: resource.MustParse("512Mi")}}}}},
		Status:     core.PodStatus{Phase: core.PodPhase(phase), ContainerStatuses: statuses},
	}
}

func waits(reason, message string) core.ContainerStatus {
	return core.ContainerStatus{Image: "loadgen:1", State: core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: reason, Message: message}}}
}

func unschedulable(index string) *core.Pod {
	p := pod(index, "Pending")
	p.Status.Conditions = []core.PodCondition{{Type: core.PodScheduled, Status: core.ConditionFalse, Reason: core.PodReasonUnschedulable, Message: "0/3 nodes are available"}}
	return p
}

func evicted(index string) *core.Pod {
	p := pod(index, "Failed")
	p.Status.Reason, p.Status.Message = "Evicted", "the node was low on memory"
	return p
}

func ended(reason string, code, signal int32) core.ContainerStatus {
	return core.ContainerStatus{State: core.ContainerState{Terminated: &core.ContainerStateTerminated{Reason: reason, ExitCode: code, Signal: signal}}}
}

// TestStarted checks what is waited for, what is said meanwhile, once each, and what ends the wait.
func TestStarted(t *testing.T) {
	for name, tt := range map[string]struct {
		first  []any
		states [][]any
		log    string // lines
		err    string
	}{
		"at once":     {[]any{pod("0", "Running"), pod("1", "Pending")}, nil, "1 of 3 pods is running", ""},
		"later":       {[]any{unschedulable("0"), unschedulable("1")}, [][]any{{unschedulable("1")}, {pod("1", "Running")}, {pod("0", "Running")}}, "pod run-1-0: no node has room for it: 0/3 nodes are available (--cpu|2 of 3 pods are running", ""},
		"slow pull":   {[]any{pod("0", "Pending", waits("ErrImagePull", "timeout"))}, [][]any{{pod("0", "Running")}}, "pod run-1-0: the image loadgen:1 cannot be pulled yet: timeout|1 of 3 pods is running", ""},
		"no image":    {nil, [][]any{{pod("1", "Pending", waits("ImagePullBackOff", "not found"))}}, "", "pod run-1-1: no image loadgen:1: ImagePullBackOff: not found (make images"},
		"no secret":   {nil, [][]any{{pod("0", "Pending", waits("CreateContainerConfigError", `secret "x" not found`))}}, "", `its Secret or ConfigMap is not what the pod wants: CreateContainerConfigError: secret "x" not found`},
		"not there":   {nil, [][]any{{pod("0", "Pending", waits("RunContainerError", "no such file"))}}, "", "it cannot be started"},
		"memory":      {nil, [][]any{{pod("1", "Failed", ended("OOMKilled", 137, 0))}}, "", "pod run-1-1: the kernel killed it for its memory (OOMKilled): its limit is 512Mi of memory, and --memory sets another"},
		"evicted":     {nil, [][]any{{evicted("1")}}, "", "pod run-1-1: its node has evicted it: the node was low on memory (it asks for 512Mi of memory: --memory asks for more"},
		"ended early": {nil, [][]any{{pod("1", "Failed", ended("Error", 2, 0))}, {pod("0", "Running")}}, "pod run-1-1: it ended with exit code 2|2 of 3 pods are running", ""},
		"killed":      {nil, [][]any{{pod("1", "Failed", ended("Error", 0, 9))}, {pod("0", "Running")}}, "pod run-1-1: it ended by signal 9|2 of 3 pods are running", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{pods: tt.first, change: make(chan []any, len(tt.states))}
			for _, s := range tt.states {
				a.change <- s
			}
			c := serve(t, a)
			defer close(a.change)
			var log []string
			leader, err := c.Started(t.Context(), "run-1", 3, func(line string) { log = append(log, line) })
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || leader != "run-1-0" {
				t.Errorf("leader %q, error %v", leader, err)
			}
			want := strings.Split(tt.log, "|")
			if len(log) != len(want) {
				t.Fatalf("log %q, want %q", log, want)
			}
			for i := range want {
				if !strings.HasPrefix(log[i], want[i]) {
					t.Errorf("log %q, want %q", log[i], want[i])
				}
			}
		})
	}
}

// TestEnds checks that a node has a moment to report why a pod has ended, and that the exit code of the leader of a run whose verdict is known is no news.
func TestEnds(t *testing.T) {
	const memory = "pod run-1-1: the kernel killed it for its memory (OOMKilled): its limit is 512Mi of memory, and --memory sets another"
	for name, tt := range map[string]struct {
		first  []any
		then   []any
		leader string
		want   []string
	}{
		"at once": {first: []any{pod("0", "Running"), pod("1", "Failed", ended("OOMKilled", 137, 0))}, want: []string{memory}},
		"later":   {first: []any{pod("0", "Failed", ended("Error", 4, 0)), pod("1", "Running")}, then: []any{pod("1", "Failed", ended("OOMKilled", 137, 0))}, leader: "run-1-0", want: []string{memory}},
		"never":   {first: []any{pod("0", "Failed", ended("Error", 4, 0)), pod("1", "Failed", ended("Error", 137, 0))}, leader: "run-1-0", want: []string{"pod run-1-1: it ended with exit code 137"}},
		"lost":    {first: []any{pod("0", "Failed", ended("Error", 2, 0)), evicted("1")}, want: []string{"pod run-1-0: it ended with exit code 2", "pod run-1-1: its node has evicted it: the node was low on memory (it asks for 512Mi of memory: --memory asks for more, and --node-selector for other nodes)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{pods: tt.first, change: make(chan []any, 1)}
			a.change <- tt.then
			c := serve(t, a)
			defer close(a.change)
			got, err := c.Ends(t.Context(), "run-1", tt.leader)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, error %v, want %q", got, err, tt.want)
			}
		})
	}
}
