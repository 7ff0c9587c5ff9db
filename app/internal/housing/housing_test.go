package housing_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/app/internal/housing"
	"loadlab/app/internal/probe"
)

func TestOpenErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	for _, tt := range []struct {
		url  string
		want string
		is   error
	}{
		{"", "want postgres://", housing.ErrURL},
		{"mysql://localhost/x", "want postgres://", housing.ErrURL},
		{"sqlite:", "want postgres://", housing.ErrURL},
		{"sqlite::memory:", "wants the path of a file", housing.ErrURL},
		{"postgres://u:hunter2@127.0.0.1:notaport/x", "port", housing.ErrURL},
		{"postgres://u:hunter2@" + closed + "/x?sslmode=disable", "refused", nil},
		{"postgres://u:hunter2@" + closed + "/x?sslmode=prefer", "refused", nil},
		{"sqlite:" + filepath.Join(t.TempDir(), "missing", "portal.db"), "missing/portal.db: no such file or directory", nil},
	} {
		_, err := housing.Open(t.Context(), tt.url, housing.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || (tt.is != nil && !errors.Is(err, tt.is)) {
			t.Errorf("Open(%q): %v, want %q", tt.url, err, tt.want)
			continue
		}
		if strings.ContainsRune(err.Error(), '\n') || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) has more than a line, or tells the password: %v", tt.url, err)
		}
	}
}

// A path may hold what means something in a URI.
func TestSQLitePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20e.db")
	seeded(t, "sqlite:"+path, 3, housing.Options{})
	if found, err := filepath.Glob(strings.ReplaceAll(path, "?", "[?]")); err != nil || len(found) != 1 {
		t.Errorf("no file %s: %v", path, err)
	}
}

// The wait for a connection is counted apart from the time in SQL, and ends with the timeout.
func TestPoolWait(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 5, housing.Options{Connections: 1, Timeout: 50 * time.Millisecond})
		meter := probe.NewMeter(probe.NewRegistry(prometheus.NewRegistry()).Mode("naive"))
		only, err := s.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Page(probe.With(t.Context(), meter), "naive", housing.Query{Page: 1, PageSize: 20})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Page without a free connection: %v, want %v", err, context.DeadlineExceeded)
		}
		if got := meter.Timing(); got.Wait <= 0 || got.SQL != 0 { // how much of the timeout is left for it depends on the machine
			t.Errorf("waited %v and ran %d queries, want a wait and none", got.Wait, got.SQL)
		}
		if err := only.Close(); err != nil {
			t.Fatal(err)
		}
		if got := s.DB().Stats().OpenConnections; got != 1 {
			t.Errorf("%d connections, want 1", got)
		}
	})
}

// lock keeps everybody off the properties until unlock.
func lock(t *testing.T, url string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("LOCK TABLE properties IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback(); db.Close() }
}

func TestSlowQueryTimesOut(t *testing.T) {
	url := postgresURL(t)
	s := seeded(t, url, 5, housing.Options{Timeout: 100 * time.Millisecond})
	unlock := lock(t, url)
	_, err := s.Page(t.Context(), "optimized", housing.Query{Page: 1, PageSize: 20})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Page: %v, want %v", err, context.DeadlineExceeded)
	}
	unlock()
}

// A client that gives up does not cost the pool its connection.
func TestCancelKeepsTheConnection(t *testing.T) {
	url := postgresURL(t)
	s := seeded(t, url, 5, housing.Options{Connections: 1})
	const backend = "SELECT pg_backend_pid()"
	want := scan[int](t, s, backend)
	unlock := lock(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Page(ctx, "naive", housing.Query{Page: 1, PageSize: 20}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Page: %v, want %v", err, context.DeadlineExceeded)
	}
	unlock()
	if got := scan[int](t, s, backend); got != want {
		t.Errorf("the pool connected again: backend %d, before %d", got, want)
	}
}

// What is cancelled is the request's own statement, never one of whoever has the connection next.
func TestCancelHitsNobodyElse(t *testing.T) {
	s := seeded(t, postgresURL(t), 500, housing.Options{Connections: 2})
	var wg sync.WaitGroup
	for user := range 4 {
		wg.Go(func() {
			for i := range 8 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*user)*200*time.Microsecond)
				_, err := s.Page(ctx, "naive", housing.Query{Page: 1, PageSize: 20})
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a cancelled request: %v, want %v", err, context.DeadlineExceeded)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if _, err := s.Page(t.Context(), "optimized", housing.Query{Page: 1, PageSize: 20}); err != nil {
					t.Errorf("a request that nobody cancelled: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
