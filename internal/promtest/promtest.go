// Package promtest starts a private Prometheus from the machine's own binary, with the tree's own configuration as far as that version
// reads it, and queries it. It is for tests that check dashboards and metrics with a real server.
//
//	p, err := promtest.Start(ctx, promtest.Options{Config: "../otel/prometheus/prometheus.yml", Targets: map[string][]string{"app": {addr}}})
//	if errors.Is(err, localserver.ErrMissing) { ... } // not installed: the error names what to install
//	defer p.Stop()
//	err = p.AwaitUp(ctx)
//	result, err := p.Query(ctx, `up`, time.Now())
package promtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"loadlab/internal/localserver"
)

// Options are what is scraped, and how.
type Options struct {
	Config  string              // path of the configuration: otel/prometheus/prometheus.yml
	Targets map[string][]string // job to addresses, host:port; an empty list for the job "prometheus" is the server itself
	// Native makes a Prometheus before 3.0 keep the native form of a histogram that is exposed in both forms; it cannot keep both,
	// and keeps the classic one otherwise. Later ones keep both whatever this is.
	Native bool
}

// Server is a running Prometheus.
type Server struct {
	Version Version

	addr    string
	jobs    []string
	process *localserver.Process
	folder  *localserver.Folder
	client  http.Client
	stop    sync.Once
	stopOf  error
}

// Times that starting and stopping may take.
const (
	startLimit = 30 * time.Second
	stopGrace  = 5 * time.Second
	pollEvery  = 50 * time.Millisecond
	portTries  = 5
)

// Start starts a server and returns when it answers. The error is a localserver.ErrMissing if Prometheus is not installed; whatever was
// started is gone then.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, &localserver.MissingError{Program: "prometheus", Package: "prometheus", Debian: "prometheus"}
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	base, err := ReadConfig(o.Config)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start Prometheus: %w", err), s.Stop())
		}
	}()
	text, err := exec.CommandContext(ctx, program, "--version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ask for the version: %w", err)
	}
	if s.Version, err = ParseVersion(string(text)); err != nil {
		return nil, err
	}
	if s.folder, err = localserver.NewFolder(); err != nil {
		return nil, err
	}
	for range portTries {
		if err = s.serve(ctx, program, base, o); err == nil || !portTaken(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// serve writes the configuration, starts the process and waits until it is ready.
func (s *Server) serve(ctx context.Context, program string, base Config, o Options) error {
	var err error
	if s.addr, err = freePort(ctx); err != nil {
		return err
	}
	targets := map[string][]string{}
	s.jobs = nil
	for job, addresses := range o.Targets {
		if job == "prometheus" && len(addresses) == 0 {
			addresses = []string{s.addr}
		}
		targets[job] = addresses
		s.jobs = append(s.jobs, job)
	}
	slices.Sort(s.jobs)
	cfg, err := base.For(s.Version, targets)
	if err != nil {
		return err
	}
	data, err := cfg.YAML()
	if err != nil {
		return fmt.Errorf("encode the configuration: %w", err)
	}
	file := filepath.Join(s.folder.Path(), "prometheus.yml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	features := []string{"exemplar-storage"}
	if o.Native && !s.Version.nativeByConfig() {
		features = append(features, "native-histograms")
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "--config.file="+file, "--web.listen-address="+s.addr,
		"--storage.tsdb.path="+filepath.Join(s.folder.Path(), "data"), "--enable-feature="+strings.Join(features, ","))
	if s.process, err = s.folder.Start("prometheus", cmd); err != nil {
		return err
	}
	return s.process.Await(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		_, err := s.get(ctx, "/-/ready", nil)
		return err
	})
}

// freePort is an address on which nothing listened a moment ago.
func freePort(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), nil
}

func portTaken(err error) bool {
	var exit *localserver.ExitError
	return errors.As(err, &exit) && strings.Contains(exit.Log, "address already in use")
}

// URL is the address of the server: http://127.0.0.1:PORT.
func (s *Server) URL() string { return "http://" + s.addr }

// AwaitUp returns when every target has been scraped with success. If ctx ends before, the error names what is not up. Prometheus takes
// five seconds to begin.
func (s *Server) AwaitUp(ctx context.Context) error {
	var last error
	return s.process.Await(ctx, pollEvery, func(ctx context.Context) error {
		result, err := s.Query(ctx, "min by (job) (up)", time.Time{})
		if ctx.Err() != nil && last != nil {
			return last // what was down is more useful than that the time was over
		}
		if err != nil {
			return err
		}
		down := slices.Clone(s.jobs)
		for _, series := range result {
			if series.Points[len(series.Points)-1].Value == 1 {
				down = slices.DeleteFunc(down, func(job string) bool { return job == series.Labels["job"] })
			}
		}
		last = nil
		if len(down) > 0 {
			last = fmt.Errorf("not scraped: %s", strings.Join(down, ", "))
		}
		return last
	})
}

// Stop ends the server and removes what it wrote. Calling it again does nothing and returns the same.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.process != nil {
			s.stopOf = s.process.Stop(stopGrace, syscall.SIGTERM)
		}
		if s.folder != nil {
			s.stopOf = errors.Join(s.stopOf, s.folder.Remove())
		}
		s.client.CloseIdleConnections()
	})
	return s.stopOf
}
