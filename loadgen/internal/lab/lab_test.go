package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves answers by "METHOD path" and returns a client of them.
func serve(t *testing.T, routes map[string]http.HandlerFunc) *lab.Client {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := lab.New([]string{server.URL + "/"}, []string{server.URL})
	t.Cleanup(client.Close)
	return client
}

func answer(status int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // the client may be gone
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	info := api.Info{Commit: "abc", Database: "PostgreSQL 15.18", Strategies: []string{"ttl"}, Config: api.Config{"ttl": "2s"}}
	counters := api.Counters{Modes: map[string]api.ModeCounters{
		"naive": {Counts: api.Counts{api.CountRequests: 2, api.CountSQL: 124}, Cache: map[string]int64{"hit": 1}},
	}}
	strategies := []api.Strategy{{Name: "ttl", Cold: api.Law{Relation: "~", Recomputes: "arrivals"}}}
	began := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	outages := api.Outages{Dropped: 1, Outages: []api.Outage{
		{Dependency: api.DependencyDatabase, Began: began, Ended: began.Add(time.Second), Failed: 3, Probes: 2, Attempts: 5},
		{Dependency: api.DependencyRedis, Began: began, Failed: 3, Skipped: 1000, Attempts: 3}, // it lasts
	}}
	page := api.Page{Count: 5000, Results: []api.Property{{ID: 7, Price: "1.00"}}}
	var flushed, expired atomic.Int32
	c := serve(t, map[string]http.HandlerFunc{
		"GET /lab/info":       answer(200, info),
		"GET /lab/counters":   answer(200, counters),
		"GET /lab/outages":    answer(200, outages),
		"GET /lab/strategies": answer(200, strategies),
		"POST /lab/cache/flush": func(w http.ResponseWriter, r *http.Request) {
			flushed.Add(1)
			answer(200, map[string]int{"flushed": 3})(w, r)
		},
		"POST /lab/cache/expire": func(w http.ResponseWriter, r *http.Request) {
			expired.Add(1)
			answer(200, map[string]int{"expired": 3})(w, r)
		},
		"PUT /lab/config": func(w http.ResponseWriter, r *http.Request) {
			var got map[string]any
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil || !cmp.Equal(got, map[string]any{"ttl": "3s"}) {
				t.Errorf("config: got %v, %v, want the changed field alone", got, err)
			}
			answer(200, api.Config{"ttl": "3s", "grace": "1m0s"})(w, r)
		},
		"GET /lab/usage": func(w http.ResponseWriter, r *http.Request) {
			answer(200, api.Usage{CPU: 3, Pages: int64(len(r.URL.Query().Get("strategy")))})(w, r)
		},
		"PUT /lab/redis/memory": func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"maxmemory":0}` {
				t.Errorf("memory: got %s, %v", body, err)
			}
			answer(200, api.RedisMemory{Policy: "noeviction"})(w, r)
		},
		"GET /api/properties/live/optimized/": answer(200, page),
	})
	ctx := t.Context()
	check(t, "Info", info)(c.Info(ctx))
	check(t, "Counters", []api.Counters{counters})(c.Counters(ctx))
	check(t, "Outages", outages)(c.Outages(ctx))
	check(t, "Strategies", strategies)(c.Strategies(ctx))
	check(t, "PutConfig", api.Config{"ttl": "3s", "grace": "1m0s"})(c.PutConfig(ctx, api.Config{"ttl": "3s"}))
	check(t, "Usage", api.Usage{CPU: 3})(c.Usage(ctx, ""))
	check(t, "Usage of a strategy", api.Usage{CPU: 3, Pages: 6})(c.Usage(ctx, "a&b=c%"))
	check(t, "LimitMemory", api.RedisMemory{Policy: "noeviction"})(c.LimitMemory(ctx, api.RedisMemory{}))
	check(t, "FirstPage", page)(c.FirstPage(ctx))
	if err := errors.Join(c.Flush(ctx), c.Expire(ctx)); err != nil || flushed.Load() != 1 || expired.Load() != 1 {
		t.Errorf("got %v, %d flushes and %d expires, want one each", err, flushed.Load(), expired.Load())
	}
}

func check[T any](t *testing.T, what string, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", what, err, diff)
		}
	}
}

// The time of the commit is after the server's answer was sent and before ChangePrice returned.
func TestChangePrice(t *testing.T) {
	t.Parallel()
	var served time.Time
	c := serve(t, map[string]http.HandlerFunc{
		"PATCH /api/properties/42/": func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"price":"450000.00"}` {
				t.Errorf("got body %q, %v", body, err)
			}
			served = time.Now()
			answer(200, api.Property{ID: 42, Price: "450000.00", Version: 9})(w, r)
		},
	})
	got, committed, err := c.ChangePrice(t.Context(), 42, "450000.00")
	if err != nil || got.ID != 42 || got.Version != 9 {
		t.Errorf("got %+v, %v", got, err)
	}
	if committed.Before(served) || committed.After(time.Now()) {
		t.Errorf("committed at %v, want it after %v and not later than now", committed, served)
	}
	var status *lab.StatusError
	if _, committed, err := c.ChangePrice(t.Context(), 43, "1.00"); !errors.As(err, &status) || !committed.IsZero() {
		t.Errorf("an unknown property: got %v, %v, want a StatusError and no time", committed, err)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	c := serve(t, map[string]http.HandlerFunc{"GET /lab/counters": func(w http.ResponseWriter, r *http.Request) {
		answer(200, api.Counters{Running: 3 - asked.Add(1)})(w, r)
	}})
	if got, err := c.Settle(t.Context()); err != nil || got[0].Running != 0 || asked.Load() != 3 {
		t.Errorf("got %+v, %v after %d questions, want 0 running after 3", got, err, asked.Load())
	}
	busy := serve(t, map[string]http.HandlerFunc{"GET /lab/counters": answer(200, api.Counters{Running: 2})})
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupt := errors.New("interrupted")
	time.AfterFunc(settleOften, func() { cancel(interrupt) })
	if _, err := busy.Settle(ctx); !errors.Is(err, interrupt) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the interrupt", err)
	}
}

// settleOften is time for a few questions.
const settleOften = 50 * time.Millisecond

func TestNoLab(t *testing.T) {
	t.Parallel()
	c := lab.New([]string{"http://127.0.0.1:1"}, nil)
	defer c.Close()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Info":       func() error { _, err := c.Info(ctx); return err },
		"Counters":   func() error { _, err := c.Counters(ctx); return err },
		"Outages":    func() error { _, err := c.Outages(ctx); return err },
		"Strategies": func() error { _, err := c.Strategies(ctx); return err },
		"PutConfig":  func() error { _, err := c.PutConfig(ctx, api.Config{}); return err },
		"Settle":     func() error { _, err := c.Settle(ctx); return err },
		"Flush":      func() error { return c.Flush(ctx) },
		"Expire":     func() error { return c.Expire(ctx) },
	} {
		if err := call(); !errors.Is(err, lab.ErrNoLab) {
			t.Errorf("%s: got %v, want ErrNoLab", name, err)
		}
	}
	if _, err := c.FirstPage(ctx); err == nil || errors.Is(err, lab.ErrNoLab) {
		t.Errorf("FirstPage: got %v, want the connection's error", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	problem := api.Problem{Status: 400, Detail: "ttl is 0", Allowed: []string{"ttl", "beta"}}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"problem": {answer(400, problem), "/lab/info: 400 Bad Request: ttl is 0 (allowed: ttl, beta)"},
		"text":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "so\n sorry", http.StatusBadGateway) }, "/lab/info: 502 Bad Gateway: so sorry"},
		"long": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("é", 300), http.StatusInternalServerError)
		}, strings.Repeat("é", 200) + "..."},
		"empty":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "/lab/info: 404 Not Found"},
		"not json": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "/lab/info: the answer is not the lab's: "},
		"wrong":    {answer(200, []int{1}), "the answer is not the lab's: "},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{}")
		}, "read the answer: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, map[string]http.HandlerFunc{"GET /lab/info": test.handler})
			if _, err := c.Info(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, test.want)
			}
		})
	}
}
