package run_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// portal is an app whose figures are known beforehand: a live page costs 62 queries, a cached one 62 when it is made and 2 Redis
// commands each time. A cached page is never made anew but after a flush, and keeps the version that it was made with.
type portal struct {
	mu       sync.Mutex // guards all below
	requests []request  // of the API, in the order in which they came
	controls []string   // of the lab, likewise, without those that only read
	counters map[string]api.ModeCounters
	cached   map[string]int64 // versions by mode
	version  int64
	config   api.Config
	limits   []int64 // of Redis' memory, as they were set
	usages   int     // how often the usage has been asked for
	more     int     // queries of a page that is made, beyond 62
	busy     int     // how often the counters will still have a recompute that runs

	api, lab *httptest.Server
	// on, if it is set, sees every request of both ports first; it reports whether it has answered.
	on func(w http.ResponseWriter, r *http.Request) bool
}

type request struct {
	path string
	at   time.Time
}

// newPortal serves a portal until the test ends.
func newPortal(t *testing.T) *portal {
	p := &portal{counters: map[string]api.ModeCounters{}, cached: map[string]int64{}, version: 1}
	p.api, p.lab = httptest.NewServer(http.HandlerFunc(p.page)), httptest.NewServer(http.HandlerFunc(p.control))
	t.Cleanup(p.api.Close)
	t.Cleanup(p.lab.Close)
	return p
}

// page serves the API.
func (p *portal) page(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == api.PathReadyz || r.URL.Path == api.PathHealthz {
		if p.on == nil || !p.on(w, r) {
			answer(w, nil)
		}
		return
	}
	p.requests = append(p.requests, request{r.Method + " " + r.URL.RequestURI(), now})
	if p.on != nil && p.on(w, r) {
		return
	}
	timing, version := api.Timing{SQL: 62 + p.more, SQLTime: 5 * time.Millisecond, Total: 6 * time.Millisecond}, p.version
	cache := api.CacheStatus{}
	mode := api.ModeOf(r.Method, r.URL.RequestURI())
	cost := api.Counts{api.CountRequests: 1}
	switch {
	case r.Method == http.MethodPatch:
		p.version++
		version, timing.SQL = p.version, 3
	case strings.HasPrefix(r.URL.Path, api.PathCached):
		var hit bool
		timing.Redis = 2
		if version, hit = p.cached[mode]; hit {
			timing.SQL, cache = 0, api.CacheStatus{Result: api.CacheHit, TTL: 41 * time.Second}
		} else {
			version, cache = p.version, api.CacheStatus{Result: api.CacheMiss, Stored: true}
			p.cached[mode] = version
			cost[api.CountCold], cost[api.CountRecomputes] = 1, 1
		}
	}
	cost[api.CountSQL], cost[api.CountRedis] = int64(timing.SQL), int64(timing.Redis)
	p.counters[mode] = api.ModeCounters{Counts: p.counters[mode].Counts.Add(cost)}
	if cache.Result != api.CacheNone {
		w.Header().Set(api.HeaderCacheStatus, string(cache.Append(nil)))
	}
	w.Header().Set(api.HeaderServerTiming, string(timing.Append(nil)))
	w.Header().Set(api.HeaderVersion, api.FormatVersion(version))
	if r.Method == http.MethodPatch {
		answer(w, api.Property{ID: 7, Version: version})
		return
	}
	answer(w, api.Page{Count: 1_000_000, Results: []api.Property{{ID: 7, Price: "450000.00", Version: version}}})
}

// control serves the lab controls.
func (p *portal) control(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method != http.MethodGet {
		p.controls = append(p.controls, r.Method+" "+r.URL.Path)
	}
	if p.on != nil && p.on(w, r) {
		return
	}
	switch r.URL.Path {
	case api.PathLabBuildInfo:
		answer(w, api.Info{Commit: "abc1234", Go: "go9", Database: "paper 1.0", Cache: "memory 2.0", Properties: 500, Config: api.Config{"ttl": "1m0s", "index": "false", "db_conns": "8"}})
	case api.PathLabStrategy:
		one := api.Law{Relation: "<=", Recomputes: "replicas", Text: "at most 1"}
		answer(w, []api.Strategy{{Name: "ttl", Cold: one, Expiry: one, Stale: "T + D"}})
	case api.PathLabConfig:
		if r.Method == http.MethodGet {
			answer(w, p.config)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&p.config); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, p.config)
	case api.PathLabMemory:
		var limit api.RedisMemory
		if err := json.NewDecoder(r.Body).Decode(&limit); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.limits = append(p.limits, limit.MaxMemory)
		answer(w, limit)
	case api.PathLabFlush:
		clear(p.cached)
		answer(w, nil)
	case api.PathLabExpire:
		answer(w, nil)
	case api.PathLabKeys:
		answer(w, []api.Key{{}})
	case api.PathLabCounters:
		c := api.Counters{Modes: p.counters}
		if p.busy > 0 {
			p.busy--
			c.Running = 1
		}
		answer(w, c)
	case api.PathLabUsage:
		answer(w, p.usage(r.URL.Query().Get("strategy")))
	default:
		http.NotFound(w, r)
	}
}

// usage is what the portal has used: 1 ms a request, and Redis 100 µs and 1 kB a command. Every question costs the app a second, and Redis
// evicts a page for each.
func (p *portal) usage(strategy string) api.Usage {
	p.usages++
	u := api.Usage{CPU: time.Duration(p.usages) * time.Second, RedisCPU: time.Hour, Evicted: int64(p.usages), MaxMemory: 1 << 20}
	for mode, c := range p.counters {
		u.CPU += time.Duration(c.Counts[api.CountRequests]) * time.Millisecond
		u.RedisCPU += time.Duration(c.Counts[api.CountRedis]) * 100 * time.Microsecond
		u.RedisBytesOut += 1000 * c.Counts[api.CountRedis]
		if mode == strategy {
			u.Pages, u.PageBytes = 3, 50_000
		}
	}
	return u
}

func answer(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// seen are the requests to the API so far.
func (p *portal) seen() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]request(nil), p.requests...)
}

// parse reads a scenario.
func parse(t *testing.T, yaml string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte(yaml), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start is a run of a scenario against the portal and its lab controls.
func (p *portal) start(t *testing.T, yaml string) run.Config {
	t.Helper()
	cfg := remote(t, p.api.URL, yaml)
	cfg.Stack.Labs = []string{p.lab.URL}
	return cfg
}

// remote is a run of a scenario against a target without lab controls. The target is in this process too, so that the generator may
// well be the bottleneck.
func remote(t *testing.T, target, yaml string) run.Config {
	t.Helper()
	return run.Config{
		Scenario: parse(t, yaml), Seed: 7, Progress: &watcher{}, AllowLimited: true,
		Stack: stack.Config{Kind: stack.Remote, Targets: []string{target}},
	}
}

// drive runs a scenario that comes to a report, in which every ledger balances.
func drive(t *testing.T, cfg run.Config) *result.Run {
	t.Helper()
	return driveUntil(t.Context(), t, cfg)
}

func driveUntil(ctx context.Context, t *testing.T, cfg run.Config) *result.Run {
	t.Helper()
	r, err := run.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Cells {
		if !c.Ledger.Balanced() {
			t.Errorf("%s in %s, round %d: the ledger %+v does not balance", c.Mode, c.Phase, c.Round, c.Ledger)
		}
	}
	return r
}

// cell finds the cell of a round.
func cell(t *testing.T, r *result.Run, round int, mode, phase string) result.Cell {
	t.Helper()
	for _, c := range r.Cells {
		if c.Round == round && c.Mode == mode && c.Phase == phase {
			return c
		}
	}
	t.Fatalf("no cell of %s in %s, round %d", mode, phase, round)
	return result.Cell{}
}

// watcher is a progress that looks at the figures all the time, as a terminal's bar does now and then.
type watcher struct {
	mu     sync.Mutex // guards phases and last
	phases []progress.Heading
	last   []progress.Figures
}

func (w *watcher) Begin(p progress.Heading, live func() progress.Figures) (end func(progress.Figures)) {
	w.mu.Lock()
	w.phases = append(w.phases, p)
	w.mu.Unlock()
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			live()
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func(l progress.Figures) {
		close(stop)
		asking.Wait()
		w.mu.Lock()
		w.last = append(w.last, l)
		w.mu.Unlock()
	}
}
