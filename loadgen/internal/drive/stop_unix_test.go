//go:build unix

package drive_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"loadlab/loadgen/internal/drive"
)

// stopSelf stops the process until it gets SIGCONT.
func stopSelf() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// TestStopped: both loops measure that their process did not run for a second.
func TestStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 3 s")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], stopMe)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("got status %x, %v, want a process that has stopped", status, err)
	}
	stopped := time.Now()
	<-time.After(time.Second) //nolint:forbidigo // the pause is what is measured: the test waits for nothing else here
	pause := time.Since(stopped)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var results [2]drive.Result
	if err := json.NewDecoder(out).Decode(&results); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	// The timer of hiccups and the next arrival were due at most 10 ms after the stop.
	least := pause - 100*ms
	for i, r := range results {
		if r.Self.Hiccup.Max < least {
			t.Errorf("loop %d: greatest hiccup %v, want about %v", i, r.Self.Hiccup.Max, pause)
		}
	}
	if late := results[0].Self.Release; late.P99 < pause/2 || late.Max < least {
		t.Errorf("open: released %v late at p99, %v at most, want about %v", late.P99, late.Max, pause)
	}
}
