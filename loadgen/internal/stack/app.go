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

// startApp starts the app and waits until it serves.
func (s *Stack) startApp(ctx context.Context, cfg Config, binary string, urls []string) error {
	started := time.Now()
	tmp, err := s.folder.Mkdir("tmp")
	if err != nil {
		return err
	}
	readyFile := filepath.Join(s.folder.Path(), "ready.json")
	args := slices.Concat(cfg.AppArgs, urls, []string{"--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--ready-file=" + readyFile})
	// The end of ctx does not kill it: Down does, and in order.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, args...)
	cmd.Env = appEnv(cfg.Env, tmp)
	if s.App, err = s.folder.Start("app", cmd); err != nil {
		return err
	}
	limit := cfg.StartLimit
	if limit == 0 {
		limit = startLimit + time.Duration(cfg.Properties)*startLimitPerProperty
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var ready api.Ready
	err = s.App.Await(ctx, readyEvery, func(context.Context) (err error) {
		ready, err = readReady(readyFile)
		return err
	})
	if err != nil {
		s.App.Kill() // it does not serve: there is nothing to drain
		return fmt.Errorf("start the app: %w", err)
	}
	s.API, s.Lab = "http://"+ready.API, "http://"+ready.Lab
	s.logf("the app is up at %s, its lab controls at %s (%s)", s.API, s.Lab, since(started))
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

// appEnv is the app's environment. Its temporary files go to tmp, which is removed with the stack, also when the app could not.
func appEnv(env []string, tmp string) []string {
	kept := slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, api.EnvPrefix) || strings.HasPrefix(v, "TMPDIR=")
	})
	return append(kept, "TMPDIR="+tmp)
}
