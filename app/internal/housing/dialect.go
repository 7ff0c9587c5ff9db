package housing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// sqlDialect is what differs between the databases: everything else runs on both through bun.
type sqlDialect struct {
	system  string // "postgresql", as db.system.name has it
	name    string // "PostgreSQL"
	version string // the query for its version
	used    string // the query for its CPU time in nanoseconds; empty if it runs inside the app
	ping    string // the cheapest statement that is one round trip
	wired   bool   // whether there is a wire between the app and it, and not only a simulated one

	tableLock  string // takes the table of properties until the end of the transaction; empty: no reader waits for a writer
	tableLocks string // the query for who holds or awaits it: process, transaction, whether granted
	bun        func() schema.Dialect

	// connector makes connections on which no statement may take longer than timeout; 0 for no limit.
	connector func(address string, timeout time.Duration) (driver.Connector, error)
	// lock waits until no other process sets the database up, and keeps others out until unlock.
	lock func(ctx context.Context, db *bun.DB) (unlock func(), err error)
	// storage tunes how the new tables are stored.
	storage func(ctx context.Context, db *bun.DB) error
	// fill replaces all rows by those of the seed; progress is called with how many properties are in.
	fill func(ctx context.Context, db *bun.DB, seed *seed, progress func(done int)) error
	// watch returns a context for the statements on conn, and what to call after the last; see postgresWatch. nil: ctx itself will do.
	watch func(ctx context.Context, conn *sql.Conn, grace time.Duration) (inner context.Context, stop func())
	// grace returns how much of a call's timeout is left to the database to stop in. nil: it needs none.
	grace func(timeout time.Duration) time.Duration
	// unreachable reports whether err is that the database could not be reached, or ended the connection; refused whether it is that there
	// could be no connection.
	unreachable, refused func(err error) bool
	// explain runs a query with the database's EXPLAIN and returns the plan as text.
	explain func(ctx context.Context, conn *sql.Conn, query string) (string, error)
	// writer is held by whoever writes; SQLite has one writer at a time, and its own way to wait for it is to poll.
	writer chan struct{}
}

func (d sqlDialect) graceOf(timeout time.Duration) time.Duration {
	if d.grace == nil {
		return 0
	}
	return d.grace(timeout)
}
