package housing

import (
	"context"
	"fmt"
	"regexp"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// Plan is how the database runs a query.
type Plan struct {
	Query string `json:"query"` // the first of its shape, with its literals
	Times int    `json:"times"` // how many queries of the page have this shape
	Plan  string `json:"plan"`  // EXPLAIN (ANALYZE, BUFFERS) on PostgreSQL, EXPLAIN QUERY PLAN on SQLite
}

// Explain runs the loader for the first page and then explains what it ran, one plan for each shape of query, in the order of their
// first use.
func (s *Store) Explain(ctx context.Context, loader string) ([]Plan, error) {
	l, err := loaderOf(loader)
	if err != nil {
		return nil, err
	}
	var rec recorder
	var plans []Plan
	err = s.reading(ctx, s.db.WithQueryHook(&rec), func(ctx context.Context, conn bun.Conn) error {
		if _, err := l.load(ctx, conn, Query{Page: 1, PageSize: api.DefaultPageSize}); err != nil {
			return err
		}
		plans = rec.plans()
		for i := range plans {
			// Past bun, so that no hook counts it as a query of the lab's.
			if plans[i].Plan, err = s.dialect.explain(ctx, conn.Conn, plans[i].Query); err != nil {
				return fmt.Errorf("explain %q: %w", plans[i].Query, err)
			}
		}
		return nil
	})
	return plans, err
}

// recorder is a hook that keeps the queries of one loader, which runs them one after the other.
type recorder struct{ queries []string }

// BeforeQuery implements bun.QueryHook.
func (r *recorder) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	r.queries = append(r.queries, event.Query)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (r *recorder) AfterQuery(context.Context, *bun.QueryEvent) {}

// plans groups the queries by their shape.
func (r *recorder) plans() []Plan {
	number := regexp.MustCompile(`\b\d+\b`)
	seen := map[string]int{}
	var plans []Plan
	for _, q := range r.queries {
		shape := number.ReplaceAllLiteralString(q, "?")
		if i, ok := seen[shape]; ok {
			plans[i].Times++
			continue
		}
		seen[shape] = len(plans)
		plans = append(plans, Plan{Query: q, Times: 1})
	}
	return plans
}
