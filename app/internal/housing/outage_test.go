package housing_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// mortal is a store on a PostgreSQL of its own, which may be killed.
type mortal struct {
	pg       *localserver.Postgres
	store    *housing.Store
	book     *outage.Book
	log      testkit.Log
	registry *probe.Registry
}

func newMortal(t *testing.T, o housing.Options) *mortal {
	t.Helper()
	pg, err := localserver.StartPostgres(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() { _ = pg.Stop() }) // it may be stopped by a signal
	m := &mortal{pg: pg, book: outage.NewBook(nil), registry: probe.NewRegistry(prometheus.NewRegistry())}
	o.Outages, o.Log = m.book, slog.New(slog.NewTextHandler(&m.log, nil))
	m.store = seeded(t, pg.URL(), 60, o)
	return m
}

func (m *mortal) context(ctx context.Context) context.Context {
	return probe.With(ctx, probe.NewMeter(m.registry.Mode("naive")))
}

func (m *mortal) page(ctx context.Context) error {
	_, err := m.store.Page(m.context(ctx), "naive", housing.Query{Page: 1, PageSize: 20})
	return err
}

func (m *mortal) failures() int64 {
	return m.registry.Counters().Modes["naive"].Counts[api.CountDBFailures]
}

// fill makes the pool have n connections.
func (m *mortal) fill(t *testing.T, n int) {
	t.Helper()
	var conns []*sql.Conn
	db := m.store.DB()
	for range n {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.Close()
	}
}

// recovery returns how long it takes until a page is served, and how many requests failed meanwhile.
func (m *mortal) recovery(t *testing.T) (took time.Duration, failed int) {
	t.Helper()
	started := time.Now()
	testkit.Eventually(t, "a page is served", func() bool {
		err := m.page(t.Context())
		if err != nil {
			failed++
		}
		return err == nil
	})
	return time.Since(started), failed
}

// backWithin allows for a busy machine: a request that has waited for its timeout is one that failed, and none may.
const backWithin = 3 * time.Second

func TestPostgresKilledAndBack(t *testing.T) {
	m := newMortal(t, housing.Options{Connections: 8, Timeout: 2 * time.Second})
	m.fill(t, 8)
	testkit.Kill(t, m.pg.Process)
	const n = 20
	for range n {
		started := time.Now()
		err := m.page(t.Context())
		var down *outage.Error
		if !errors.As(err, &down) || down.Dependency != api.DependencyDatabase || strings.Contains(err.Error(), "\n") {
			t.Fatalf("got %v, want one line, an outage of the database", err)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("a request that is refused took %s", took)
		}
	}
	testkit.Eventually(t, "the outage is known", func() bool { return m.book.Down(api.DependencyDatabase) })
	if err := m.pg.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	took, failed := m.recovery(t)
	t.Logf("used again after %s and %d failed requests", took, failed)
	if took > backWithin || failed > 0 {
		t.Errorf("used again after %s and %d failed requests, want %s and none", took, failed, backWithin)
	}
	testkit.Eventually(t, "the outage is over", func() bool { return !m.book.Down(api.DependencyDatabase) })
	got := m.book.Outages().Outages
	if len(got) != 1 || got[0].Failed != n || got[0].Ongoing() || m.failures() != n {
		t.Errorf("got %+v and %d failures, want one outage that met %d", got, m.failures(), n)
	}
	if lines := strings.Count(m.log.String(), "\n"); lines != 2 || !strings.Contains(m.log.String(), "outage ended") {
		t.Errorf("got %d lines, want 2:\n%s", lines, &m.log)
	}
}

// A server that was replaced between two requests leaves a pool of dead connections, and no request fails for that.
func TestPostgresRestartedBetweenRequests(t *testing.T) {
	m := newMortal(t, housing.Options{Connections: 8})
	for range 3 {
		m.fill(t, 8)
		if err := m.pg.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := m.page(t.Context()); err != nil {
				t.Errorf("got %v, want a page", err)
			}
		}
	}
	if m.failures() != 0 || len(m.book.Outages().Outages) != 0 {
		t.Errorf("got %d failures and %+v, want none", m.failures(), m.book.Outages())
	}
}

// A server that is stopped hangs: each request costs the timeout at most, and once it goes on it is used at once.
func TestPostgresStoppedAndGoesOn(t *testing.T) {
	const timeout = 1500 * time.Millisecond
	m := newMortal(t, housing.Options{Connections: 4, Timeout: timeout})
	m.fill(t, 4)
	pids := []int{m.pg.Process.PID()}
	for _, child := range testkit.Descendants(pids[0]) {
		pids = append(pids, child.PID)
	}
	signal := func(s syscall.Signal) {
		for _, pid := range pids {
			if err := syscall.Kill(pid, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	const n = 12 // more than there are connections
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			started := time.Now()
			err := m.page(t.Context())
			took := time.Since(started)
			if !errors.As(err, new(*outage.Error)) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want an outage", err)
			}
			if took >= 2*timeout { // one for a connection and another for a query
				t.Errorf("a request took %s, want less than two timeouts", took)
			}
		})
	}
	wg.Wait()
	testkit.Eventually(t, "the outage is known", func() bool { return m.book.Down(api.DependencyDatabase) })
	signal(syscall.SIGCONT)
	took, failed := m.recovery(t)
	t.Logf("used again after %s and %d failed requests", took, failed)
	if took > backWithin || failed > 0 {
		t.Errorf("used again after %s and %d failed requests, want %s and none", took, failed, backWithin)
	}
	testkit.Eventually(t, "the outage is over", func() bool { return !m.book.Down(api.DependencyDatabase) })
}

// Neither an error of SQL, nor a client that leaves, nor a lock that takes too long is an outage.
func TestWhatIsNoOutage(t *testing.T) {
	m := newMortal(t, housing.Options{Connections: 2, Timeout: time.Second})
	m.fill(t, 2)
	if _, err := m.store.Property(m.context(t.Context()), 999999); !errors.Is(err, housing.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	unlock := lock(t, m.pg.URL())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := m.page(ctx); err == nil || errors.As(err, new(*outage.Error)) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the client left: got %v", err)
	}
	if got := m.failures(); got != 0 {
		t.Errorf("%d failures, want none", got)
	}
	for range 3 {
		if err := m.page(t.Context()); !errors.As(err, new(*outage.Error)) {
			t.Errorf("behind a lock: got %v, want that it was not answered in time", err)
		}
	}
	unlock()
	testkit.Eventually(t, "the log has it", func() bool { return strings.Contains(m.log.String(), "but it answers") })
	if got := m.book.Outages().Outages; len(got) != 0 || m.failures() != 3 || strings.Contains(m.log.String(), "outage began") {
		t.Errorf("got %d failures, %+v and the log\n%s, want 3 and no outage", m.failures(), got, &m.log)
	}
	if _, err := m.store.DB().ExecContext(t.Context(), "DROP TABLE revision"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.store.ChangePrice(m.context(t.Context()), 1, 100); err == nil || errors.As(err, new(*outage.Error)) {
		t.Errorf("an error of SQL: got %v", err)
	}
}

func TestPing(t *testing.T) {
	m := newMortal(t, housing.Options{Connections: 1})
	only, err := m.store.DB().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.store.Ping(t.Context()); err != nil {
		t.Errorf("with a pool that is in use: %v", err)
	}
	only.Close()
	testkit.Kill(t, m.pg.Process)
	if err := m.store.Ping(t.Context()); err == nil {
		t.Error("a dead server answers")
	}
	if err := open(t, sqliteURL(t), housing.Options{}).Ping(t.Context()); err != nil {
		t.Errorf("SQLite: %v", err)
	}
}
