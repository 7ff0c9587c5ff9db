package kubetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// target is an app of the lab, on a PostgreSQL and a Redis of its own, that pods reach on loopback.
type target struct{ url, lab string }

func startTarget(t *testing.T) target {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := func(stop func() error) {
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
	folder, err := localserver.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	stop(folder.Remove)
	pg, err := localserver.StartPostgres(ctx, localserver.Options{Folder: folder})
	testkit.Need(t, err, localserver.ErrMissing)
	stop(pg.Stop)
	redis, err := localserver.StartRedis(ctx, localserver.Options{Folder: folder})
	testkit.Need(t, err, localserver.ErrMissing)
	stop(redis.Stop)

	binary, ready := filepath.Join(t.TempDir(), "app"), filepath.Join(folder.Path(), "ready.json")
	build(t, binary, "./app")
	app, err := folder.Start("app", exec.CommandContext(context.WithoutCancel(ctx), binary, "--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--ready-file="+ready,
		"--database-url="+pg.URL(), "--redis-url="+redis.URL(), "--ttl=1s", "--grace=10s", "--redis-budget=1s", "--log-level=error"))
	if err != nil {
		t.Fatal(err)
	}
	stop(func() error { return app.Stop(10*time.Second, syscall.SIGTERM) })
	var at struct{ API, Lab string }
	err = app.Await(ctx, 20*time.Millisecond, func(context.Context) error {
		text, err := os.ReadFile(ready)
		return errors.Join(err, json.Unmarshal(text, &at))
	})
	if err != nil {
		t.Fatal(err)
	}
	return target{"http://" + at.API, "http://" + at.Lab}
}
