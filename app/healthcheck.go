package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"loadlab/app/api"
)

// healthCommand is the hidden command by which a container asks its own app whether it is ready: the image has no shell and no curl.
const healthCommand = "healthcheck"

const healthTimeout = 3 * time.Second

// healthcheck fails unless the app that runs with the same flags and environment is ready.
func healthcheck(ctx context.Context, args []string, env func(string) string, stderr io.Writer) error {
	cfg, err := parseFlags(args, env, stderr)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(cfg.addr)
	if err != nil {
		return usageError{fmt.Errorf("--addr: %w", err)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+api.PathReadyz, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}
