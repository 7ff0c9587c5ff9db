package run_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
)

// collector is an OTLP/HTTP endpoint that counts the generator's spans of requests.
type collector struct {
	*httptest.Server

	mu       sync.Mutex // guards requests
	requests map[[16]byte]int
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
