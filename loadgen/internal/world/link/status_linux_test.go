package link_test

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
)

// The wire changes for what is sent from then on, and what is sent then does not overtake what is under way.
func TestSet(t *testing.T) {
	const far = 100 * time.Millisecond
	l := start(t, link.Config{To: echo(t, "tcp", "127.0.0.1:0"), Wire: link.Wire{RTT: far}})
	conn := dial(t, l.Addr())
	begun := time.Now()
	if _, err := io.WriteString(conn, "slow"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "it is under way", func() bool { return l.Stats().Bytes == 4 })
	if err := l.Set(t.Context(), link.Wire{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "fast"); err != nil {
		t.Fatal(err)
	}
	heard(t, conn, "slowfast")
	if took := time.Since(begun); took < far/2-time.Millisecond {
		t.Errorf("got it after %v, want not before %v", took, far/2)
	}
	if got := l.Status().Wire; got != (link.Wire{}) {
		t.Errorf("got the wire %+v, want none", got)
	}
	if err := l.Set(t.Context(), link.Wire{RTT: -1}); err == nil {
		t.Error("a round trip below 0: got no error")
	}
}

// A server that is not there is in the totals, with the reason and the times.
func TestFailure(t *testing.T) {
	missing := link.Addr{Network: "unix", Address: filepath.Join(t.TempDir(), "missing")}
	l := start(t, link.Config{To: missing})
	if got := l.Stats().Failure; got != nil {
		t.Errorf("got %+v before anybody connected", got)
	}
	for range 2 {
		resetAtOnce(t, l.Addr())
	}
	got := l.Stats()
	if got.Failed != 2 || got.Failure == nil || got.Failure.Last.Before(got.Failure.First) || got.Failure.First.IsZero() {
		t.Fatalf("got %+v, want two failures with their times", got)
	}
	if want := missing.String() + ": connect: no such file or directory"; got.Failure.Error != want {
		t.Errorf("got the reason %q, want %q", got.Failure.Error, want)
	}
}
