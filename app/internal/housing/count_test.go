package housing_test

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/trace/noop"

	"loadlab/app/internal/housing"
	"loadlab/app/internal/probe"
)

// counting stands between database/sql and the driver and counts the queries that reach it.
type counting struct {
	driver.Connector
	queries *atomic.Int64
}

func (c counting) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return &countingConn{Conn: conn, queries: c.queries}, err
}

type countingConn struct {
	driver.Conn
	queries *atomic.Int64
}

func (c *countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.queries.Add(1)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// CheckNamedValue lets pgx have its options as arguments.
func (c *countingConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// queriesPerPage is what each loader costs for a page of 20: the lab's subject, so these are exact.
func queriesPerPage() map[string]int {
	return map[string]int{"naive": 62, "batched": 5, "optimized": 2}
}

// Each request is charged exactly its own queries while others run, and together they are what reached the driver and the server.
func TestQueryCountsUnderConcurrency(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		registry := probe.NewRegistry(prometheus.NewRegistry())
		var driven atomic.Int64
		o := housing.Options{Connections: 4, Hook: func(system string) bun.QueryHook {
			return &probe.SQLHook{System: system, Tracer: noop.NewTracerProvider().Tracer("")}
		}}
		s := seeded(t, url, 130, housing.WithDriver(o, func(c driver.Connector) driver.Connector {
			return counting{Connector: c, queries: &driven}
		}))
		const statements = `SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
			WHERE query LIKE 'SELECT %FROM "%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`
		onServer := s.System() == "postgresql" && server.pg.Statements
		var before int64
		if onServer {
			before = scan[int64](t, s, statements)
		}
		driven.Store(0)

		const users, requests = 6, 6
		var want atomic.Int64
		var wg sync.WaitGroup
		for user := range users {
			wg.Go(func() {
				for i := range requests {
					loader := housing.Loaders()[(user+i)%len(housing.Loaders())]
					meter := probe.NewMeter(registry.Mode(loader))
					_, err := s.Page(probe.With(t.Context(), meter), loader, housing.Query{Page: 1 + i, PageSize: 20})
					if err != nil {
						t.Error(err)
						return
					}
					if got, want := meter.Timing().SQL, queriesPerPage()[loader]; got != want {
						t.Errorf("%s, page %d: the request counted %d queries, want %d", loader, 1+i, got, want)
					}
					want.Add(int64(queriesPerPage()[loader]))
				}
			})
		}
		wg.Wait()
		if got := driven.Load(); got != want.Load() {
			t.Errorf("%d queries reached the driver, want %d", got, want.Load())
		}
		if onServer {
			if got := scan[int64](t, s, statements) - before; got != want.Load() {
				t.Errorf("pg_stat_statements counted %d queries, want %d", got, want.Load())
			}
		}
	})
}

// A page without rows needs no query for what belongs to them.
func TestQueryCountsOfAnEmptyPage(t *testing.T) {
	registry := probe.NewRegistry(prometheus.NewRegistry())
	s := seeded(t, sqliteURL(t), 10, housing.Options{Hook: func(system string) bun.QueryHook {
		return &probe.SQLHook{System: system, Tracer: noop.NewTracerProvider().Tracer("")}
	}})
	for _, loader := range housing.Loaders() {
		meter := probe.NewMeter(registry.Mode(loader))
		_, err := s.Page(probe.With(t.Context(), meter), loader, housing.Query{Page: 3, PageSize: 20})
		if got := meter.Timing().SQL; err != nil || got != 2 {
			t.Errorf("%s: %d queries, error %v; want 2", loader, got, err)
		}
	}
}
