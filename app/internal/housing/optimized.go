package housing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// loadOptimized needs 2 queries: COUNT and one JOIN. The page's rows are cut out before anything is joined to them; in one flat query
// PostgreSQL joins all properties to their agents and locations first, and sorts the wide result.
//
// Where the database plans a JOIN as long as it runs it, the statements are prepared: see repeated.
func loadOptimized(ctx context.Context, db bun.Conn, q Query) (listing, error) {
	var found listing
	var err error
	conn := repeated(db)
	if found.count, err = count(ctx, db, conn); err != nil {
		return found, err
	}
	page := db.NewSelect().Model((*property)(nil)).OrderExpr(newestFirst).Limit(int64(q.PageSize)).Offset(q.offset())
	query := joined(db, &found.rows).OrderExpr(newestFirst)
	if db.Dialect().Name() == dialect.SQLite {
		// SQLite carries every column of every row through the sort, descriptions and all: the keys alone take a quarter of the time.
		// PostgreSQL sorts pointers to the descriptions (see postgresStorage), and one more join costs it more to plan than it spares.
		query = query.Where("p.id IN (?)", page.Column("id"))
	} else {
		query = query.ModelTableExpr("(?) AS p", page)
	}
	if err := query.Conn(conn).Scan(ctx); err != nil {
		return found, fmt.Errorf("list the properties with all that belongs to them: %w", err)
	}
	return found, nil
}

// joined selects properties with everything the API shows of them.
func joined(db bun.IDB, model any) *bun.SelectQuery {
	return db.NewSelect().Model(model).Relation("Agent").Relation("Agent.Office").Relation("Location")
}
