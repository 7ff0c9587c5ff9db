package housing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/driver/sqliteshim"
	"github.com/uptrace/bun/schema"
)

func sqlite() sqlDialect {
	return sqlDialect{
		system:  "sqlite",
		name:    "SQLite",
		version: "SELECT sqlite_version()",
		ping:    "SELECT 1",
		bun:     func() schema.Dialect { return sqlitedialect.New() },
		connector: func(path string, timeout time.Duration) (driver.Connector, error) {
			return newSQLiteConnector(path, timeout)
		},
		lock:    sqliteLock,
		storage: func(context.Context, *bun.DB) error { return nil },
		fill:    sqliteFill,
		explain: sqliteExplain,

		unreachable: simulatedUnreachable, refused: simulatedRefused,
		writer: make(chan struct{}, 1),
	}
}

// sqliteConnector opens the file and prepares the connection, alike for both of sqliteshim's drivers.
type sqliteConnector struct {
	path    string
	dsn     string
	pragmas []string
}

func newSQLiteConnector(path string, timeout time.Duration) (driver.Connector, error) {
	if path == ":memory:" || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("%w: sqlite:PATH wants the path of a file, not %q", ErrURL, path)
	}
	c := &sqliteConnector{
		path: path,
		// A transaction that only finds out that it writes after it has read fails at once if another has written meanwhile.
		dsn: "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?_txlock=immediate",
		pragmas: []string{
			"busy_timeout = 5000", // the first: the next one may already find the database being recovered by another connection
			"journal_mode = WAL",  // readers do not wait for a writer
			"foreign_keys = ON",
			"cache_size = -16000", // KiB; a connection has a cache of its own
			"temp_store = MEMORY",
			"mmap_size = 268435456", // one copy in the system's cache for all connections, read in place
		},
	}
	if timeout == 0 {
		// Setting up: a crash of the machine in the middle leaves a file to delete, and nothing is waited for.
		c.pragmas = append(c.pragmas, "synchronous = OFF")
	} else {
		c.pragmas = append(c.pragmas, "synchronous = NORMAL")
	}
	return c, nil
}

func (c *sqliteConnector) Driver() driver.Driver { return sqliteshim.Driver() }

func (c *sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.connect(ctx)
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	// SQLite says "out of memory (14)" of a file in a folder that is not there: what the system says of it is the reason.
	f, cause := os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o600)
	if cause != nil {
		return nil, cause
	}
	return nil, errors.Join(err, f.Close())
}

// connect opens the file and sets the pragmas.
func (c *sqliteConnector) connect(ctx context.Context) (driver.Conn, error) {
	holdSQLiteMemory()
	conn, err := sqliteshim.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	exec, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver has no ExecContext"), conn.Close())
	}
	for _, p := range c.pragmas {
		if _, err := exec.ExecContext(ctx, "PRAGMA "+p, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("set %s: %w", p, err), conn.Close())
		}
	}
	return conn, nil
}

// sqliteLock only makes sure that the file can be opened. Processes that share a file are started one after the other: the first has set it up
// when the next begins.
func sqliteLock(ctx context.Context, db *bun.DB) (func(), error) {
	return func() {}, db.PingContext(ctx)
}

// sqliteTime is how bun writes a time, which is also how SQLite compares it.
const sqliteTime = "2006-01-02 15:04:05-07:00"

// sqliteFill inserts the seed with prepared statements, in one transaction for each batch, so that the journal stays small.
func sqliteFill(ctx context.Context, db *bun.DB, seed *seed, progress func(int)) error {
	for _, name := range []string{"properties", "agents", "locations", "offices"} {
		if _, err := db.ExecContext(ctx, "DELETE FROM "+name); err != nil {
			return err
		}
	}
	for _, t := range seed.tables() {
		if err := insertRows(ctx, db.DB, t, progress); err != nil {
			return fmt.Errorf("insert %s: %w", t.name, err)
		}
	}
	_, err := db.ExecContext(ctx, "ANALYZE")
	return err
}

func insertRows(ctx context.Context, db *sql.DB, t table, progress func(int)) error {
	query := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	next, stop := iter.Pull(t.rows)
	defer stop()
	for done := 0; ; {
		n, err := insertBatch(ctx, db, query, next)
		if err != nil || n == 0 {
			return err
		}
		if done += n; t.large {
			progress(done)
		}
	}
}

// insertBatch inserts up to batchRows of the next rows and returns how many there were.
func insertBatch(ctx context.Context, db *sql.DB, query string, next func() ([]any, bool)) (n int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after Commit
	stmt, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer stmt.Close() //nolint:errcheck // its transaction is over
	for ; n < batchRows; n++ {
		row, ok := next()
		if !ok {
			break
		}
		for i, v := range row {
			if at, ok := v.(time.Time); ok {
				row[i] = at.Format(sqliteTime)
			}
		}
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return 0, err
		}
	}
	return n, tx.Commit()
}

// sqliteExplain returns the plan as a tree. SQLite does not report what a query cost.
func sqliteExplain(ctx context.Context, conn *sql.Conn, query string) (string, error) {
	rows, err := conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query)
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // Err returns it
	depth := map[int]int{0: -1}
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return "", err
		}
		depth[id] = depth[parent] + 1
		plan.WriteString(strings.Repeat("  ", depth[id]) + detail + "\n")
	}
	return plan.String(), rows.Err()
}
