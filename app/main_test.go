package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/internal/testkit"
)

// TestMain lets the test binary be the app's child: the embedded Redis is the app's own executable.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == api.CommandRedis {
		if err := execute(context.Background(), os.Args[1:], noEnv, os.Stdin, os.Stdout, os.Stderr); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func noEnv(string) string { return "" }

// running is an app that runs in this process.
type running struct {
	api.Ready
	stop func() error // ends it and returns what execute returned
	log  *testkit.Log
}

// launch runs the app with args on free ports and waits until it serves.
func launch(t *testing.T, args ...string) running {
	t.Helper()
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	args = append([]string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--properties=50", "--ready-file=" + readyFile}, args...)
	ctx, cancel := context.WithCancel(t.Context())
	r := running{log: &testkit.Log{}}
	ended := make(chan error, 1)
	go func() { ended <- execute(ctx, args, noEnv, strings.NewReader(""), io.Discard, r.log) }()
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			t.Fatalf("the app ended: %v\n%s", err, r.log)
		case <-tick.C:
		}
		data, err := os.ReadFile(readyFile)
		if err != nil {
			continue
		}
		if err := json.Unmarshal(data, &r.Ready); err != nil {
			t.Fatalf("the ready file is %q: %v", data, err)
		}
		<-r.log.Written(`"msg":"ready"`) // comes after the file
		return r
	}
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

func TestTheAppServesWithoutFlagsAndLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := launch(t, "--log-sql")
	for range 2 {
		if resp := get(t, "http://"+r.API+api.PathCached); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	resp := get(t, "http://"+r.API+api.PathCached)
	if got := resp.Header.Get(api.HeaderCacheStatus); !strings.HasPrefix(got, "loadlab; hit") {
		t.Errorf("Cache-Status %q: the embedded Redis does not cache", got)
	}
	if resp := get(t, "http://"+r.Lab+api.PathMetrics); resp.StatusCode != http.StatusOK {
		t.Errorf("metrics: status %d", resp.StatusCode)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.log.String(), `"msg":"sql"`) || !strings.Contains(r.log.String(), `"msg":"draining"`) {
		t.Errorf("the log lacks statements, or the drain:\n%s", r.log)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// An app that is to end serves on for a time in which it is not ready, and leaves what it has counted behind.
func TestLameDuck(t *testing.T) {
	final := filepath.Join(t.TempDir(), "final.json")
	r := launch(t, "--lame-duck=300ms", "--final-file="+final)
	get(t, "http://"+r.API+api.PathCached)
	leaving := r.log.Written(`"msg":"no longer ready"`)
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- r.stop() }()
	<-leaving
	for path, want := range map[string]int{api.PathReadyz: http.StatusServiceUnavailable, api.PathCached: http.StatusOK} {
		if resp := get(t, "http://"+r.API+path); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
	text, err := os.ReadFile(final)
	if err != nil {
		t.Fatal(err)
	}
	var counted api.Counters
	if err := json.Unmarshal(text, &counted); err != nil {
		t.Fatal(err)
	}
	if n := counted.Modes["ttl"].Counts; n[api.CountRequests] != 2 || n[api.CountRecomputes] != 1 {
		t.Errorf("it left %v behind, want 2 requests and 1 recompute", n)
	}
}

func TestRequestsThatRunMayEndWhenTheAppIsStopped(t *testing.T) {
	r := launch(t)
	conn, err := net.Dial("tcp", r.API)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The server asks for the body when the handler reads it: from then on the request runs.
	const body = `{"price": "450000.00"}`
	head := fmt.Sprintf("PATCH /api/properties/1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	const goAhead = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(goAhead))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != goAhead {
		t.Fatalf("%q (%v)", got, err)
	}
	draining := r.log.Written(`"msg":"draining"`)
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	select {
	case <-draining:
	case err := <-ended:
		t.Fatalf("the app ended while a request ran: %v", err)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("the request that ran got %.60q (%v)", answer, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHealthcheck(t *testing.T) {
	r := launch(t)
	check := func() error {
		return execute(t.Context(), []string{healthCommand, "--addr=" + r.API}, noEnv, nil, io.Discard, io.Discard)
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := check(); err == nil {
		t.Error("an app that has ended is ready")
	}
}

func TestAPortInUseIsOneLineThatSaysWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flagName := range []string{"--addr", "--lab-addr"} {
		args := []string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", flagName + "=" + l.Addr().String()}
		err := execute(t.Context(), args, noEnv, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), flagName) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", flagName, err)
		}
	}
}

func TestADatabaseThatRefusesIsOneLine(t *testing.T) {
	args := []string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--database-url=postgres://lab@" + testkit.FreeAddr(t) + "/lab"}
	err := execute(t.Context(), args, noEnv, strings.NewReader(""), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "database") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// ask decodes the answer of a running app's lab controls into out.
func ask(t *testing.T, r running, path string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Lab+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestSQLiteRTT(t *testing.T) {
	r := launch(t, "--sqlite-rtt=1ms")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Lab+api.PathLabBuildInfo, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var info api.Info
	if err := json.NewDecoder(resp.Body).Decode(&info); err != nil || info.Config["sqlite_rtt"] != "1ms" {
		t.Errorf("/lab/info: %v, %v, want sqlite_rtt=1ms", info.Config, err)
	}
	args := []string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--database-url=postgres://nowhere.invalid/lab", "--sqlite-rtt=1ms"}
	err = execute(t.Context(), args, noEnv, strings.NewReader(""), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "sqlite_rtt is for SQLite only") {
		t.Errorf("with PostgreSQL: %v, want that it is for SQLite only", err)
	}
}

func TestFlags(t *testing.T) {
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	cfg, err := parseFlags([]string{"--ttl", "3s"}, env(map[string]string{"LOADLAB_TTL": "9s", "LOADLAB_REDIS_BUDGET": "100ms", "LOADLAB_INDEX": "true"}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if k := cfg.knobs; k.Duration("ttl") != 3*time.Second || k.Duration("redis_budget") != 100*time.Millisecond || !k.Boolean("index") || k.Count("properties") != 5000 {
		t.Errorf("config %+v", cfg)
	}
	for _, test := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{args: []string{"--nope"}, want: "nope"},
		{args: []string{"extra"}, want: "extra"},
		{args: []string{"--properties", "0"}, want: "--properties"},
		{args: []string{"--beta", "0"}, want: "--beta"},
		{args: []string{"--slow", "ttl=+20%,tll=+20%"}, want: `there is no mode "tll"`},
		{env: map[string]string{"LOADLAB_SLOW": "ttl=20%"}, want: "LOADLAB_SLOW"},
		{args: []string{"--ttl", "1us"}, want: "--ttl"},
		{env: map[string]string{"LOADLAB_DB_CONNS": "many"}, want: "LOADLAB_DB_CONNS"},
		{env: map[string]string{"LOADLAB_TTL": "0s"}, want: "LOADLAB_TTL must be from 1ms to 24h, got 0s"},
		{env: map[string]string{"LOADLAB_LOG_SQL": "maybe"}, want: "LOADLAB_LOG_SQL"},
		{args: []string{"--ttl=25h"}, want: "--ttl must be from 1ms to 24h, got 25h"},
		{args: []string{"--index=maybe"}, want: `--index wants true or false, got "maybe"`},
		{args: []string{"--ttl=0s"}, env: map[string]string{"LOADLAB_TTL": "1s"}, want: "--ttl must be"},
	} {
		_, err := parseFlags(test.args, env(test.env), io.Discard)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v %v: error %v, want a usage error that names %s", test.args, test.env, err, test.want)
		}
	}
}

func TestMisspeltVariablesAreNamed(t *testing.T) {
	got := misspelt([]string{"LOADLAB_TTL=1s", "LOADLAB_REDISURL=redis://:s3cret@x", "LOADLAB_DB_CONS=3", "LOADLAB_LAB_PORT=8001", "LOADLAB_UID=0", "LOADLAB_BIND=::", "PATH=/bin"})
	want := []string{
		"the variable LOADLAB_REDISURL is not used: did you mean LOADLAB_REDIS_URL?", "the variable LOADLAB_DB_CONS is not used: did you mean LOADLAB_DB_CONNS?",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if err := execute(t.Context(), []string{"--version"}, func(string) string { return "" }, nil, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "app ") || !strings.Contains(out.String(), ", go1.") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// A password is in no message, also not a part of one that makes a URL unreadable.
func TestNoMessageShowsAPassword(t *testing.T) {
	for _, url := range []string{"redis://:s3/cret@127.0.0.1:9", "redis://me:s3cret@127.0.0.1:x", "http://me:s3cret@127.0.0.1"} {
		err := execute(t.Context(), []string{"--addr", "127.0.0.1:0", "--lab-addr", "127.0.0.1:0", "--redis-url", url}, func(string) string { return "" }, nil, io.Discard, io.Discard)
		if !errors.As(err, new(usageError)) || strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// What SQLite says of a file in a folder that is not there is "out of memory (14)".
func TestAMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "portal.db")
	err := execute(t.Context(), []string{"--addr", "127.0.0.1:0", "--lab-addr", "127.0.0.1:0", "--database-url", "sqlite:" + path}, func(string) string { return "" }, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), path+": no such file or directory") || strings.Contains(err.Error(), "memory") {
		t.Errorf("got %v", err)
	}
}

func TestHelpNamesEveryFlagAndItsVariable(t *testing.T) {
	var out bytes.Buffer
	if _, err := parseFlags([]string{"-h"}, noEnv, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("error %v", err)
	}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	define(fs, &config{})
	fs.VisitAll(func(f *flag.Flag) {
		if !strings.Contains(out.String(), "--"+f.Name+" ") || !strings.Contains(out.String(), "["+api.EnvName(f.Name)+"]") {
			t.Errorf("no --%s or %s in:\n%s", f.Name, api.EnvName(f.Name), out.String())
		}
	})
}

// Logs that are to be exported to nowhere are a usage error.
func TestLogsToNowhere(t *testing.T) {
	args := []string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--otlp-logs"}
	err := execute(t.Context(), args, func(string) string { return "" }, strings.NewReader(""), io.Discard, io.Discard)
	if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "--otlp-logs") || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT") {
		t.Errorf("got %v, want a usage error that names what is missing", err)
	}
}
