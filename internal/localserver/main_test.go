package localserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"loadlab/internal/testkit"

	"go.uber.org/goleak"

	"loadlab/internal/localserver"
)

// ownerEnv makes the test binary a program that starts servers and waits to be killed.
const ownerEnv = "LOCALSERVER_TEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerEnv) != "" {
		if err := owner(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// owned is what owner prints.
type owned struct {
	Folder string
	PIDs   []int
}

func owner() error {
	folder, err := localserver.NewFolder()
	if err != nil {
		return err
	}
	pg, err := localserver.StartPostgres(context.Background(), localserver.Options{Folder: folder})
	if err != nil {
		return err
	}
	redis, err := localserver.StartRedis(context.Background(), localserver.Options{Folder: folder})
	if err != nil {
		return err
	}
	// Enough other work that the runtime makes threads and ends some of them.
	for range 20 {
		go func() { runtime.LockOSThread() }()
	}
	pids := append(descendants(pg.Process.PID()), pg.Process.PID(), redis.PID)
	if err := json.NewEncoder(os.Stdout).Encode(owned{Folder: folder.Path(), PIDs: pids}); err != nil {
		return err
	}
	_, err = os.Stdin.Read(make([]byte, 1)) // until killed
	return err
}

// need fails the test for any error, but skips it where a server is not installed and nobody promised that it would be.
func need(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, localserver.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("SKIPPED, NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func newFolder(t *testing.T) *localserver.Folder {
	t.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Remove(); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func wantGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		testkit.Eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return !running(pid) })
	}
}

func wantNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: got %v, want it gone", path, err)
	}
}

// running reports whether there is such a process and it has not ended: one that nobody has waited for yet does not count.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if runtime.GOOS != "linux" {
		return syscall.Kill(pid, 0) == nil
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// descendants are the direct children of a process (Linux; none elsewhere).
func descendants(parent int) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ") // S 1234 ...
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}
