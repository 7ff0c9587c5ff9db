package kubetest_test

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testLost checks what becomes of a run to which something happens: a verdict that names it, the report of what was measured, and nothing in the cluster.
func (l *lab) testLost(t *testing.T) {
	for name, tt := range map[string]struct {
		does   func(t *testing.T, p *place, c *command, pods []string) error
		code   int
		want   string // of stdout
		report bool
		said   string // of stderr
	}{
		"a worker is killed": {func(_ *testing.T, p *place, _ *command, pods []string) error { return p.node.Kill(p.ns, pods[1]) }, 4, "INVALID endless: worker 1 (", true, ": it ended with exit code 137"},
		"a worker has too little memory": {func(_ *testing.T, p *place, _ *command, pods []string) error {
			return p.node.KillForMemory(p.ns, pods[1])
		}, 4, "INVALID endless: worker 1 (", true,
			": the kernel killed it for its memory (OOMKilled): its limit is 512Mi of memory, and --memory sets another"},
		"a worker is evicted": {func(_ *testing.T, p *place, _ *command, pods []string) error {
			return p.node.Evict(p.ns, pods[1], "The node was low on resource: memory.")
		}, 4, "INVALID endless: worker 1 (", true, ": its node has evicted it: The node was low on resource: memory. (it asks for 512Mi of memory: --memory asks for more"},
		"the leader has too little memory": {func(_ *testing.T, p *place, _ *command, pods []string) error {
			return p.node.KillForMemory(p.ns, pods[0])
		}, 4, "", false, "the kernel killed it for its memory (OOMKilled)"},
		"a worker is drained":       {deletePod, 4, "INVALID endless: worker 1 (", true, ""},
		"the leader is killed":      {func(_ *testing.T, p *place, _ *command, pods []string) error { return p.node.Kill(p.ns, pods[0]) }, 4, "", false, "it ended with exit code 137"},
		"interrupted":               {func(_ *testing.T, _ *place, c *command, _ []string) error { return c.Process.Signal(syscall.SIGINT) }, 130, "INTERRUPTED endless: stopped after ", true, ""},
		"interrupted twice":         {interruptTwice, 130, "", false, "there is no report: the run was not waited for"},
		"a worker is started twice": {startTwin, 4, "INVALID endless: worker 1 was started twice", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := l.place(t, role(t, "loadgen"))
			c := p.run(t, "./endless.yaml")
			pods := p.underLoad(t, c)
			if err := tt.does(t, p, c, pods); err != nil {
				t.Fatal(err)
			}
			c.end(t, tt.code)
			for _, pid := range p.node.Running() {
				_ = syscall.Kill(pid, syscall.SIGCONT) // one that was stopped is to end
			}
			if got := strings.Join(strings.Fields(c.stdout.String()), " "); !strings.Contains(got, tt.want) {
				t.Errorf("%s\nwant %q", c, tt.want)
			}
			if tt.said != "" && !strings.Contains(c.stderr.String(), tt.said) {
				t.Errorf("%s\nwant %q", c, tt.said)
			}
			if tt.report {
				if r := c.report(t); len(r.Cells) == 0 || len(r.Workers) != 3 {
					t.Errorf("the report has %d cells and %d workers", len(r.Cells), len(r.Workers))
				}
			}
			p.gone(t)
		})
	}
}

// underLoad starts a run, and returns its pods by their index as soon as it has sent something.
func (p *place) underLoad(t *testing.T, c *command) []string {
	t.Helper()
	driven := c.stderr.Written("  first  ")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case <-driven:
	case <-limit.C:
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatalf("nothing was sent\n%s", c)
	}
	list, err := p.client.CoreV1().Pods(p.ns).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 3 {
		t.Fatalf("%d pods, %v", len(list.Items), err)
	}
	pods := make([]string, 3)
	for _, o := range list.Items {
		index, err := strconv.Atoi(o.Annotations[batchv1.JobCompletionIndexAnnotation])
		if err != nil {
			t.Fatal(err)
		}
		pods[index] = o.Name
	}
	return pods
}

// interruptTwice interrupts a run that does not end when it is to.
func interruptTwice(t *testing.T, p *place, c *command, pods []string) error {
	pid, ok := p.node.Running()[pods[0]]
	if !ok {
		return errors.New("pod 0 does not run")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	ending := c.stderr.Written("the run is to end")
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-ending:
	case <-t.Context().Done():
	}
	return c.Process.Signal(syscall.SIGINT)
}

// deletePod deletes a worker's pod, as who drains its node does.
func deletePod(t *testing.T, p *place, _ *command, pods []string) error {
	return p.client.CoreV1().Pods(p.ns).Delete(t.Context(), pods[1], metav1.DeleteOptions{})
}

// startTwin starts another pod for the index of a worker, as a cluster may that has lost sight of a node.
func startTwin(t *testing.T, p *place, _ *command, pods []string) error {
	core := p.client.CoreV1().Pods(p.ns)
	first, err := core.Get(t.Context(), pods[1], metav1.GetOptions{})
	if err != nil {
		return err
	}
	owner := first.OwnerReferences[0]
	owner.Controller = nil // it goes with the Job, which does not count it
	spec := first.Spec.DeepCopy()
	spec.NodeName = ""
	twin := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "twin", Annotations: first.Annotations, Labels: map[string]string{batchv1.JobCompletionIndexAnnotation: "1"}, OwnerReferences: []metav1.OwnerReference{owner}}, Spec: *spec}
	_, err = core.Create(t.Context(), twin, metav1.CreateOptions{})
	return err
}

// testOrphaned checks that the cluster ends and deletes a run whose command was killed. What it waits for, some minutes at least, is shortened.
func (l *lab) testOrphaned(t *testing.T) {
	p := l.place(t, role(t, "loadgen"))
	c := p.run(t, "./endless.yaml")
	p.underLoad(t, c)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	jobs := p.client.BatchV1().Jobs(p.ns)
	list, err := jobs.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d jobs, %v", len(list.Items), err)
	}
	job := list.Items[0]
	if s := job.Spec; s.ActiveDeadlineSeconds == nil || s.TTLSecondsAfterFinished == nil || *s.ActiveDeadlineSeconds < 600 || *s.ActiveDeadlineSeconds > 3600 {
		t.Errorf("a run of 10 minutes ends after %v s, and goes after %v s more", s.ActiveDeadlineSeconds, s.TTLSecondsAfterFinished)
	}
	if left := p.left(t); len(left) != 7 {
		t.Errorf("what is there of the run is %v", left)
	}
	patch := []byte(`{"spec":{"activeDeadlineSeconds":1,"ttlSecondsAfterFinished":1}}`)
	if _, err := jobs.Patch(t.Context(), job.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	p.gone(t)
}
