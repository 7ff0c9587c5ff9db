// Package housing is the portal's domain and its SQL: bun models of properties, agents, offices and locations, their migrations, a
// deterministic seed, the loaders that fill a page with 62, 5 or 2 queries, and price changes. The same models run on PostgreSQL and
// SQLite. It knows nothing of HTTP or of caches: a page comes out of it as bytes that are ready to send.
//
// Every load takes one connection from the pool, records on the context's probe.Meter how long it waited for it, and runs all of its
// queries on it, so that waiting for the pool and waiting for SQL are two figures.
package housing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
)

// Errors that callers distinguish with errors.Is.
var (
	ErrNotFound = errors.New("there is no such property")
	ErrLoader   = errors.New("there is no such loader")
	ErrQuery    = errors.New("page or page size out of range")
	ErrURL      = errors.New("bad database URL")
	ErrDistance = errors.New("sqlite_rtt is for SQLite only, and so is sqlite_jitter: leave them out, or use a database-url of sqlite:PATH")
)

// Options are how a Store uses its database. The zero value is the defaults of the knobs db_conns and db_timeout, no index, no distance and no
// hook.
type Options struct {
	Connections int // the most connections to the database, all of them kept open
	// Timeout is the longest that one load or one price change may take, waiting for a connection included. PostgreSQL is asked to stop a
	// little earlier, so that what does not heed that takes no longer.
	Timeout time.Duration
	Index   bool // whether properties has an index on (created_at DESC, id DESC)
	// SQLiteRTT is how long each round trip to a SQLite database takes, but those that set it up and seed it: a simulated distance.
	// SQLiteJitter is the most that is added to each direction of it. With another database Open returns ErrDistance.
	SQLiteRTT, SQLiteJitter time.Duration
	// Hook makes the hook that sees every query the Store runs for a request, given "postgresql" or "sqlite". Migrations and the
	// seed are not shown to it.
	Hook func(system string) bun.QueryHook
	// Outages is where outages of the database are kept, and Log where they are logged; a book that nobody reads, and slog.Default.
	Outages *outage.Book
	Log     *slog.Logger

	wrap  func(driver.Connector) driver.Connector // for tests: sees what reaches the driver
	alarm func() alarm                            // for tests: one that goes by virtual time
}

// Store is the domain on one database. Its methods are safe for concurrent use.
type Store struct {
	dialect     sqlDialect
	address     string
	index       bool
	timeout     time.Duration
	connections int
	connector   driver.Connector
	watch       *outage.Watch
	db          *bun.DB
	wire        *wire // nil: the database has one of its own
	locks       locks
}

// Open connects to "postgres://user@host:port/database" or "sqlite:PATH", brings the schema up to date and creates or drops the index
// as the options ask, so that a database that is used again is what they describe. Several processes may open one PostgreSQL database at
// once. The error is ErrURL for an address of another form, and ErrDistance for a distance without SQLite.
func Open(ctx context.Context, databaseURL string, o Options) (*Store, error) {
	e, address, err := dialectOf(databaseURL)
	if err != nil {
		return nil, err
	}
	if e.wired && (o.SQLiteRTT > 0 || o.SQLiteJitter > 0) {
		return nil, ErrDistance
	}
	if o.Connections <= 0 {
		o.Connections = api.Defaults().Count("db_conns")
	}
	if o.Timeout <= 0 {
		o.Timeout = api.Defaults().Duration("db_timeout")
	}
	s := &Store{dialect: e, address: address, index: o.Index, timeout: o.Timeout, connections: o.Connections}
	if err := s.setUp(ctx, s.migrate); err != nil {
		return nil, err
	}
	connector, err := e.connector(address, o.Timeout)
	if err != nil {
		return nil, err
	}
	if !e.wired {
		if o.alarm == nil {
			o.alarm = newAlarm
		}
		s.wire = newWire(o.alarm)
		s.wire.setDistance(o.SQLiteRTT, o.SQLiteJitter)
		connector = distant{connector, s.wire}
	}
	s.connector = connector
	if o.wrap != nil {
		connector = o.wrap(connector)
	}
	db := sql.OpenDB(connector)
	// An idle connection that is closed is a connect in the next burst, and would count as part of what the burst costs.
	db.SetMaxOpenConns(o.Connections)
	db.SetMaxIdleConns(o.Connections)
	s.db = bun.NewDB(db, e.bun())
	if o.Hook != nil {
		s.db = s.db.WithQueryHook(o.Hook(e.system))
	}
	s.watch = newWatch(o.Outages, s.connector, o.Log)
	return s, nil
}

// dialectOf picks the database by the URL's scheme.
func dialectOf(databaseURL string) (sqlDialect, string, error) {
	scheme, rest, _ := strings.Cut(databaseURL, ":")
	switch scheme {
	case "postgres", "postgresql":
		return postgres(), databaseURL, nil
	case "sqlite":
		if rest != "" {
			return sqlite(), rest, nil
		}
	}
	return sqlDialect{}, "", fmt.Errorf("%w: want postgres://user@host:port/database or sqlite:PATH", ErrURL)
}

// setUp runs f with connections of its own, which no timeout ends, while no other process sets up the same database.
func (s *Store) setUp(ctx context.Context, f func(context.Context, *bun.DB) error) error {
	connector, err := s.dialect.connector(s.address, 0)
	if err != nil {
		return err
	}
	db := bun.NewDB(sql.OpenDB(connector), s.dialect.bun())
	defer db.Close() //nolint:errcheck // what it did is committed or has failed already
	unlock, err := s.dialect.lock(ctx, db)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", oneLine(err))
	}
	err = because(ctx, f(ctx, db))
	unlock()
	return err
}

// because adds that the context has ended to the error of a query that was asked to stop for it: PostgreSQL only reports that it was asked.
func because(ctx context.Context, err error) error {
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", err, ended)
	}
	return err
}

// oneLine keeps an error on one line: pgx has one for each address that it tried.
func oneLine(err error) error {
	text := err.Error()
	if !strings.ContainsRune(text, '\n') {
		return err
	}
	return &lineError{text: strings.Join(strings.Fields(text), " "), err: err}
}

type lineError struct {
	text string
	err  error
}

func (e *lineError) Error() string { return e.text }
func (e *lineError) Unwrap() error { return e.err }

// DB is the connection pool, for its statistics.
func (s *Store) DB() *sql.DB { return s.db.DB }

// System is "postgresql" or "sqlite", as db.system.name has it.
func (s *Store) System() string { return s.dialect.system }

// Version is the database's name and version: "PostgreSQL 15.18", "SQLite 3.51.2".
func (s *Store) Version(ctx context.Context) (string, error) {
	var version string
	if err := s.db.DB.QueryRowContext(ctx, s.dialect.version).Scan(&version); err != nil {
		return "", fmt.Errorf("ask for the database's version: %w", err)
	}
	version, _, _ = strings.Cut(version, " ") // PostgreSQL adds who packaged it
	return s.dialect.name + " " + version, nil
}

// SetDistance changes how long the round trips to a SQLite database take; see Options. With another database the error is ErrDistance, unless
// both are 0.
func (s *Store) SetDistance(rtt, jitter time.Duration) error {
	switch {
	case s.wire != nil:
		s.wire.setDistance(rtt, jitter)
	case rtt > 0 || jitter > 0:
		return ErrDistance
	}
	return nil
}

// Close ends the lock of the table, if there is one, and closes the connections. An outage of the database is not looked after any more.
func (s *Store) Close() error {
	s.watch.Close()
	s.locks.end()
	if s.wire != nil {
		s.wire.close()
	}
	return s.db.Close()
}

// outOfTime makes sure that errors.Is finds ctx's end in an error of which that is the reason. A dial has the deadline from ctx but a timer of
// its own, which may be the first to run out; pgx then reports a timeout that is no context's.
func outOfTime(ctx context.Context, err error) error {
	cause := ctx.Err()
	if deadline, ok := ctx.Deadline(); cause == nil && ok && !time.Now().Before(deadline) {
		cause = context.DeadlineExceeded
	}
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// once runs f on one connection of db.
func (s *Store) once(ctx context.Context, db *bun.DB, f work) error {
	start := time.Now()
	conn, err := db.Conn(ctx)
	probe.AddWait(ctx, start)
	if err != nil {
		return fmt.Errorf("wait for a database connection: %w", outOfTime(ctx, oneLine(err)))
	}
	defer conn.Close() //nolint:errcheck // it only goes back to the pool
	inner := ctx
	if s.dialect.watch != nil {
		var stop func()
		inner, stop = s.dialect.watch(ctx, conn.Conn, s.dialect.graceOf(s.timeout))
		defer stop()
	}
	return because(ctx, f(inner, conn))
}
