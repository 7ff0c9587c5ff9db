package localserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/internal/localserver"
)

func TestAwait(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	never := errors.New("not yet")
	p, err := folder.Start("dies", sh("echo one; echo two >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Await(t.Context(), time.Millisecond, func(context.Context) error { return never })
	var exit *localserver.ExitError
	if want := "dies ended by itself: exit status 3\n    one\n    two"; !errors.As(err, &exit) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	<-p.Done()
	if err := p.Await(t.Context(), time.Hour, func(context.Context) error { return nil }); !errors.As(err, &exit) {
		t.Errorf("somebody else answers for a dead process: got %v, want an ExitError", err)
	}

	p, err = folder.Start("hangs", sh("echo waiting; exec sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if p.Err() != nil {
		t.Errorf("Err of a running process: got %v", p.Err())
	}
	testkit.Eventually(t, "it has written", func() bool { return p.Tail(1) == "waiting" })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err = p.Await(ctx, time.Millisecond, func(context.Context) error { return never })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, never) || !strings.HasSuffix(err.Error(), "\n    waiting") {
		t.Errorf("got %v, want the deadline, the last error and the log", err)
	}
	tries := 0
	if err := p.Await(t.Context(), time.Millisecond, func(context.Context) error {
		if tries++; tries < 3 {
			return never
		}
		return nil
	}); err != nil || tries != 3 {
		t.Errorf("got %v after %d tries, want success after 3", err, tries)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	const short, ample = 300 * time.Millisecond, time.Minute // a busy machine is slow to run who is to end
	for name, test := range map[string]struct {
		script  string
		polite  []os.Signal
		grace   time.Duration
		wantErr string
	}{
		"polite":        {"trap 'exit 0' TERM; echo $$; while :; do sleep 0.01; done", []os.Signal{syscall.SIGTERM}, ample, ""},
		"second signal": {"trap '' INT; echo $$; while :; do sleep 0.01; done", []os.Signal{syscall.SIGINT, syscall.SIGTERM}, 3 * time.Second, ""},
		"deaf":          {"trap '' TERM; sleep 1000 & echo $!; wait; wait", []os.Signal{syscall.SIGTERM}, short, "did not stop within 300ms: killed"},
		"at once":       {"sleep 1000 & echo $!; wait", nil, short, ""},
		"has ended":     {"echo $$", []os.Signal{syscall.SIGTERM}, ample, ""},
		"left a child":  {"sleep 1000 & echo $!", []os.Signal{syscall.SIGTERM}, ample, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := newFolder(t)
			p, err := folder.Start("it", sh(test.script))
			if err != nil {
				t.Fatal(err)
			}
			var pid int
			testkit.Eventually(t, "it has written", func() bool { pid, err = strconv.Atoi(p.Tail(1)); return err == nil })
			err = p.Stop(test.grace, test.polite...)
			if got := fmt.Sprint(err); (err == nil) != (test.wantErr == "") || !strings.Contains(got, test.wantErr) && err != nil {
				t.Errorf("got %v, want %q", err, test.wantErr)
			}
			testkit.Gone(t, p.PID(), pid)
			wantNoFile(t, filepath.Join(folder.Path(), "it.pid"))
			if err := p.Stop(time.Hour, syscall.SIGTERM); err != nil {
				t.Errorf("second Stop: %v", err)
			}
		})
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	if _, err := folder.Start("it", exec.Command("/no/such/program")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	wantNoFile(t, filepath.Join(folder.Path(), "it.pid"))
}

func TestSweep(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dead := deadPID(t)
	folder := func(name string) string {
		path := filepath.Join(parent, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A process that works in the folder of a dead owner, and one that does not although a pid file there names it.
	abandoned := folder(fmt.Sprintf("loadlab-%d-abc", dead))
	in, out := sleeper(t, abandoned), sleeper(t, parent)
	for name, pid := range map[string]int{"in": in.Process.Pid, "out": out.Process.Pid, "bad": -1, "init": 1} {
		if err := os.WriteFile(filepath.Join(abandoned, name+".pid"), []byte(strconv.Itoa(pid)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unlocked := folder(fmt.Sprintf("loadlab-%d-locked", os.Getpid())) // the number was reused, the lock is free
	if err := os.WriteFile(filepath.Join(unlocked, "owner.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	keep := []string{folder(fmt.Sprintf("loadlab-%d-abc", os.Getpid())), folder("loadlab-x-1"), folder("loadlab--1-1"), folder("other-1-1")}
	link := filepath.Join(parent, fmt.Sprintf("loadlab-%d-link", dead))
	if err := os.Symlink(keep[3], link); err != nil {
		t.Fatal(err)
	}

	localserver.Sweep(parent)
	wantNoFile(t, abandoned)
	wantNoFile(t, unlocked)
	for _, path := range append(keep, link) {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("got %v, want it kept", err)
		}
	}
	if err := in.Wait(); err == nil || testkit.Running(in.Process.Pid) {
		t.Errorf("the leftover process: got %v, want it killed", err)
	}
	if !testkit.Running(out.Process.Pid) {
		t.Error("a process that only a pid file tied to the folder was killed")
	}
}

func sleeper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may have ended
		_ = cmd.Wait()
	})
	return cmd
}

// deadPID is the number of a process that has just ended.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}
