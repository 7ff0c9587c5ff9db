package localserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
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
	pids := append(processes(pg), redis.PID)
	if err := json.NewEncoder(os.Stdout).Encode(owned{Folder: folder.Path(), PIDs: pids}); err != nil {
		return err
	}
	_, err = os.Stdin.Read(make([]byte, 1)) // until killed
	return err
}

// processes returns the process numbers of a PostgreSQL: its own and its children's.
func processes(pg *localserver.Postgres) []int {
	pids := []int{pg.Process.PID()}
	for _, child := range testkit.Descendants(pids[0]) {
		pids = append(pids, child.PID)
	}
	return pids
}

// need fails the test for any error, but skips it where a server is not installed.
func need(t *testing.T, err error) {
	t.Helper()
	testkit.Need(t, err, localserver.ErrMissing)
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

func wantNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: got %v, want it gone", path, err)
	}
}
