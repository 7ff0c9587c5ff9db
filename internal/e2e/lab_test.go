package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
)

// The scenario. One user at a time in the phase whose figures are compared: what waits in a queue is seen by the generator alone. The last
// phase is there for its wait: a scrape comes between what is compared and the end of the programs. The seed is one with which the modes
// that share phases come last.
const (
	first, steady, herd, rest = "first", "steady", "herd", "rest"

	naive, optimized, ttl, singleflight = "naive", "optimized", "ttl", "singleflight"

	scenarioName = "e2e"
	scenarioText = `
why: what the telemetry says of a short run is held against its report
app: {properties: 500, ttl: 500ms}
rounds: 1
seed: 11
modes:
  naive:        GET /api/properties/live/naive/
  optimized:    GET /api/properties/live/optimized/
  ttl:          GET /api/properties/cached/ttl/
  singleflight: GET /api/properties/cached/singleflight/
phases:
  - {name: first,  requests: 8, before: [flush], trace: all}
  - {name: steady, users: 1, for: 2s, trace: 20/s}
  - {name: herd,   burst: 40, before: [flush], trace: all, mix: {ttl: 1, singleflight: 1}}
  - {name: rest,   requests: 1, warmup: true, before: [{wait: 3s}], mix: {naive: 1}}
`
)

func modes() []string { return []string{naive, optimized, ttl, singleflight} }

// lab is a run that is over, with all that was seen of it.
type lab struct {
	run   *run
	spans *sink
	// Prometheus as it keeps native histograms, and as it keeps classic ones. One that keeps both is both.
	native, classic *promtest.Server

	begin time.Time // of the run
	// settled is a time before the last phase of the run: all that came before had been scraped by then, and both programs still ran.
	settled time.Time
}

// newLab runs the scenario. The error is a localserver.ErrMissing if there is no Prometheus.
func newLab(ctx context.Context, t *testing.T) (*lab, error) {
	t.Helper()
	l := &lab{spans: newSink(t)}
	// Both programs choose their ports when they start, and Prometheus takes five seconds to begin: it is started first.
	app, generator := newRelay(t), newRelay(t)
	begun := make(chan error, 1)
	go func() { begun <- l.startPrometheus(ctx, t, app.addr(), generator.addr()) }()
	programs, buildErr := built()
	err := <-begun
	if buildErr != nil {
		return nil, buildErr
	}
	if err != nil {
		return nil, err
	}
	l.begin = time.Now()
	if l.run, err = drive(ctx, t, programs, scenarioText, l.spans.url, app, generator); err != nil {
		return nil, err
	}
	last := l.run.Cells[len(l.run.Cells)-1]
	if last.Phase != rest {
		return nil, fmt.Errorf("phase %s of %s came last, not %s: choose another seed", last.Phase, last.Mode, rest)
	}
	l.settled = l.run.Started.Add(last.Start - 100*time.Millisecond)
	return l, nil
}

// startPrometheus starts as many servers as it takes to have both forms of histograms, and returns when they have begun to scrape.
func (l *lab) startPrometheus(ctx context.Context, t *testing.T, app, generator string) error {
	options := promtest.Options{
		Config: "../../otel/prometheus/prometheus.yml", Native: true,
		Targets: map[string][]string{"app": {app}, "loadgen": {generator}, "prometheus": nil},
	}
	start := func(o promtest.Options) (*promtest.Server, error) {
		p, err := promtest.Start(ctx, o)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() {
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
		return p, nil
	}
	var err error
	if l.native, err = start(options); err != nil {
		return err
	}
	l.classic = l.native
	if !l.native.Version.KeepsBoth() {
		options.Native = false
		if l.classic, err = start(options); err != nil {
			return err
		}
	}
	for _, p := range l.servers() {
		if _, err := p.Await(ctx, fmt.Sprintf("count(up) == %d", len(options.Targets))); err != nil {
			return err
		}
	}
	return nil
}

// servers are the different ones.
func (l *lab) servers() []*promtest.Server {
	return slices.Compact([]*promtest.Server{l.native, l.classic})
}

// environment is this process' own, without what would configure the programs.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OTEL_") || strings.HasPrefix(v, api.EnvPrefix) })
}

// drive runs a scenario and returns its run.json. It sets where the relays find the programs.
func drive(ctx context.Context, t *testing.T, programs, text, otlp string, app, generator *relay) (*run, error) {
	t.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := folder.Remove(); err != nil {
			t.Error(err)
		}
	})
	scenario, out := filepath.Join(folder.Path(), scenarioName+".yaml"), filepath.Join(folder.Path(), "runs")
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "loadgen"), "run", scenario, "--out", out, "--stack", "embedded",
		"--metrics-addr", "127.0.0.1:0", "--otlp", otlp, "--allow-limited")
	cmd.Env = environment()
	process, err := folder.Start("loadgen", cmd)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := process.Stop(20*time.Second, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}()
	err = process.Await(ctx, 10*time.Millisecond, func(context.Context) error {
		output := process.Tail(100)
		return errors.Join(generator.to(output, `the generator's metrics are at (http://\S+)/metrics`),
			app.to(output, `its lab controls at (http://[^\s,]+)`))
	})
	if err == nil {
		err = process.Wait(ctx)
	}
	if err != nil {
		return nil, err
	}
	t.Logf("loadgen:\n%s", process.Tail(200))
	return readRun(out)
}

// relay hands scrapes on to a program, once it is known where that listens.
type relay struct {
	server *httptest.Server
	target atomic.Pointer[url.URL]
	once   sync.Once
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(r.target.Load()) }, Transport: transport,
		ErrorLog: log.New(io.Discard, "", 0), // a program that has ended is no news
	}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.target.Load() == nil {
			http.Error(w, "not there yet", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(func() {
		r.server.Close()
		transport.CloseIdleConnections()
	})
	return r
}

// addr is where Prometheus scrapes.
func (r *relay) addr() string { return strings.TrimPrefix(r.server.URL, "http://") }

// to finds the URL of the program in the output; its place in the pattern is the first group.
func (r *relay) to(output, pattern string) error {
	found := regexp.MustCompile(pattern).FindStringSubmatch(output)
	if found == nil {
		return fmt.Errorf("nothing logged that matches %s", pattern)
	}
	u, err := url.Parse(found[1])
	if err != nil {
		return err
	}
	r.once.Do(func() { r.target.Store(u) })
	return nil
}
