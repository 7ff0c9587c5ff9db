package localserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	postgresUser     = "loadlab"
	postgresDatabase = "loadlab"

	startLimit = 60 * time.Second
	stopGrace  = 4 * time.Second
)

// Options are where a server runs.
type Options struct {
	// Folder is where the server keeps its files. nil: a folder of its own, which Stop removes.
	Folder *Folder

	port func() (int, error) // for tests: chooses the port; nil is freePort
}

// Postgres is a private PostgreSQL server. It is set up for a lab and not for keeps: nothing is synced to disk.
type Postgres struct {
	// Process is the server.
	Process *Process
	// Version is what it calls itself: "15.18".
	Version string
	// Statements is whether every database has the extension pg_stat_statements.
	Statements bool

	addr   string
	home   home
	own    *Folder // the folder to remove at Stop; nil if it is the caller's
	socket string  // folder of its Unix socket; empty if there is none
	stop   sync.Once
	stopOf error
}

// StartPostgres makes a database cluster and starts a server on it, with one empty database. The error is an ErrMissing if PostgreSQL
// is not installed, an *ExitError if it ended, and otherwise names what failed; whatever was started is gone then.
func StartPostgres(ctx context.Context, o Options) (_ *Postgres, err error) {
	bin, err := postgresBin(postgresFolders())
	if err != nil {
		return nil, err
	}
	as, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()

	pg := &Postgres{}
	if o.Folder == nil {
		if pg.own, err = NewFolder(); err != nil {
			return nil, err
		}
		o.Folder = pg.own
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start PostgreSQL: %w", err), pg.Stop())
		}
	}()
	data, err := initdb(ctx, o.Folder, bin, as)
	if err != nil {
		return nil, err
	}
	if len(data) <= longestSocketDir {
		pg.socket = data
	}
	pg.Statements = hasLibrary(ctx, bin, "pg_stat_statements")
	if err := o.onFreePort(func(port int) error { return pg.serve(ctx, o.Folder, bin, data, as, port) }); err != nil {
		return nil, err
	}
	return pg, nil
}

// initdb makes the cluster and returns its folder.
func initdb(ctx context.Context, folder *Folder, bin string, as *account) (string, error) {
	data, err := folder.Mkdir("pgdata")
	if err != nil {
		return "", err
	}
	if err := as.own(data); err != nil {
		return "", fmt.Errorf("give %s to PostgreSQL's user: %w", data, err)
	}
	cmd := command(ctx, filepath.Join(bin, "initdb"), "--pgdata="+data, "--username="+postgresUser, "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Env, cmd.Dir = postgresEnv(), data
	as.run(cmd)
	p, err := folder.Start("initdb", cmd)
	if err != nil {
		return "", err
	}
	if err := p.Wait(ctx); err != nil {
		p.Kill()
		return "", err
	}
	return data, nil
}

// serve starts the server on one port and prepares its databases.
func (pg *Postgres) serve(ctx context.Context, folder *Folder, bin, data string, as *account, port int) error {
	args := []string{"-D", data}
	for _, setting := range pg.settings(port) {
		args = append(args, "-c", setting)
	}
	pg.home = home{folder: folder, dir: data, command: func(ctx context.Context) *exec.Cmd {
		cmd := command(ctx, filepath.Join(bin, "postgres"), args...)
		cmd.Env, cmd.Dir = postgresEnv(), data
		as.run(cmd)
		// The immediate shutdown: SIGKILL would leave its shared memory behind.
		dieWithParent(cmd, syscall.SIGQUIT)
		return cmd
	}}
	p, err := folder.Start("postgres", pg.home.command(ctx))
	if err != nil {
		return err
	}
	pg.Process, pg.addr = p, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	conn, err := pg.awaitConn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(pg.prepare(ctx, conn, data), conn.Close(ctx))
}

// awaitConn waits until the server answers, and kills it if it does not.
func (pg *Postgres) awaitConn(ctx context.Context) (conn *pgconn.PgConn, err error) {
	err = pg.Process.Await(ctx, 10*time.Millisecond, func(ctx context.Context) (err error) {
		conn, err = pgconn.Connect(ctx, pg.urlOf("template1"))
		return err
	})
	if err != nil {
		pg.Process.Kill()
	}
	return conn, err
}

// longestSocketDir leaves room for the socket's name below the 107 bytes that a Unix socket's path may have.
const longestSocketDir = 107 - len("/.s.PGSQL.65535")

// settings trade durability for speed and quiet. Checkpoints are kept out of a run of some minutes.
func (pg *Postgres) settings(port int) []string {
	s := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + pg.socket, "cluster_name=loadlab",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
		"checkpoint_timeout=1h", "max_wal_size=2GB",
		"shared_buffers=256MB", "max_connections=200", "jit=off", "random_page_cost=1.1",
		"logging_collector=off", "log_destination=stderr", "TimeZone=UTC", "log_timezone=UTC",
	}
	if pg.Statements {
		s = append(s, "shared_preload_libraries=pg_stat_statements", "track_io_timing=on")
	}
	return s
}

// prepare works on template1, so that every database made later has the extension.
func (pg *Postgres) prepare(ctx context.Context, conn *pgconn.PgConn, data string) error {
	if err := sameServer(ctx, conn, data); err != nil {
		return err
	}
	pg.Version, _, _ = strings.Cut(conn.ParameterStatus("server_version"), " ")
	if pg.Statements {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION pg_stat_statements").ReadAll(); err != nil {
			// The library may be there without its SQL; the lab can do without both.
			pg.Statements = false
		}
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+postgresDatabase).ReadAll(); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// sameServer makes sure that the server that answers on the port is the one that was started for it.
func sameServer(ctx context.Context, conn *pgconn.PgConn, data string) error {
	results, err := conn.Exec(ctx, "SHOW data_directory").ReadAll()
	if err != nil {
		return fmt.Errorf("ask for the data directory: %w", err)
	}
	got := string(results[0].Rows[0][0])
	theirs, err := os.Stat(got)
	if err != nil {
		return fmt.Errorf("another PostgreSQL answers on the port: %w", err)
	}
	ours, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	if !os.SameFile(theirs, ours) {
		return fmt.Errorf("another PostgreSQL answers on the port: its data is in %s", got)
	}
	return nil
}

// URL is the address of the database that StartPostgres made: postgres://loadlab@127.0.0.1:PORT/loadlab?sslmode=disable.
func (pg *Postgres) URL() string { return pg.urlOf(postgresDatabase) }

// SocketURL is the address of the same database by its Unix socket, or URL where there is none. On one machine a round trip by TCP costs the
// two ends more than a query by primary key does.
func (pg *Postgres) SocketURL() string {
	if pg.socket == "" {
		return pg.URL()
	}
	_, port, _ := strings.Cut(pg.addr, ":")
	query := url.Values{"host": {pg.socket}, "port": {port}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User(postgresUser), Path: "/" + postgresDatabase, RawQuery: query.Encode()}
	return u.String()
}

func (pg *Postgres) urlOf(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(postgresUser), Host: pg.addr, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// CreateDatabase makes another, empty database and returns its URL. A name is anything of 1 to 63 bytes, such as a test's.
func (pg *Postgres) CreateDatabase(ctx context.Context, name string) (string, error) {
	const longest = 63 // PostgreSQL cuts what is longer, and two names may become one
	if name == "" || len(name) > longest || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("create database %q: a name has 1 to %d bytes, none of them 0", name, longest)
	}
	conn, err := pgconn.Connect(ctx, pg.URL())
	if err != nil {
		return "", fmt.Errorf("create database %q: %w", name, err)
	}
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	_, err = conn.Exec(ctx, "CREATE DATABASE "+quoted).ReadAll()
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return "", fmt.Errorf("create database %q: %w", name, err)
	}
	return pg.urlOf(name), nil
}

// Stop ends the server, connections and all, and removes what it wrote. It returns when that is done, with an error if the server
// had to be killed. Calling it again does nothing and returns the same.
func (pg *Postgres) Stop() error {
	pg.stop.Do(func() {
		if pg.Process != nil {
			// Fast shutdown, then immediate shutdown.
			pg.stopOf = pg.Process.Stop(stopGrace, syscall.SIGINT, syscall.SIGQUIT)
		}
		if pg.own != nil {
			pg.stopOf = errors.Join(pg.stopOf, pg.own.Remove())
		}
	})
	return pg.stopOf
}

// postgresEnv keeps the user's own PostgreSQL settings out, and makes the programs speak English: portTaken reads their messages.
func postgresEnv() []string {
	var env []string
	for _, v := range os.Environ() { //nolint:forbidigo // what a child gets, not what this package heeds
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			env = append(env, v)
		}
	}
	return append(env, "LC_ALL=C")
}
