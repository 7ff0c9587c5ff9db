package housing_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"loadlab/app/internal/housing"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// server is the PostgreSQL that all tests share, started by the first that uses it. Each test has a database of its own.
var server struct {
	sync.Mutex
	pg    *localserver.Postgres
	err   error
	tried bool
	n     int
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.pg != nil {
		if err := server.pg.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// sqliteURL is a database in a file that does not exist yet.
func sqliteURL(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "portal.db")
}

// postgresURL is an empty database. Without PostgreSQL the test is skipped, but in CI it fails.
func postgresURL(t testing.TB) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if !server.tried {
		server.tried = true
		server.pg, server.err = localserver.StartPostgres(context.Background(), localserver.Options{})
	}
	testkit.Need(t, server.err, localserver.ErrMissing)
	server.n++
	url, err := server.pg.CreateDatabase(t.Context(), fmt.Sprintf("test%d", server.n))
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// onBoth runs a test on SQLite and on PostgreSQL, each with an empty database.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteURL(t)) })
	t.Run("postgresql", func(t *testing.T) { test(t, postgresURL(t)) })
}

func open(t testing.TB, url string, o housing.Options) *housing.Store {
	t.Helper()
	s, err := housing.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// seeded opens a database and fills it.
func seeded(t testing.TB, url string, properties int, o housing.Options) *housing.Store {
	t.Helper()
	s := open(t, url, o)
	if err := s.Seed(t.Context(), properties, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// page loads a page and fails the test if it can't.
func page(t testing.TB, s *housing.Store, loader string, q housing.Query) ([]byte, int64) {
	t.Helper()
	p, err := s.Page(t.Context(), loader, q)
	if err != nil {
		t.Fatalf("Page(%s, %+v): %v", loader, q, err)
	}
	return p.Body, p.Version
}

// scan asks the database itself, past the Store.
func scan[T any](t testing.TB, s *housing.Store, query string) T {
	t.Helper()
	var v T
	if err := s.DB().QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
