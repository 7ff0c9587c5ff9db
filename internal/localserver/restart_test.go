package localserver_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// kills are ways for a server to go, each with what must be undone for a restart to be needed at all.
func kills() map[string]func(*localserver.Process) {
	return map[string]func(*localserver.Process){
		"killed":            (*localserver.Process).Kill,
		"stopped, then not": func(p *localserver.Process) { _ = syscall.Kill(p.PID(), syscall.SIGSTOP) },
		"running":           func(*localserver.Process) {},
	}
}

func TestPostgresRestart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pg, err := localserver.StartPostgres(ctx, localserver.Options{})
	need(t, err)
	defer pg.Stop()
	url, socket, process := pg.URL(), pg.SocketURL(), pg.Process
	conn := pgConnect(t, url)
	if _, err := conn.Exec(ctx, "CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, kill := range kills() {
		n++
		t.Log(name)
		conn := pgConnect(t, url)
		for _, statement := range []string{"SET synchronous_commit = on", "INSERT INTO kept VALUES (" + strconv.Itoa(n) + ")"} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		// A backend in the middle of a query does not notice that its server is gone, and holds the shared memory.
		busy := make(chan error, 1)
		go func() {
			_, err := conn.Exec(ctx, "DO $$ BEGIN LOOP END LOOP; END $$")
			busy <- err
		}()
		testkit.Eventually(t, "the query runs", func() bool {
			return pgCount(t, url, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'") == 1
		})
		before := processes(pg)
		kill(pg.Process)
		started := time.Now()
		if err := pg.Restart(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%s: restarted in %v", name, time.Since(started))
		testkit.Gone(t, before...)
		if err := <-busy; err == nil {
			t.Error("the endless query ended well")
		}
		if pg.URL() != url || pg.SocketURL() != socket || pg.Process != process || !testkit.Running(pg.Process.PID()) || pg.Process.Err() != nil {
			t.Errorf("%s: %s, %s, %v: want the same server", name, pg.URL(), pg.SocketURL(), pg.Process.Err())
		}
		for _, address := range []string{url, socket} {
			if got := pgCount(t, address, "SELECT count(*) FROM kept"); got != n {
				t.Errorf("%s: %d rows at %s, want %d", name, got, address, n)
			}
		}
	}
	if _, err := pg.CreateDatabase(ctx, "after"); err != nil {
		t.Error(err)
	}
	dir, pids := filepath.Dir(pgShow(t, url, "data_directory")), processes(pg)
	if err := pg.Stop(); err != nil {
		t.Error(err)
	}
	testkit.Gone(t, pids...)
	wantNoFile(t, dir)
}

// The lock files of a killed server name a process that lives: its number has been given to another.
func TestPostgresRestartWithAReusedNumber(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pg, err := localserver.StartPostgres(ctx, localserver.Options{})
	need(t, err)
	defer pg.Stop()
	data := pgShow(t, pg.URL(), "data_directory")
	pg.Process.Kill()
	locks, err := filepath.Glob(filepath.Join(data, ".s.PGSQL.*.lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(locks, filepath.Join(data, "postmaster.pid")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rest := text[len(strconv.Itoa(pg.Process.PID())):]
		if err := os.WriteFile(name, append(strconv.AppendInt(nil, int64(os.Getpid()), 10), rest...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := pg.Restart(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestRedisRestart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, err := localserver.StartRedis(ctx, localserver.Options{})
	need(t, err)
	defer r.Stop()
	addr := r.Addr()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	for _, test := range []struct {
		name       string
		save, kill bool
		keep       bool
		want       int64
	}{
		{"running, to keep", false, false, true, 1},
		{"running, to lose", false, false, false, 0},
		{"killed, to lose", false, true, false, 0},
		{"saved and killed, to keep", true, true, true, 1},
		{"saved and killed, to lose", true, true, false, 0},
	} {
		if err := client.Set(ctx, "k", "v", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if test.save {
			if err := r.Save(ctx); err != nil {
				t.Fatal(err)
			}
		}
		before := r.PID
		if test.kill {
			r.Process.Kill()
		}
		if err := r.Restart(ctx, test.keep); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		testkit.Gone(t, before)
		if r.Addr() != addr || r.PID == before || r.PID != r.Process.PID() {
			t.Errorf("%s: process %d at %s, want another one at %s", test.name, r.PID, r.Addr(), addr)
		}
		fresh := redis.NewClient(&redis.Options{Addr: addr})
		if got, err := fresh.DBSize(ctx).Result(); err != nil || got != test.want {
			t.Errorf("%s: %d keys, %v, want %d", test.name, got, err, test.want)
		}
		fresh.Close()
	}
	if err := client.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(ctx, false); err != nil {
		t.Fatal(err)
	}
	r.Process.Kill()
	if err := r.Restart(ctx, true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("killed and never saved: got %v, want that there is nothing to keep", err)
	}
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}

// Others may look at the process while its server is restarted.
func TestProcessIsReadDuringARestart(t *testing.T) {
	t.Parallel()
	r, err := localserver.StartRedis(t.Context(), localserver.Options{})
	need(t, err)
	defer r.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() {
		for ctx.Err() == nil {
			_, _ = r.Process.PID(), r.Process.Err()
			select {
			case <-r.Process.Done():
			default:
			}
		}
	})
	for range 3 {
		r.Process.Kill()
		if err := r.Restart(t.Context(), false); err != nil {
			t.Error(err)
		}
	}
	cancel()
	readers.Wait()
}

func pgCount(t *testing.T, url, query string) int {
	t.Helper()
	var n int
	if err := pgConnect(t, url).QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
