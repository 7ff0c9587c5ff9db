package housing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// loader is one way to get a page's rows with everything the page shows of them. All of them find the same rows in the same order.
type loader struct {
	name string
	// load runs its queries on db. Every row it returns has its agent, the agent's office and its location.
	load func(ctx context.Context, db bun.Conn, q Query) (listing, error)
}

// listing is what a loader found: how many properties there are, and those of the page.
type listing struct {
	count int
	rows  []*property
}

// loaders is the table of all loaders: a new one is a file and a line here.
func loaders() []loader {
	return []loader{
		{"naive", loadNaive},
		{"batched", loadBatched},
		{"optimized", loadOptimized},
	}
}

// Loaders are the names of all loaders.
func Loaders() []string {
	var names []string
	for _, l := range loaders() {
		names = append(names, l.name)
	}
	return names
}

// loaderOf finds a loader by its name, or fails with ErrLoader.
func loaderOf(name string) (loader, error) {
	for _, l := range loaders() {
		if l.name == name {
			return l, nil
		}
	}
	return loader{}, fmt.Errorf("%w: %q", ErrLoader, name)
}

// newestFirst is the order of every list. The id breaks ties, without which a row could be on two pages, or on none.
const newestFirst = "p.created_at DESC, p.id DESC"

// count is the query that paging costs.
func count(ctx context.Context, db bun.Conn, conn bun.IConn) (int, error) {
	n, err := db.NewSelect().Conn(conn).Model((*property)(nil)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the properties: %w", err)
	}
	return int(n), nil
}

// list selects the page's own rows into rows.
func list(ctx context.Context, db bun.Conn, q Query, rows *[]*property) error {
	err := db.NewSelect().Model(rows).OrderExpr(newestFirst).Limit(int64(q.PageSize)).Offset(q.offset()).Scan(ctx)
	if err != nil {
		return fmt.Errorf("list the properties: %w", err)
	}
	return nil
}
