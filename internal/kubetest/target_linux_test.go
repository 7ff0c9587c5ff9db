package kubetest_test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// target is an app of the lab, on a PostgreSQL and a Redis of its own behind links, that pods reach on loopback.
type target struct{ url, lab, links string }

// startTarget starts a target. loadgen has the links.
func startTarget(t *testing.T, loadgen string) target {
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

	database, err := url.Parse(pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	var links struct {
		Control string
		Links   []struct{ Name, Listen string }
	}
	startServer(ctx, t, folder, &links, loadgen, "link", "--control=tcp:127.0.0.1:0", "--link=database=tcp:127.0.0.1:0,tcp:"+database.Host, "--link=redis=tcp:127.0.0.1:0,tcp:"+redis.Addr())
	binary := filepath.Join(t.TempDir(), "app")
	build(t, binary, "./app")
	at := map[string]string{}
	for _, l := range links.Links {
		at[l.Name] = strings.TrimPrefix(l.Listen, "tcp:")
	}
	database.Host = at["database"]
	var app struct{ API, Lab string }
	startServer(ctx, t, folder, &app, binary, "--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--database-url="+database.String(), "--redis-url=redis://"+at["redis"]+"/0",
		"--ttl=1s", "--grace=10s", "--redis-budget=1s", "--log-level=error")
	return target{"http://" + app.API, "http://" + app.Lab, strings.TrimPrefix(links.Control, "tcp:")}
}

// startServer starts a program that writes where it listens to a file, as JSON, and reads that. It ends with the test.
func startServer(ctx context.Context, t *testing.T, folder *localserver.Folder, at any, program string, args ...string) {
	t.Helper()
	name := filepath.Base(program)
	ready := filepath.Join(folder.Path(), name+".json")
	p, err := folder.Start(name, exec.CommandContext(context.WithoutCancel(ctx), program, append(args, "--ready-file="+ready)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(10*time.Second, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	err = p.Await(ctx, 20*time.Millisecond, func(context.Context) error {
		text, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}
