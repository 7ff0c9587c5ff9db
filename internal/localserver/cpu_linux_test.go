package localserver_test

import (
	"os/exec"
	"testing"
	"time"

	"loadlab/internal/testkit"
)

// A process that computes uses CPU time, one that waits uses none, and one that has ended has no clock.
func TestCPU(t *testing.T) {
	folder := newFolder(t)
	busy, err := folder.Start("busy", exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done"))
	if err != nil {
		t.Fatal(err)
	}
	idle, err := folder.Start("idle", exec.CommandContext(t.Context(), "sleep", "60"))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the busy process has used 50 ms", func() bool {
		used, err := busy.CPU()
		if err != nil {
			t.Fatal(err)
		}
		return used >= 50*time.Millisecond
	})
	if used, err := idle.CPU(); err != nil || used <= 0 || used >= 50*time.Millisecond {
		t.Errorf("the idle process has used %v (%v), want some start-up and no more", used, err)
	}
	for _, p := range []interface{ Kill() }{busy, idle} {
		p.Kill()
	}
	<-busy.Done()
	if _, err := busy.CPU(); err == nil {
		t.Error("got the CPU time of a process that has ended")
	}
}
