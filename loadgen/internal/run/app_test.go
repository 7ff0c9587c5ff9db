package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/stack"
)

// asApp makes the test binary an app: a portal in a process of its own, which dies when it is asked for its 20th page.
const asApp = "RUN_TEST_APP"

func TestMain(m *testing.M) {
	if os.Getenv(asApp) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	serve := func() error { return serveApp(ctx, os.Args[1:]) }
	if os.Args[1] == api.CommandRedis {
		serve = func() error { return testkit.ServeNoRedis(ctx, os.Stdin, os.Stdout) }
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveApp(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	addr, labAddr, readyFile := flags.String("addr", "", ""), flags.String("lab-addr", "", ""), flags.String("ready-file", "", "")
	flags.Int("properties", 0, "")
	more := flags.Int("more-queries", 0, "of each page that is made; it does not die then")
	flags.String("final-file", "", "")
	flags.String("database-url", "", "")
	flags.String("redis-url", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := &portal{counters: map[string]api.ModeCounters{}, cached: map[string]int64{}, version: 1, more: *more}
	p.on = func(http.ResponseWriter, *http.Request) bool {
		if len(p.requests) == 20 && *more == 0 {
			fmt.Fprintln(os.Stderr, "the heart stops")
			os.Exit(9)
		}
		return false
	}
	failed := make(chan error)
	var ready api.Ready
	for _, x := range []struct {
		addr    string
		to      *string
		handler http.HandlerFunc
	}{{addr: *addr, to: &ready.API, handler: p.page}, {addr: *labAddr, to: &ready.Lab, handler: p.control}} {
		listener, err := net.Listen("tcp", x.addr)
		if err != nil {
			return err
		}
		*x.to = listener.Addr().String()
		go func() { failed <- http.Serve(listener, x.handler) }()
	}
	text, err := json.Marshal(ready)
	if err == nil {
		err = os.WriteFile(*readyFile+".tmp", text, 0o600)
	}
	if err == nil {
		err = os.Rename(*readyFile+".tmp", *readyFile)
	}
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// own is a run on an app of its own.
func own(t *testing.T, yaml string) run.Config {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	return run.Config{
		Scenario: parse(t, yaml), Seed: 7, Progress: &watcher{}, AllowLimited: true,
		Stack: stack.Config{Kind: stack.Embedded, AppBinary: os.Args[0], AppArgs: []string{"--properties=500"}, Env: []string{asApp + "=1"}},
	}
}

// An app that dies ends the run: what was measured is in the report, with what broke, and nothing is left behind.
func TestAnAppThatDies(t *testing.T) {
	for name, phase := range map[string]string{
		"under load":          "{name: reads, rate: 50/s, for: 1h}",
		"between two phases":  "{name: reads, requests: 19}, {name: last, rate: 100/s, for: 1h}",
		"while prices change": "{name: reads, requests: 9}, {name: writes, rate: 1/m, for: 1h, during: {price_change: 10ms}}",
	} {
		t.Run(name, func(t *testing.T) {
			r := drive(t, own(t, "why: x\nmodes: {a: GET /api/properties/live/naive/}\nrounds: 1\nphases: ["+phase+"]\ngates: [errors() == 0]\n"))
			want := "the stack broke: app ended by itself: exit status 9\n    the heart stops"
			if len(r.Invalid) != 1 || !strings.HasPrefix(r.Invalid[0], want) || result.ExitCode(r) != result.ExitInvalid || r.Interrupted {
				t.Errorf("exit code %d, invalid because of %q, want %q", result.ExitCode(r), r.Invalid, want)
			}
			if c := r.Cells[0]; c.Ledger.Completed < 9 || c.Server.Counters != nil && len(r.Cells) == 1 {
				t.Errorf("the first cell is %+v", c)
			}
			if r.Gates[0].Verdict != result.NotJudged {
				t.Errorf("gate %+v", r.Gates[0])
			}
			nothingLeft(t)
		})
	}
}

func TestAnAppOfItsOwn(t *testing.T) {
	cfg := own(t, "why: x\nmodes: {a: GET /api/properties/live/naive/}\nrounds: 1\nphases: [{name: p, requests: 3}]\n")
	r := drive(t, cfg)
	if result.ExitCode(r) != result.ExitPass || r.Stack.Kind != stack.Embedded || r.Stack.Rows != 500 || len(r.Warnings) > 0 {
		t.Errorf("exit code %d, stack %+v, warnings %q", result.ExitCode(r), r.Stack, r.Warnings)
	}
	nothingLeft(t)

	cfg.Stack.AppBinary = filepath.Join(t.TempDir(), "app")
	if r, err := run.Run(t.Context(), cfg); r != nil || !errors.Is(err, stack.ErrNoApp) || strings.Contains(err.Error(), "\n") {
		t.Errorf("without a program: got %v, %v", r, err)
	}
	nothingLeft(t)
}

// nothingLeft checks that the temporary folder is empty: also of the folder that the processes' numbers were in, which is removed when
// they have ended.
func nothingLeft(t *testing.T) {
	t.Helper()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
