package composetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// engine is a Docker engine of the test's own, whose data outlives it.
type engine struct {
	env []string // with which docker and make reach it
}

const (
	engineStart = time.Minute
	engineStop  = 30 * time.Second
)

// startEngine starts the engine, and ends it with the test.
func startEngine(t *testing.T) *engine {
	t.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	at := folder.Path()
	root := testkit.Root(t)
	socket := "unix://" + filepath.Join(at, "docker.sock")
	e := &engine{env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + at, "DOCKER_HOST=" + socket, "DOCKER_CONFIG=" + at}}
	plugins(t, root, filepath.Join(at, "cli-plugins"))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "dockerd", "--data-root", filepath.Join(root, ".cache", "engine"), "--exec-root", filepath.Join(at, "exec"),
		"--pidfile", filepath.Join(at, "docker.pid"), "--host", socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // it ends its containers then
	p, err := folder.Start("dockerd", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := p.Stop(engineStop, syscall.SIGTERM)
		mounts, _ := filepath.Glob(filepath.Join(at, "exec", "netns", "*"))
		for _, m := range mounts {
			err = errors.Join(err, syscall.Unmount(m, syscall.MNT_DETACH))
		}
		if err := errors.Join(err, folder.Remove()); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), engineStart)
	defer cancel()
	err = p.Await(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, "docker", "info")
		cmd.Env = e.env
		return cmd.Run()
	})
	if err != nil {
		t.Fatal(err)
	}
	e.clear(t) // what a test that was killed has left
	return e
}

// plugins puts those of docker's plugins that .ci/docker has built where docker looks for them.
func plugins(t *testing.T, root, into string) {
	t.Helper()
	if err := os.MkdirAll(into, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"docker-compose", "docker-buildx"} {
		found, _ := filepath.Glob(filepath.Join(root, ".cache", "tools", name+"-*"))
		if len(found) == 0 {
			t.Fatalf("there is no %s in .cache/tools: .ci/docker builds it", name)
		}
		if err := os.Symlink(found[len(found)-1], filepath.Join(into, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// clear removes every container, volume and network.
func (e *engine) clear(t *testing.T) {
	t.Helper()
	if ids := strings.Fields(e.docker(t, nil, "ps", "--all", "--quiet")); len(ids) > 0 {
		e.docker(t, nil, append([]string{"rm", "--force", "--volumes"}, ids...)...)
	}
	e.docker(t, nil, "network", "prune", "--force")
	if names := strings.Fields(e.docker(t, nil, "volume", "ls", "--quiet")); len(names) > 0 {
		e.docker(t, nil, append([]string{"volume", "rm"}, names...)...)
	}
}

// docker runs a command of docker, and returns what it wrote.
func (e *engine) docker(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", args...)
	cmd.Env, cmd.Stdin = e.env, stdin
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// ending is how a command ended.
type ending struct {
	code           int
	stdout, stderr string
}

func (r ending) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
}

// shell runs a line of shell in a folder, with the engine for docker's, and more variables.
func (e *engine) shell(t *testing.T, folder, line string, env ...string) ending {
	t.Helper()
	begin := time.Now()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "bash", "-c", line) // also after the test
	cmd.Dir, cmd.Env = folder, append(e.env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	t.Logf("%s: exit code %d after %s", line, cmd.ProcessState.ExitCode(), time.Since(begin).Round(100*time.Millisecond))
	return ending{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
