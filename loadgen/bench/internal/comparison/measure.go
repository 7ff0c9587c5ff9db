package comparison

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	// settling is the beginning of an open loop that does not count: connections are made in it.
	settling = 500 * time.Millisecond
	// patience is how much longer than it should a generator may take.
	patience = 20 * time.Second
)

// Names of the generator itself.
const (
	loadgen = "loadgen"
	exposed = "  with metrics for Prometheus"
	bare    = "  with nothing recorded"
)

// meter measures.
type meter struct {
	c          Config
	site       *site
	generators []generator
	core       int // of the generators; -1 for any
	log        io.Writer
	spent      time.Duration // CPU time of all generators so far
	results    *Results
}

// Measure measures everything, and writes its progress to log. An error means that the generator itself failed; what becomes of others is
// in the results.
func Measure(ctx context.Context, c Config, log io.Writer) (*Results, error) {
	m := &meter{c: c, core: -1, log: log, results: newResults(c)}
	m.generators = append([]generator{m.self(loadgen, loopClosed), m.self(bare, loopBare), m.self(exposed, loopExposed)}, present()...)
	if c.Pin {
		m.pin()
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the server's
	var err error
	if m.site, err = newSite(ctx); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	others := watchBystanders()
	err = m.all(ctx)
	m.results.Others, m.results.OthersKnown = others.cores(m.spent)
	if stopped := m.site.stop(); err == nil && stopped != nil {
		err = fmt.Errorf("the server: %w", stopped)
	}
	return m.results, err
}

// pin takes a core for the server and leaves another to the generators, if there are two.
func (m *meter) pin() {
	all := cores()
	if len(all) < 2 || pin(all[1]) != nil {
		return
	}
	m.core = all[0]
	m.results.Pinned = true
}

// self is the generator that is measured.
func (m *meter) self(name, loop string) generator {
	arg := func(j job) []string {
		data, err := json.Marshal(j)
		if err != nil {
			panic(err) // strings and numbers always encode
		}
		return []string{driveCommand, string(data)}
	}
	g := generator{name: name, path: m.c.Program, closed: func(url string, c int, d time.Duration) []string {
		return arg(m.job(url, job{Loop: loop, Connections: c, For: d}))
	}}
	if loop == loopClosed {
		g.open = func(url string, rate float64, c int, d time.Duration) []string {
			return arg(m.job(url, job{Loop: loopConstant, Rate: rate, Connections: c, For: d}))
		}
	}
	return g
}

// job completes a job with where it goes.
func (m *meter) job(url string, j job) job {
	base, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	j.URL, j.Path, j.Seed = "http://"+base, "/"+path, 1
	return j
}

// all is every measurement in turn.
func (m *meter) all(ctx context.Context) error {
	for round := range m.c.Rounds {
		fmt.Fprintf(m.log, "bench: round %d of %d\n", round+1, m.c.Rounds)
		for _, g := range turns(m.generators, round) {
			if err := m.round(ctx, round, g); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(m.log, "bench: Poisson arrivals")
	return m.poisson(ctx)
}

// turns is the order of a round: each begins with another generator.
func turns(all []generator, round int) []generator {
	first := round % len(all)
	return append(append([]generator(nil), all[first:]...), all[:first]...)
}

// round measures one generator once in every way.
func (m *meter) round(ctx context.Context, round int, g generator) error {
	row := m.results.row(g.name)
	small, err := m.cost(ctx, g, m.c.Small)
	if err != nil {
		return err
	}
	row.small[round] = small
	if g.name == bare || g.name == exposed {
		return nil
	}
	if row.large[round], err = m.cost(ctx, g, m.c.Large); err != nil || g.open == nil {
		return err
	}
	url := m.url(m.c.Small)
	seen, err := m.watch(ctx, g, g.open(url, m.c.Rate, m.c.Connections, m.c.Open), url, m.c.Open, true)
	if err != nil {
		return err
	}
	row.variation[round] = Variation(Gaps(seen.arrivals, settling))
	if g.name == loadgen {
		m.results.lag50[round], m.results.lag99[round], err = seen.lag()
	}
	return err
}

// cost is the CPU time of a request of a closed loop, in microseconds.
func (m *meter) cost(ctx context.Context, g generator, size int) (float64, error) {
	url := m.url(size)
	seen, err := m.watch(ctx, g, g.closed(url, m.c.Connections, m.c.Closed), url, m.c.Closed, false)
	if err != nil || seen.requests == 0 {
		return math.NaN(), err
	}
	return float64(seen.cpu.Microseconds()) / float64(seen.requests), nil
}

// poisson measures Poisson arrivals, of which the peers have none that can be repeated.
func (m *meter) poisson(ctx context.Context) error {
	g := m.generators[0]
	url := m.url(m.c.Small)
	data, err := json.Marshal(m.job(url, job{Loop: loopPoisson, Rate: m.c.PoissonRate, Connections: m.c.Connections, For: m.c.Poisson}))
	if err != nil {
		return err
	}
	seen, err := m.watch(ctx, g, []string{driveCommand, string(data)}, url, m.c.Poisson, true)
	if err != nil {
		return err
	}
	gaps := Gaps(seen.arrivals, settling)
	m.results.Arrivals, m.results.KS = len(gaps), KS(gaps, m.c.PoissonRate)
	return nil
}

func (m *meter) url(size int) string { return fmt.Sprintf("%s/%d", m.site.url, size) }

// seen is what could be observed of a generator from outside, and its output.
type seen struct {
	cpu      time.Duration
	requests int64
	arrivals []time.Time
	output   []byte
}

// lag returns the lag that the generator itself reports, in microseconds: only it knows when a request was due.
func (s seen) lag() (p50, p99 float64, err error) {
	var t driven
	if err := json.Unmarshal(s.output, &t); err != nil {
		return 0, 0, fmt.Errorf("output of %s: %w", loadgen, err)
	}
	return float64(t.Lag.P50.Nanoseconds()) / 1e3, float64(t.Lag.P99.Nanoseconds()) / 1e3, nil
}

// watch runs a generator. If one of the peers fails, the results contain that and seen is empty.
func (m *meter) watch(ctx context.Context, g generator, args []string, url string, d time.Duration, keep bool) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, d+patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if g.stdin != nil {
		cmd.Stdin = strings.NewReader(g.stdin(url))
	}
	m.site.watch(keep)
	start := cmd.Start
	if m.core >= 0 {
		start = func() error { return startOn(m.core, cmd) }
	}
	err := start()
	if err == nil {
		err = cmd.Wait()
	}
	if cmd.ProcessState != nil {
		m.spent += used(cmd)
	}
	var s seen
	s.requests, s.arrivals = m.site.watched()
	switch {
	case err == nil && s.requests > 0:
		s.cpu, s.output = used(cmd), stdout.Bytes()
		return s, nil
	case err == nil:
		err = errors.New("it made no request")
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
	if line != "" {
		line = ": " + line
	}
	err = fmt.Errorf("%s: %w%s", strings.TrimSpace(g.name), err, line)
	if g.path == m.c.Program {
		return seen{}, err
	}
	m.results.failed(err)
	return seen{}, nil
}
