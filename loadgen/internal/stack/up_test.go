package stack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/stack"
)

func TestFailedStart(t *testing.T) {
	for name, test := range map[string]struct {
		kind, how string
		want      string
	}{
		"app crashes":       {stack.Embedded, "crashes", "start the app: app ended by itself: exit status 3\n    fake app: a database that refuses"},
		"app crashes local": {stack.Local, "crashes", "start the app: app ended by itself: exit status 3\n"},
		"app hangs":         {stack.Embedded, "hangs", "start the app: app did not become ready in time: "},
		"app garbles":       {stack.Embedded, "garbles", `read the ready file: "somewhere" is not an address`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.kind, test.how)
			b.cfg.StartLimit = 500 * time.Millisecond
			err := b.fails(t.Context())
			if errors.Is(err, localserver.ErrMissing) && os.Getenv("CI") != "true" {
				t.Skipf("SKIPPED, NOT TESTED: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			n := b.appNotes()
			b.nothingLeft(n.PID, n.ChildPID)
		})
	}
}

// An interrupt leaves nothing, whatever was being started, and is reported as an interrupt.
func TestInterruptedStart(t *testing.T) {
	interrupt := errors.New("interrupted")
	for name, test := range map[string]struct {
		kind string
		when func(*bench) bool
	}{
		"at once":          {stack.Local, func(*bench) bool { return true }},
		"while servers":    {stack.Local, func(*bench) bool { return len(pidFiles("initdb")) > 0 }},
		"while PostgreSQL": {stack.Local, func(*bench) bool { return len(pidFiles("postgres")) > 0 }},
		"while the app":    {stack.Local, func(b *bench) bool { _, err := readNotes(b.notes); return err == nil }},
		"embedded":         {stack.Embedded, func(b *bench) bool { _, err := readNotes(b.notes); return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.kind, "hangs")
			if err := localserver.Check(); err != nil && test.kind == stack.Local && os.Getenv("CI") != "true" {
				t.Skipf("SKIPPED, NOT TESTED: %v", err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			ended := make(chan error)
			go func() {
				s, err := stack.Up(ctx, b.cfg)
				if err == nil {
					err = errors.Join(errors.New("got a stack, want an error"), s.Down(context.Background()))
				}
				ended <- err
			}()
			var pids []int
			testkit.Eventually(t, "the moment has come", func() bool {
				if !test.when(b) {
					return false
				}
				for _, file := range pidFiles("*") {
					var pid int
					if text, err := os.ReadFile(file); err == nil {
						if _, err := fmt.Sscan(string(text), &pid); err == nil {
							pids = append(pids, pid)
						}
					}
				}
				return true
			})
			cancel(interrupt)
			if err := <-ended; !errors.Is(err, interrupt) {
				t.Errorf("got %v, want %v", err, interrupt)
			}
			if n, err := readNotes(b.notes); err == nil {
				pids = append(pids, n.PID, n.ChildPID)
			}
			b.nothingLeft(pids...)
		})
	}
}

func pidFiles(name string) []string {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "loadlab-*", name+".pid"))
	return files
}

func TestMissingPrograms(t *testing.T) {
	b := newBench(t, stack.Local, "serves")
	b.cfg.AppBinary = filepath.Join(t.TempDir(), "app")
	err := b.fails(t.Context())
	if want := "no file " + b.cfg.AppBinary + " (build it: make build)"; !errors.Is(err, stack.ErrNoApp) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	b.cfg.AppBinary = "" // beside the test's own binary there is no app
	if err := b.fails(t.Context()); !errors.Is(err, stack.ErrNoApp) || !strings.Contains(err.Error(), filepath.Dir(os.Args[0])) {
		t.Errorf("got %v, want ErrNoApp next to this program", err)
	}
	b.cfg.AppBinary = os.Args[0]
	t.Setenv("PATH", t.TempDir())
	if err := b.fails(t.Context()); !errors.Is(err, localserver.ErrMissing) || !strings.Contains(err.Error(), "redis-server not found: install redis") {
		t.Errorf("got %v, want ErrMissing", err)
	}
	b.cfg.Kind = "cloud"
	if err := b.fails(t.Context()); !strings.Contains(err.Error(), `unknown stack "cloud": use embedded, local, compose, remote`) {
		t.Errorf("got %v", err)
	}
	b.nothingLeft()
}

func TestRemote(t *testing.T) {
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/lab/info" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("{}")) // the client may be gone
	}))
	defer there.Close()
	gone := "http://" + testkit.FreeAddr(t)

	for name, test := range map[string]struct{ target, lab, want string }{
		"target alone":  {there.URL + "/v2/", "", ""},
		"with lab":      {there.URL, there.URL + "/", ""},
		"nobody there":  {gone, "", "the target " + gone + " does not answer: "},
		"no lab there":  {there.URL, gone, "no lab controls at " + gone},
		"not a lab":     {there.URL, there.URL + "/api", "404 Not Found"},
		"no target":     {"", "", "no target: a remote stack needs one: --target http://host:port"},
		"not a URL":     {"localhost:8000", "", `no target: "localhost:8000" is not a URL like http://host:port`},
		"no such host":  {"http://loadlab.invalid", "", "the target http://loadlab.invalid does not answer: "},
		"without a URL": {"http://", "", "is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			var labs []string
			if test.lab != "" {
				labs = []string{test.lab}
			}
			s, err := stack.Up(t.Context(), stack.Config{Kind: stack.Remote, Targets: []string{test.target}, Labs: labs})
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line with %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.APIs[0] != strings.TrimRight(test.target, "/") || len(labs) > 0 && s.Labs[0] != strings.TrimRight(test.lab, "/") {
				t.Errorf("got %s and %s", s.APIs, s.Labs)
			}
			if err := s.Down(t.Context()); err != nil || s.Err() != nil {
				t.Errorf("got %v, %v", err, s.Err())
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupt := errors.New("interrupted")
	cancel(interrupt)
	if _, err := stack.Up(ctx, stack.Config{Kind: stack.Remote, Targets: []string{there.URL}}); !errors.Is(err, interrupt) {
		t.Errorf("got %v, want %v", err, interrupt)
	}
}

func FuzzReady(f *testing.F) {
	f.Add([]byte(`{"api":"127.0.0.1:8000","lab":"127.0.0.1:8001","pid":1}`))
	f.Add([]byte(`{"api":"[::1]:1","lab":":2"}`))
	f.Add([]byte(`{"api":`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ready, err := stack.ParseReady(text)
		if err != nil {
			return
		}
		for _, addr := range []string{ready.API, ready.Lab} {
			if request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/x", http.NoBody); err != nil || request.URL.Host != addr {
				t.Errorf("%q was taken for an address: %v", addr, err)
			}
		}
	})
}
