//go:build unix

package drive_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"loadlab/loadgen/internal/drive"
)

// TestStopped: a generator that stood still for a second knows it, in either loop.
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
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	<-time.After(500 * ms)
	for _, sig := range []os.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
	}
	var results [2]drive.Result
	if err := json.NewDecoder(lines).Decode(&results); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Self.Hiccup.Max < 900*ms {
			t.Errorf("loop %d: greatest hiccup %v, want about 1s", i, r.Self.Hiccup.Max)
		}
	}
	if late := results[0].Self.Release; late.P99 < 500*ms || late.Max < 900*ms {
		t.Errorf("open: released %v late at p99, %v at most, want about 1s", late.P99, late.Max)
	}
}
