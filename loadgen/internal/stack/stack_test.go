package stack_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/stack"
)

// bench is a place for one stack: a temporary folder of its own, which must be empty after the test.
type bench struct {
	t     *testing.T
	cfg   stack.Config
	notes string
	log   bytes.Buffer
}

func newBench(t *testing.T, kind, how string) *bench {
	t.Helper()
	tmp := t.TempDir()
	for _, dir := range []string{filepath.Dir(tmp), tmp} { // PostgreSQL's user must get in
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", tmp)
	b := &bench{t: t, notes: filepath.Join(t.TempDir(), "notes.json")}
	b.cfg = stack.Config{
		Kind: kind, AppBinary: os.Args[0], AppArgs: []string{"--properties=70", "--addr=256.0.0.1:1"}, Log: &b.log,
		Env: append(os.Environ(), appEnv+"="+how, notesEnv+"="+b.notes, "LOADLAB_REDIS_URL=redis://elsewhere", "LOADLAB_TTL=9s"),
	}
	return b
}

func (b *bench) up() *stack.Stack {
	b.t.Helper()
	s, err := stack.Up(b.t.Context(), b.cfg)
	testkit.Need(b.t, err, localserver.ErrMissing)
	b.t.Cleanup(func() { _ = s.Down(context.Background()) }) // the test checks it itself
	return s
}

// fails brings up a stack that cannot come up, and returns why.
func (b *bench) fails(ctx context.Context) error {
	b.t.Helper()
	s, err := stack.Up(ctx, b.cfg)
	if err == nil {
		b.t.Fatal(errors.Join(errors.New("got a stack, want an error"), s.Down(context.Background())))
	}
	return err
}

// nothingLeft checks that the processes have ended and that no file is left.
func (b *bench) nothingLeft(pids ...int) {
	b.t.Helper()
	testkit.Gone(b.t, pids...)
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		b.t.Errorf("left: %v", left)
	}
}

func (b *bench) appNotes() notes {
	b.t.Helper()
	n, err := readNotes(b.notes)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestEmbedded(t *testing.T) {
	b := newBench(t, stack.Embedded, "serves")
	s := b.up()
	for _, url := range []string{s.APIs[0], s.Labs[0]} {
		if err := get(t.Context(), url+"/"); err != nil {
			t.Error(err)
		}
	}
	n := b.appNotes()
	if !strings.HasPrefix(n.DatabaseURL, "sqlite:"+os.Getenv("TMPDIR")) || n.DatabaseURL != s.DatabaseURL || n.Redis != "redis://"+s.RedisAddr+"/0" ||
		n.env("LOADLAB_REDIS_URL") != "" || n.env("LOADLAB_TTL") != "" {
		t.Errorf("the app was given another database or configuration: %+v", n)
	}
	if n.Properties != 70 || n.PID != s.Apps()[0].PID() || s.Postgres != nil || s.RedisProcess() == nil || s.Kind != stack.Embedded {
		t.Errorf("got notes %+v of %+v", n, s)
	}
	if used := s.CPU(); runtime.GOOS == "linux" && (used.App <= 0 || used.Database != 0 || used.Redis <= 0) {
		t.Errorf("got CPU times %+v, want the app's and Redis' alone", used)
	}
	if !strings.Contains(b.log.String(), "the app is up at "+s.APIs[0]) {
		t.Errorf("got log %q", b.log.String())
	}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	b.nothingLeft(n.PID, n.ChildPID, s.RedisProcess().PID())
	select {
	case <-s.Done():
		t.Errorf("Down is no reason for Done: %v", s.Err())
	default:
	}
	if err := s.Down(t.Context()); err != nil {
		t.Errorf("second Down: %v", err)
	}
}

func TestLocal(t *testing.T) {
	b := newBench(t, stack.Local, "serves")
	s := b.up()
	n := b.appNotes()
	if n.DatabaseURL != s.Postgres.SocketURL() || n.Redis != "redis://"+s.RedisAddr+"/0" {
		t.Errorf("got %s and %s, want the stack's own, %s and %s", n.DatabaseURL, n.Redis, s.Postgres.SocketURL(), s.RedisAddr)
	}
	t.Log(b.log.String())
	if used := s.CPU(); runtime.GOOS == "linux" && (used.App <= 0 || used.Database <= 0 || used.Redis <= 0) {
		t.Errorf("got CPU times %+v, want those of all three", used)
	}
	pids := []int{n.PID, n.ChildPID, s.Postgres.Process.PID(), s.RedisProcess().PID()}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	b.nothingLeft(pids...)
	if used := s.CPU(); used != (stack.CPU{}) {
		t.Errorf("got CPU times %+v of processes that have ended", used)
	}
}

// A process that dies while the stack is up is reported with the end of its log, and Down still ends the rest.
func TestDeath(t *testing.T) {
	for name, test := range map[string]struct {
		kind string
		kill func(*stack.Stack) error
		want string
	}{
		"app":            {stack.Embedded, func(s *stack.Stack) error { _ = get(context.Background(), s.APIs[0]+"/die"); return nil }, "app ended by itself: exit status 4\n    told to die"},
		"PostgreSQL":     {stack.Local, func(s *stack.Stack) error { return syscall.Kill(s.Postgres.Process.PID(), syscall.SIGQUIT) }, "postgres ended by itself: "},
		"embedded Redis": {stack.Embedded, func(s *stack.Stack) error { return syscall.Kill(s.RedisProcess().PID(), syscall.SIGKILL) }, "redis ended by itself: signal: killed"},
		"Redis":          {stack.Local, func(s *stack.Stack) error { return syscall.Kill(s.RedisProcess().PID(), syscall.SIGKILL) }, "redis ended by itself: signal: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.kind, "serves")
			s := b.up()
			if s.Err() != nil {
				t.Errorf("before: got %v", s.Err())
			}
			if err := test.kill(s); err != nil {
				t.Fatal(err)
			}
			<-s.Done()
			var exit *localserver.ExitError
			if !errors.As(s.Err(), &exit) || !strings.HasPrefix(s.Err().Error(), test.want) {
				t.Errorf("got %v, want %s", s.Err(), test.want)
			}
			pids := []int{s.Apps()[0].PID(), b.appNotes().ChildPID, s.RedisProcess().PID()}
			if test.kind == stack.Local {
				pids = append(pids, s.Postgres.Process.PID())
			}
			if err := s.Down(t.Context()); err != nil {
				t.Error(err)
			}
			b.nothingLeft(pids...)
		})
	}
}

func TestDeafApp(t *testing.T) {
	b := newBench(t, stack.Embedded, "deaf")
	b.cfg.StopGrace = 50 * time.Millisecond
	s := b.up()
	if err := s.Down(t.Context()); err == nil || !strings.Contains(err.Error(), "app did not stop within 50ms: killed") {
		t.Errorf("got %v, want that it was killed", err)
	}
	n := b.appNotes()
	b.nothingLeft(n.PID, n.ChildPID)

	b = newBench(t, stack.Embedded, "deaf")
	b.cfg.StopGrace = time.Hour
	s = b.up()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Down(ctx); err != nil { // a caller that does not wait
		t.Error(err)
	}
	n = b.appNotes()
	b.nothingLeft(n.PID, n.ChildPID)
}
