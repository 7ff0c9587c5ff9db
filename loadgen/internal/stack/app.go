package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loadlab/app/api"
)

// ErrNoApp is what errors.Is finds when the app's program is missing.
var ErrNoApp = errors.New("the app's program is missing")

const (
	startLimit            = time.Minute
	startLimitPerProperty = time.Millisecond
	readyEvery            = 10 * time.Millisecond
)

// appBinary finds the app's program, so that its absence is reported before anything is started.
func appBinary(path string) (string, error) {
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find the app's program: %w", err)
		}
		path = filepath.Join(filepath.Dir(self), "app")
	}
	path, err := filepath.Abs(path) // it will be started from another folder
	if err != nil {
		return "", fmt.Errorf("find the app's program: %w", err)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w: no file %s (build it: make build)", ErrNoApp, path)
	}
	return path, nil
}

// appConfig is how every app of the stack is started.
type appConfig struct {
	binary string
	args   []string
	env    []string
	limit  time.Duration // of a start
}

// newAppConfig returns how apps are started that find their servers at the stack's addresses.
func (s *Stack) newAppConfig(cfg Config, binary string, env []string) appConfig {
	urls := []string{"--database-url=" + s.DatabaseURL, "--redis-url=redis://" + s.RedisAddr + "/0"}
	c := appConfig{binary: binary, args: slices.Concat(cfg.AppArgs, urls), env: env, limit: cfg.StartLimit}
	if c.limit == 0 {
		c.limit = startLimit + time.Duration(cfg.Properties)*startLimitPerProperty
	}
	return c
}

// serve starts an app that listens on these addresses, and waits until it serves.
func (s *Stack) serve(ctx context.Context, r *replica, addr, labAddr string) error {
	started := time.Now()
	readyFile := filepath.Join(s.folder.Path(), r.name+".json")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, os.ErrNotExist) { // of the app that it takes the place of
		return fmt.Errorf("start the app: %w", err)
	}
	args := slices.Concat(s.apps.args, []string{"--addr=" + addr, "--lab-addr=" + labAddr, "--ready-file=" + readyFile, "--final-file=" + s.finalFile(r)})
	// The end of ctx does not kill it: Down does, and in order.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.apps.binary, args...)
	cmd.Env = append(slices.Clip(s.apps.env), instanceAttribute+r.name)
	process, err := s.folder.Start(r.name, cmd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	r.process, r.planned = process, false
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.apps.limit)
	defer cancel()
	var ready api.Ready
	err = process.Await(ctx, readyEvery, func(context.Context) (err error) {
		ready, err = readReady(readyFile)
		return err
	})
	if err != nil {
		process.Kill() // it does not serve: there is nothing to drain
		return fmt.Errorf("start the app: %w", err)
	}
	r.api, r.lab = ready.API, ready.Lab
	s.logf("%s is up at http://%s, its lab controls at http://%s (%s)", r.shown, r.api, r.lab, since(started))
	return nil
}

// readReady reads the file that the app writes once it serves.
func readReady(path string) (api.Ready, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return api.Ready{}, errors.New("it does not serve yet")
	}
	if err != nil {
		return api.Ready{}, fmt.Errorf("read the ready file: %w", err)
	}
	return parseReady(text)
}

func parseReady(text []byte) (api.Ready, error) {
	var ready api.Ready
	if err := json.Unmarshal(text, &ready); err != nil {
		return api.Ready{}, fmt.Errorf("read the ready file: %w", err)
	}
	for _, addr := range []string{ready.API, ready.Lab} {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || net.ParseIP(host) == nil || port == "" || strings.Trim(port, "0123456789") != "" {
			return api.Ready{}, fmt.Errorf("read the ready file: %q is not an address", addr)
		}
	}
	return ready, nil
}

// instanceAttribute names the replica in what the app exports.
const instanceAttribute = "OTEL_RESOURCE_ATTRIBUTES=service.instance.id="

// appEnv is the environment of the app and of its embedded Redis. Their temporary files go to tmp, which is removed with the stack, also when the app could not.
func appEnv(env []string, tmp string) []string {
	kept := slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, api.EnvPrefix) || strings.HasPrefix(v, "TMPDIR=")
	})
	return append(kept, "TMPDIR="+tmp)
}
