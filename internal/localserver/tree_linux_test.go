package localserver_test

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// ticks is what the account of ended processes may be wrong by.
const ticks = 20 * time.Millisecond

// TestTreeCPU: a child's time is in the sum while it lives, and still when it has ended, and the sum agrees with what the kernel reports at
// the end.
func TestTreeCPU(t *testing.T) {
	folder := newFolder(t)
	script := `burn() { i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; }
for n in 1 2 3 4 5; do (burn) & (burn; (burn)) & wait; done; echo done; read end`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := folder.Start("tree", cmd)
	if err != nil {
		t.Fatal(err)
	}
	var last time.Duration
	testkit.Eventually(t, "the children have ended", func() bool {
		last = grown(t, p, last)
		return p.Tail(1) == "done"
	})
	last = grown(t, p, last)
	own, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if last < own+5*ticks {
		t.Errorf("got %v with its children, %v of its own: want the children's in the sum", last, own)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if spent := p.Spent(); spent < last-ticks || spent > last+ticks+50*time.Millisecond {
		t.Errorf("got %v just before the end, the kernel reports %v", last, spent)
	}
	if _, err := p.TreeCPU(); err == nil {
		t.Error("got the CPU time of a process that has ended")
	}
}

// TestPostgresCPU: backends that come, work and go are in PostgreSQL's CPU time, each once, while others are looking on.
func TestPostgresCPU(t *testing.T) {
	t.Parallel()
	pg, err := localserver.StartPostgres(t.Context(), localserver.Options{Folder: newFolder(t)})
	need(t, err)
	stopped := false
	defer func() {
		if !stopped {
			_ = pg.Stop() // the test has failed already
		}
	}()
	idle := grown(t, pg.Process, 0)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() {
			for range 15 {
				if err := connectAndWork(ctx, pg.URL()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	var last time.Duration
	looks := 0
	for busy := true; busy; looks++ {
		select {
		case <-done:
			busy = false
		default:
		}
		last = grown(t, pg.Process, last)
	}
	master, err := pg.Process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if last-idle < 45*5*time.Millisecond || master > last/2 {
		t.Errorf("after 45 backends: got %v, %v of it the postmaster's, after %v idle: want most of it the backends'", last, master, idle)
	}
	stopped = true
	if err := pg.Stop(); err != nil {
		t.Fatal(err)
	}
	// What it took to stop is all that may have come after the last look.
	if spent := pg.Process.Spent(); spent < last-ticks || spent > last+ticks+300*time.Millisecond {
		t.Errorf("got %v just before the stop, the kernel reports %v", last, spent)
	}
	t.Logf("%d looks, idle %v, at the end %v, the kernel %v", looks, idle, last, pg.Process.Spent())
}

// grown returns the CPU time of a tree, which must not be less than it was.
func grown(t *testing.T, p *localserver.Process, last time.Duration) time.Duration {
	t.Helper()
	used, err := p.TreeCPU()
	if err != nil {
		t.Fatal(err)
	}
	if used < last-ticks {
		t.Errorf("got %v after %v: CPU time was lost", used, last)
	}
	return max(used, last)
}

// connectAndWork makes a backend that works for some milliseconds and ends.
func connectAndWork(ctx context.Context, url string) error {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SELECT sum(sqrt(i)) FROM generate_series(1, 100000) i").ReadAll()
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
