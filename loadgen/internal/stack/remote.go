package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/limits"
)

// answerLimit is how long a remote stack may take to answer at all.
const answerLimit = 5 * time.Second

// upRemote only checks that the targets answer: a scenario that cannot reach them should fail at once, and not with a report full of refused
// connections.
func (s *Stack) upRemote(ctx context.Context, cfg Config) error {
	if len(cfg.Labs) > 0 && len(cfg.Labs) != len(cfg.Targets) {
		return fmt.Errorf("%d targets have %d lab controls: give each its own, in the same order, or none", len(cfg.Targets), len(cfg.Labs))
	}
	if len(cfg.Targets) == 0 {
		cfg.Targets = []string{""}
	}
	for _, target := range cfg.Targets {
		if err := answers(ctx, target, cfg.Reach); err != nil {
			if cfg.Kind == Compose {
				err = fmt.Errorf("%w (the stack compose is reached from its own network alone: make scenario STACK=compose)", err)
			}
			return err
		}
		s.APIs = append(s.APIs, strings.TrimRight(target, "/"))
	}
	if cfg.FindLabs && len(cfg.Labs) == 0 {
		s.Labs = s.findLabs(ctx)
	}
	for _, address := range cfg.Labs {
		s.Labs = append(s.Labs, strings.TrimRight(address, "/"))
	}
	for i := range cfg.Labs {
		if err := s.answersLab(ctx, i); err != nil {
			return fmt.Errorf("no lab controls at %s: %w", cfg.Labs[i], unlessInterrupted(ctx, err))
		}
	}
	return s.dialLinks(ctx, cfg.LinksAddr)
}

// findLabs returns the lab controls of all targets, which have answered; none if not every target has them.
func (s *Stack) findLabs(ctx context.Context) []string {
	asking, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var labs []string
	for _, target := range s.APIs {
		address, ok := lab.Find(asking, target)
		if !ok {
			return nil
		}
		labs = append(labs, address)
	}
	s.logf("the lab controls are at %s", strings.Join(labs, ", "))
	return labs
}

// answers checks that a target accepts connections.
func answers(ctx context.Context, target string, reach func(context.Context, string) error) error {
	if reach == nil {
		reach = dial
	}
	dialing, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	err := reach(dialing, target)
	if errors.Is(err, errNoTarget) {
		return err
	}
	if own := limits.Of(err); own != nil {
		return fmt.Errorf("no connection to the target %s can be made: %w", redact.URL(target), own)
	}
	if err != nil {
		return fmt.Errorf("the target %s does not answer: %w", redact.URL(target), unlessInterrupted(ctx, err))
	}
	return nil
}

// dial connects to the host of a URL.
func dial(ctx context.Context, target string) error {
	address, err := dialAddress(target)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// errNoTarget is the error of a target that cannot be one.
var errNoTarget = errors.New("no target")

// answersLab checks that the lab controls of replica i answer.
func (s *Stack) answersLab(ctx context.Context, i int) error {
	asking, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	client := lab.New(s.APIs[i:i+1], s.Labs[i:i+1])
	defer client.Close()
	_, err := client.Info(asking)
	return err
}

// dialAddress is the host:port of an http or https URL.
func dialAddress(target string) (string, error) {
	if target == "" {
		return "", fmt.Errorf("%w: a remote stack needs one: --target http://host:port", errNoTarget)
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("%w: %q is not a URL like http://host:port", errNoTarget, redact.URL(target))
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
