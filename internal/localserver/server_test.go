package localserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"loadlab/internal/localserver"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pg, err := localserver.StartPostgres(ctx, localserver.Options{})
	need(t, err)
	defer pg.Stop()
	dir := filepath.Dir(pgShow(t, pg.URL(), "data_directory"))

	for setting, want := range map[string]string{
		"server_version": pg.Version, "server_encoding": "UTF8", "lc_collate": "C", "fsync": "off", "synchronous_commit": "off",
		"full_page_writes": "off", "jit": "off", "max_connections": "200", "shared_buffers": "256MB", "listen_addresses": "127.0.0.1",
	} {
		if got, _, _ := strings.Cut(pgShow(t, pg.URL(), setting), " "); got != want {
			t.Errorf("%s: got %q, want %q", setting, got, want)
		}
	}
	var client string
	if err := pgConnect(t, pg.SocketURL()).QueryRow(ctx, "SELECT coalesce(inet_client_addr()::text, 'socket')").Scan(&client); err != nil || client != "socket" {
		t.Errorf("by %s a client comes from %q, %v", pg.SocketURL(), client, err)
	}
	for _, name := range []string{"a", `Test/"quoted" 100%?#`, strings.Repeat("x", 63)} {
		url, err := pg.CreateDatabase(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		conn := pgConnect(t, url)
		if _, err := conn.Exec(ctx, "CREATE TABLE t (a int)"); err != nil {
			t.Errorf("database %q: %v", name, err)
		}
		var got string
		if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&got); err != nil || got != name {
			t.Errorf("database %q: got %q, %v", name, got, err)
		}
		if pg.Statements {
			if err := conn.QueryRow(ctx, "SELECT count(*)::text FROM pg_stat_statements").Scan(&got); err != nil {
				t.Errorf("database %q has no pg_stat_statements: %v", name, err)
			}
		}
	}
	for _, name := range []string{"", strings.Repeat("x", 64), "a\x00b", "a"} { // the last one exists
		if url, err := pg.CreateDatabase(ctx, name); err == nil {
			t.Errorf("database %q: got %s, want an error", name, url)
		}
	}

	pids := processes(pg)
	started := time.Now()
	if err := pg.Stop(); err != nil { // although clients are connected
		t.Error(err)
	}
	t.Logf("stopped in %v", time.Since(started))
	testkit.Gone(t, pids...)
	wantNoFile(t, dir)
	if err := pg.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, err := localserver.StartRedis(ctx, localserver.Options{})
	need(t, err)
	defer r.Stop()
	opts, err := redis.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	if opts.Addr != r.Addr() {
		t.Errorf("URL: got %s, want the address %s", r.URL(), r.Addr())
	}
	client := redis.NewClient(opts)
	defer client.Close()
	for key, want := range map[string]string{"save": "", "appendonly": "no", "bind": "127.0.0.1", "protected-mode": "yes"} {
		if got := client.ConfigGet(ctx, key).Val()[key]; got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if got := client.InfoMap(ctx, "server").Item("Server", "redis_version"); got != r.Version || r.Version == "" {
		t.Errorf("Version: got %q, want %q", r.Version, got)
	}
	dir := client.ConfigGet(ctx, "dir").Val()["dir"]
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
	testkit.Gone(t, r.PID)
	wantNoFile(t, filepath.Dir(dir))
}

// A port that is taken between its choice and the server's start costs a try, not the start.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	starts := map[string]func(context.Context, localserver.Options) (func() error, string, error){
		"PostgreSQL": func(ctx context.Context, o localserver.Options) (func() error, string, error) {
			pg, err := localserver.StartPostgres(ctx, o)
			if err != nil {
				return nil, "", err
			}
			return pg.Stop, pg.URL(), nil
		},
		"Redis": func(ctx context.Context, o localserver.Options) (func() error, string, error) {
			r, err := localserver.StartRedis(ctx, o)
			if err != nil {
				return nil, "", err
			}
			return r.Stop, r.URL(), nil
		},
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			taken := listener.Addr().(*net.TCPAddr).Port
			folder := newFolder(t)
			stop, url, err := start(t.Context(), localserver.WithPorts(localserver.Options{Folder: folder}, taken, taken))
			need(t, err)
			if strings.Contains(url, strconv.Itoa(taken)) {
				t.Errorf("got %s, want another port than %d", url, taken)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}

			folder = newFolder(t)
			_, _, err = start(t.Context(), localserver.WithPorts(localserver.Options{Folder: folder}, taken, taken, taken, taken, taken, 1))
			var exit *localserver.ExitError
			if !errors.As(err, &exit) || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
				t.Errorf("no port is free: got %v, want an ExitError with that message", err)
			}
			if left, _ := filepath.Glob(filepath.Join(folder.Path(), "*.pid")); len(left) > 0 {
				t.Errorf("processes left: %v", left)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := localserver.StartRedis(t.Context(), localserver.Options{})
	wantText(t, err, "redis-server not found: install redis (Debian: apt-get install redis-server)")
	_, err = localserver.PostgresBin(filepath.Join(t.TempDir(), "*/bin"))
	wantText(t, err, "initdb not found: install postgresql (Debian: apt-get install postgresql)")
	if err := localserver.Check(); !errors.Is(err, localserver.ErrMissing) || !strings.Contains(err.Error(), "redis-server not found") {
		t.Errorf("Check: got %v, want redis-server to be missing", err)
	}
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, localserver.ErrMissing) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPostgresBin(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"9.6/bin/initdb", "9.6/bin/postgres", "16/bin/initdb", "16/bin/postgres", "17/bin/initdb", "path/other"} {
		writeScript(t, filepath.Join(root, name), "exit 0")
	}
	t.Setenv("PATH", filepath.Join(root, "path"))
	folders := filepath.Join(root, "*/bin")
	if got, err := localserver.PostgresBin(folders); err != nil || got != filepath.Join(root, "16/bin") {
		t.Errorf("got %s, %v, want the newest complete one, 16", got, err)
	}
	if err := os.Symlink(filepath.Join(root, "9.6/bin/initdb"), filepath.Join(root, "path/initdb")); err != nil {
		t.Fatal(err)
	}
	if got, err := localserver.PostgresBin(folders); err != nil || got != filepath.Join(root, "9.6/bin") {
		t.Errorf("got %s, %v, want where PATH's link leads", got, err)
	}
}

// A start-up that fails half way is an error with the server's own message, and leaves nothing.
func TestFailedStart(t *testing.T) {
	broken := `echo "initdb: error: no space left on device" >&2; exit 7`
	for name, script := range map[string]string{"initdb": broken, "postgres": `case "$1" in -D) echo "FATAL: bad luck" >&2; exit 7;; esac`} {
		t.Run(name, func(t *testing.T) {
			bin, tmp := publicDir(t), publicDir(t)
			writeScript(t, filepath.Join(bin, "initdb"), "exit 0")
			writeScript(t, filepath.Join(bin, "postgres"), "exit 0")
			writeScript(t, filepath.Join(bin, name), script)
			t.Setenv("TMPDIR", tmp)
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			_, err := localserver.StartPostgres(t.Context(), localserver.Options{})
			var exit *localserver.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("got %v, want an ExitError", err)
			}
			want := strings.NewReplacer("$NAME", name).Replace("start PostgreSQL: $NAME ended by itself: exit status 7\n    ")
			if !strings.HasPrefix(err.Error(), want) || exit.Log == "" {
				t.Errorf("got %q, want %q and the log", err, want)
			}
			if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// Whatever the moment at which a start-up is interrupted, it leaves nothing.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"initdb", "postgres"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			folder := newFolder(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			interrupt := errors.New("interrupted")
			ended := make(chan error, 1)
			go func() {
				pg, err := localserver.StartPostgres(ctx, localserver.Options{Folder: folder})
				if err == nil {
					err = errors.Join(errors.New("it started"), pg.Stop())
				}
				ended <- err
			}()
			var pid int
			var early error
			testkit.Eventually(t, at+" runs", func() bool {
				select {
				case early = <-ended:
					return true
				default:
				}
				text, err := os.ReadFile(filepath.Join(folder.Path(), at+".pid"))
				if err == nil {
					_, err = fmt.Sscan(string(text), &pid)
				}
				return err == nil
			})
			need(t, early)
			cancel(interrupt)
			if err := <-ended; !errors.Is(err, interrupt) {
				t.Errorf("got %v, want %v", err, interrupt)
			}
			testkit.Gone(t, pid)
		})
	}
}

// publicDir is a temporary folder that PostgreSQL's user can enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func writeScript(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func sh(script string) *exec.Cmd { return exec.Command("/bin/sh", "-c", script) }

func pgConnect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func pgShow(t *testing.T, url, setting string) string {
	t.Helper()
	var value string
	if err := pgConnect(t, url).QueryRow(t.Context(), "SHOW "+setting, pgx.QueryExecModeSimpleProtocol).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
