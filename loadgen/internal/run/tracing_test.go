package run_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
)

// collector is an OTLP/HTTP endpoint that counts the generator's spans of requests.
type collector struct {
	*httptest.Server

	mu       sync.Mutex // guards what follows
	requests map[[16]byte]int
	roots    []root
}

// root is the generator's span of a request.
type root struct {
	name string
	due  int64 // Unix time in nanoseconds
}

func newCollector(t *testing.T) *collector {
	c := &collector{requests: map[[16]byte]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		_, err = otlp.NewDecoder().Decode(body, func(s *otlp.Span) {
			if s.Service == trace.Service && s.Parent == [8]byte{} {
				c.requests[s.TraceID]++
				c.roots = append(c.roots, root{s.Name, s.Start})
			}
		})
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// Every sampled request is exported once, whether or not its trace can be kept: the app's own spans arrive at the run only if the app is its
// own.
func TestEverythingSampledIsExported(t *testing.T) {
	const requests = 6
	scenario := "why: x\nmodes: {a: GET /api/properties/live/naive/}\nrounds: 1\n" +
		"phases: [{name: prime, requests: 1, warmup: true}, {name: p, requests: 6, trace: all}, {name: q, requests: 1, trace: none}]\n"
	for name, cfg := range map[string]run.Config{"own": own(t, scenario), "remote": newPortal(t).start(t, scenario)} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			cfg.OTLP = c.URL
			r := drive(t, cfg)
			c.mu.Lock()
			defer c.mu.Unlock()
			for id, n := range c.requests {
				if n != 1 {
					t.Errorf("%x was exported %d times", id, n)
				}
			}
			if len(c.requests) != requests || len(r.Warnings) > 0 {
				t.Errorf("%d requests were exported, want %d; warnings %q", len(c.requests), requests, r.Warnings)
			}
			if kept := len(r.Traces) > 0; kept != (name == "own") {
				t.Errorf("%d traces were kept", len(r.Traces))
			}
		})
	}
}

// An endpoint that takes no spans is no reason to stop, and the report has how many were lost, and why.
func TestSpansThatAreNotTaken(t *testing.T) {
	t.Parallel()
	full := httptest.NewServer(http.NotFoundHandler())
	defer full.Close()
	cfg := newPortal(t).start(t, "why: x\nmodes: {a: GET /api/properties/live/naive/}\nrounds: 1\nphases: [{name: p, requests: 3, trace: all}]\n")
	cfg.OTLP = full.URL
	r := drive(t, cfg)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "spans were not passed on: ") || !strings.Contains(r.Warnings[0], "404") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

// What has been started before an observer that cannot start is ended again: the leak would be found when all tests have run.
func TestAnObserverThatCannotStart(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	defer taken.Close()
	p := newPortal(t)
	cfg := p.start(t, "why: x\nmodes: {a: GET /a}\nrounds: 1\nphases: [{name: p, requests: 1}]\n")
	cfg.OTLP, cfg.MetricsAddr = newCollector(t).URL, taken.Addr().String()
	if r, err := run.Run(t.Context(), cfg); r != nil || !errors.As(err, new(run.UsageError)) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, %v, want a usage error of one line", r, err)
	}
	if seen := p.seen(); len(seen) > 0 {
		t.Errorf("the target saw %v", seen)
	}
}
