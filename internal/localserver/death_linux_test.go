package localserver_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"loadlab/internal/testkit"

	"loadlab/internal/localserver"
)

// The kernel takes the end of the thread that started a child for the parent's death. Start is called from a goroutine that ends its
// thread; the child must live on.
func TestChildOutlivesThread(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	cmd := exec.Command("cat")
	cmd.Stdin = in
	var p *localserver.Process
	thread := onDyingThread(func() { p, err = folder.Start("cat", cmd) })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	testkit.Eventually(t, "the thread has ended", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return errors.Is(err, os.ErrNotExist)
	})
	if _, err := out.WriteString("alive\n"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the child answers", func() bool {
		select {
		case <-p.Done():
			t.Fatalf("the child ended: %v", p.Err())
		default:
		}
		return p.Tail(1) == "alive"
	})
}

// onDyingThread calls f on a thread that ends after it, and returns the thread's number. The main thread would only be parked, so
// f is passed on to another while that one is held.
func onDyingThread(f func()) int {
	done := make(chan int)
	go func() {
		runtime.LockOSThread() // and no unlock: the thread ends with the goroutine
		if thread := syscall.Gettid(); thread != os.Getpid() {
			f()
			done <- thread
			return
		}
		done <- onDyingThread(f)
	}()
	return <-done
}

// An owner that is killed by SIGKILL takes its servers with it, PostgreSQL under its own user included, and its folder goes with the
// next owner.
func TestOwnerKilled(t *testing.T) {
	t.Parallel()
	got, cmd := startOwner(t)
	if len(got.PIDs) < 5 {
		t.Fatalf("got processes %v, want PostgreSQL with its children and Redis", got.PIDs)
	}
	localserver.Sweep(filepath.Dir(got.Folder))
	if _, err := os.Stat(got.Folder); err != nil {
		t.Fatalf("a living owner's folder was swept: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	testkit.Gone(t, got.PIDs...)
	testkit.Eventually(t, "the folder is swept", func() bool {
		localserver.Sweep(filepath.Dir(got.Folder))
		_, err := os.Stat(got.Folder)
		return errors.Is(err, os.ErrNotExist)
	})
}

func startOwner(t *testing.T) (owned, *exec.Cmd) {
	t.Helper()
	folder := newFolder(t) // fails early where there can be none
	pg, err := localserver.StartRedis(t.Context(), localserver.Options{Folder: folder})
	need(t, err)
	if err := pg.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err = localserver.PostgresBin("/usr/lib/postgresql/*/bin")
	need(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill() // may have ended
	})
	var got owned
	if err := json.NewDecoder(stdout).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got, cmd
}
