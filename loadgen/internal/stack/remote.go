package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"loadlab/loadgen/internal/lab"
)

// answerLimit is how long a remote stack may take to answer at all.
const answerLimit = 5 * time.Second

// upRemote only checks that the target answers: a scenario that cannot reach it should fail at once, and not with a report full of refused
// connections.
func (s *Stack) upRemote(ctx context.Context, cfg Config) error {
	address, err := dialAddress(cfg.Target)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(dialing, "tcp", address)
	if err != nil {
		return fmt.Errorf("the target %s does not answer: %w", cfg.Target, unlessInterrupted(ctx, err))
	}
	if err := conn.Close(); err != nil {
		return fmt.Errorf("the target %s does not answer: %w", cfg.Target, err)
	}
	s.API, s.Lab = strings.TrimRight(cfg.Target, "/"), strings.TrimRight(cfg.Lab, "/")
	if s.Lab == "" {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	client := lab.New(s.API, s.Lab)
	defer client.Close()
	if _, err := client.Info(asking); err != nil {
		return fmt.Errorf("no lab controls at %s: %w", cfg.Lab, unlessInterrupted(ctx, err))
	}
	return nil
}

// dialAddress is the host:port of an http or https URL.
func dialAddress(target string) (string, error) {
	if target == "" {
		return "", errors.New("a remote stack needs a target: --target http://host:port")
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("the target %q is not a URL like http://host:port", target)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// unlessInterrupted prefers the reason for which ctx ended to what that led to.
func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
