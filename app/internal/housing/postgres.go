package housing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// postgresUsed asks the server for the nanoseconds that its own processes have used, by the kernel: those that run by schedstat, where there is one, else by the ticks of 10 ms of stat, which
// also has, of the first process, those of all that have ended. Who connects must be a superuser, or have the role pg_read_server_files. See proc_pid_stat(5): its fields are counted
// here from the third, which follows the name in brackets.
const postgresUsed = `
	SELECT sum(coalesce(ran, 10000000 * (f[12]::bigint + f[13]::bigint)) + CASE WHEN first THEN 10000000 * (f[14]::bigint + f[15]::bigint) ELSE 0 END)::bigint
	FROM (
		SELECT first, string_to_array(regexp_replace(pg_read_file('/proc/' || pid || '/stat', 0, 4096, true), '^.*[)] ', ''), ' ') AS f,
			nullif(split_part(pg_read_file('/proc/' || pid || '/schedstat', 0, 4096, true), ' ', 1), '')::bigint AS ran
		FROM (
			SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int AS pid, true AS first
			UNION ALL SELECT pid, false FROM pg_stat_activity
		) AS processes
	) AS stats`

func postgres() sqlDialect {
	return sqlDialect{
		system:    "postgresql",
		name:      "PostgreSQL",
		version:   "SHOW server_version",
		used:      postgresUsed,
		ping:      "", // a simple query without a statement
		wired:     true,
		tableLock: "LOCK TABLE properties IN ACCESS EXCLUSIVE MODE",
		tableLocks: `SELECT pid, virtualtransaction, granted FROM pg_locks WHERE locktype = 'relation'
			AND relation = 'properties'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		bun:         func() schema.Dialect { return pgdialect.New() },
		connector:   postgresConnector,
		lock:        postgresLock,
		storage:     postgresStorage,
		fill:        postgresFill,
		watch:       postgresWatch,
		grace:       postgresGrace,
		unreachable: postgresUnreachable,
		refused:     postgresRefused,
		explain:     postgresExplain,
	}
}

// repeated is the connection for statements whose text comes again and again. PostgreSQL keeps the plan of a prepared statement that
// has no parameters: for the JOIN that is a third of what the query costs. The statements that differ by an id in every call gain
// nothing: each would take another's place. Other databases get the connection as it is.
func repeated(conn bun.Conn) bun.IConn {
	if conn.Dialect().Name() != dialect.PG {
		return conn
	}
	return preparing{conn.Conn}
}

// preparing passes pgx the mode as the first argument, where pgx looks for it.
type preparing struct{ *sql.Conn }

// QueryContext implements bun.IConn.
func (p preparing) QueryContext(ctx context.Context, query string, _ ...any) (*sql.Rows, error) {
	return p.Conn.QueryContext(ctx, query, pgx.QueryExecModeCacheStatement)
}

// QueryRowContext implements bun.IConn.
func (p preparing) QueryRowContext(ctx context.Context, query string, _ ...any) *sql.Row {
	return p.Conn.QueryRowContext(ctx, query, pgx.QueryExecModeCacheStatement)
}

const (
	// preparedStatements is how many of them a connection keeps: one for each page that is asked for much, and the server's memory
	// for all connections within some tens of MB.
	preparedStatements = 64

	// connectTimeout is short, because a dial into the void holds a place of the pool: a database that is back is not used before it ends.
	connectTimeout = 2 * time.Second
	// cancelGrace is how long a statement that was asked to stop may take at most to do so before its connection is given up, and
	// cancelRest what pgx takes then to clean up.
	cancelGrace = time.Second
	cancelRest  = 100 * time.Millisecond
)

func postgresConnector(address string, timeout time.Duration) (driver.Connector, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, oneLine(err))
	}
	// bun writes the arguments into the query's text: in general there is nothing to prepare.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.StatementCacheCapacity = preparedStatements
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler { return cancelHandler(c, postgresGrace(timeout)) }
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "loadlab"
	}
	if timeout > 0 {
		// The context ends a statement that takes too long. This is for a server whose client is gone.
		config.RuntimeParams["statement_timeout"] = strconv.FormatInt((timeout + cancelGrace).Milliseconds(), 10)
		// Compiling a query costs more than any of the loaders' takes.
		config.RuntimeParams["jit"] = "off"
	}
	return stdlib.GetConnector(*config), nil
}

// postgresWatch watches the context once for all statements on conn. Left to themselves, database/sql starts a goroutine for each
// statement whose context can end, and pgx registers with the context each time: for 62 queries that is 5 to 25% of the app's own CPU.
func postgresWatch(ctx context.Context, conn *sql.Conn, grace time.Duration) (context.Context, func()) {
	var pg *pgconn.PgConn
	err := conn.Raw(func(c any) error {
		if c, ok := c.(*stdlib.Conn); ok {
			pg = c.Conn().PgConn()
		}
		return nil
	})
	if err != nil || pg == nil {
		return ctx, func() {} // a broken connection, or a test's
	}
	w := ctxwatch.NewContextWatcher(cancelHandler(pg, grace))
	w.Watch(ctx)
	return watched{ctx}, w.Unwatch
}

// watched is a context that is watched elsewhere: its Err works, its Done never fires.
type watched struct{ context.Context }

// Done implements context.Context.
func (watched) Done() <-chan struct{} { return nil }

// cancelHandler asks the server to stop the statement when its context ends. pgx would close the connection. In a stampede whose
// clients give up, that is when the pool can least afford to connect again.
func cancelHandler(c *pgconn.PgConn, grace time.Duration) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: max(grace-cancelRest, grace/2)}
}

// postgresGrace leaves a fifth of a call's timeout to the server to stop in; all that there is if there is no timeout.
func postgresGrace(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return cancelGrace
	}
	return min(timeout/5, cancelGrace)
}

// postgresUnreachable reports whether err is that the server could not be reached, or ended the connection: by its own words, which are
// those of a server that starts, ends, or has no connection left, or because the connection broke.
func postgresUnreachable(err error) bool {
	if postgresRefused(err) {
		return true
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case pgAdminShutdown, pgCrashShutdown, pgCannotConnectNow, pgTooManyConnections:
			return true
		}
		return strings.HasPrefix(answer.Code, pgConnectionException)
	}
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, pgconn.ErrConnClosed} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return errors.As(err, new(net.Error))
}

// postgresRefused reports whether err is that no connection could be made.
func postgresRefused(err error) bool { return errors.As(err, new(*pgconn.ConnectError)) }

// Codes of PostgreSQL's errors (appendix A of its manual).
const (
	pgConnectionException = "08" // the class
	pgTooManyConnections  = "53300"
	pgAdminShutdown       = "57P01"
	pgCrashShutdown       = "57P02"
	pgCannotConnectNow    = "57P03"
)

// setUpLock is the key of the advisory lock under which the schema and the rows are made: "loadlab" in ASCII.
const setUpLock = 0x6c6f61646c6162

// postgresLock takes an advisory lock, which PostgreSQL releases by itself if this process dies.
func postgresLock(ctx context.Context, db *bun.DB) (func(), error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+strconv.Itoa(setUpLock)+")"); err != nil {
		return nil, err
	}
	return func() {
		// If this fails the connection is broken, and the lock with it.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+strconv.Itoa(setUpLock)+")")
		conn.Close() //nolint:errcheck // the pool is closed next
	}, nil
}

// postgresStorage moves the descriptions out of the table. Every list query without the index walks over all properties, to sort out
// 20: with the descriptions in line that is 1,250 pages of 8 KiB (5,000 rows) and a copy of 2 KB for each row that is sorted, 2.6 ms of
// the server's CPU; with a pointer in place of each it is about 110 pages and 0.6 ms, and COUNT gains as much.
//
// PostgreSQL looks at this only for rows above 2,032 bytes, however low the target: the seed's rows are longer (see rowBytes).
// EXTERNAL, because to compress and expand text that is read for every page would cost more than it saves.
//
// The pages are filled to 90%, so that a price change finds room for the row's next version on the same page (HOT).
func postgresStorage(ctx context.Context, db *bun.DB) error {
	for _, q := range []string{
		"ALTER TABLE properties ALTER COLUMN description SET STORAGE EXTERNAL",
		"ALTER TABLE properties SET (toast_tuple_target = 128, fillfactor = 90)",
		"ALTER TABLE revision SET (fillfactor = 10)",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Foreign keys are dropped while rows are copied and then checked at once: one join in place of a trigger for each row. The names are
// PostgreSQL's own for the tables of createTables.
const (
	postgresEmpty = `
		ALTER TABLE properties DROP CONSTRAINT IF EXISTS properties_agent_id_fkey, DROP CONSTRAINT IF EXISTS properties_location_id_fkey;
		TRUNCATE properties, agents, locations, offices`
	postgresCheck = `
		ALTER TABLE properties
		ADD CONSTRAINT properties_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents (id),
		ADD CONSTRAINT properties_location_id_fkey FOREIGN KEY (location_id) REFERENCES locations (id)`
)

// postgresFill copies the seed in, in one transaction.
func postgresFill(ctx context.Context, db *bun.DB, seed *seed, progress func(int)) error {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it only goes back to the pool
	err = conn.Raw(func(c any) error {
		return pgx.BeginFunc(ctx, c.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, postgresEmpty); err != nil {
				return err
			}
			for _, t := range seed.tables() {
				if err := copyRows(ctx, tx, t, progress); err != nil {
					return fmt.Errorf("copy %s: %w", t.name, err)
				}
			}
			_, err := tx.Exec(ctx, postgresCheck)
			return err
		})
	})
	if err != nil {
		return err
	}
	// Statistics for the plans, and the visibility map, so that COUNT may read the index alone where that is less.
	_, err = conn.ExecContext(ctx, "VACUUM (ANALYZE) properties, agents, locations, offices")
	return err
}

func copyRows(ctx context.Context, tx pgx.Tx, t table, progress func(int)) error {
	next, stop := iter.Pull(t.rows)
	defer stop()
	done := 0
	_, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, ok := next()
		if !ok {
			return nil, nil
		}
		if done++; t.large && done%batchRows == 0 {
			progress(done)
		}
		return row, nil
	}))
	if t.large && done%batchRows != 0 {
		progress(done)
	}
	return err
}

// postgresExplain runs the query and returns its plan with what it really cost.
func postgresExplain(ctx context.Context, conn *sql.Conn, query string) (string, error) {
	rows, err := conn.QueryContext(ctx, "EXPLAIN (ANALYZE, BUFFERS) "+query)
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // Err returns it
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		plan.WriteString(line)
		plan.WriteByte('\n')
	}
	return plan.String(), rows.Err()
}
