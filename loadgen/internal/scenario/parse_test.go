package scenario_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"loadlab/app/api"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/scenario"
)

// everything has every key that a scenario can have, but not every shape of load.
const everything = `# a comment
name: everything
why: it says all there is to say
app: {properties: 5000, ttl: 2s, grace: 0s, lock_ttl: 1m, beta: 1.5, redis_budget: 250ms, index: true, db_conns: 8}
objective: {p99: 50ms}
rounds: 2
seed: 18446744073709551615
timeout: 5s
connections: 100
max_in_flight: 50
modes:
  ttl: GET /api/properties/cached/ttl/?page=2&page_size=20
  price:
    request: PATCH /api/properties/1/
    headers: {X-Lab: "yes"}
    body: '{"price": "450000.00"}'
    expect: [200, 304]
    check:
      min_bytes: 1000
      json: {count: 9007199254740993, results.0.id: 7.5, results.0.title: "7", next: null, ok: true}
phases:
  - {name: prime, requests: 1, warmup: true, before: [flush, expire, price_change, {wait: 500ms}, {price_change: {}}]}
  - name: warm
    rate: 200/s
    for: 6s
    trace: all
  - name: mixed
    users: 50
    think: 1s..2s
    for: 10s
    mix: {price: 5, ttl: 1}
    during: {price_change: 500ms, expire: 2s, flush: 3s}
    timeout: 1s
    trace: 10/s
gates:
  - errors() == 0
  - p99("ttl", "warm") <= 10*ms
`

func TestParse(t *testing.T) {
	sum := sha256.Sum256([]byte(everything))
	want := &scenario.Scenario{
		File: "scenarios/everything.yaml", SHA256: hex.EncodeToString(sum[:]),
		Name: "everything", Why: "it says all there is to say",
		App: api.Config{
			"properties": "5000", "ttl": "2s", "grace": "0s", "lock_ttl": "1m0s", "beta": "1.5", "redis_budget": "250ms", "index": "true", "db_conns": "8",
		},
		Rounds: 2, Seed: 1<<64 - 1, Seeded: true, MaxInFlight: 50, Objective: &scenario.Objective{Figure: "p99", AtMost: 50 * time.Millisecond},
		Modes: []scenario.Mode{
			{Name: "ttl", Method: "GET", Path: "/api/properties/cached/ttl/?page=2&page_size=20", Expect: []int{200}, Line: 12},
			{
				Name: "price", Method: "PATCH", Path: "/api/properties/1/", Line: 13,
				Header: []scenario.Header{{Name: "X-Lab", Value: "yes"}, {Name: "Content-Type", Value: "application/json"}},
				Body:   `{"price": "450000.00"}`,
				Expect: []int{200, 304},
				Check: scenario.Check{MinBytes: 1000, JSON: []scenario.Field{
					{"count", json.Number("9007199254740993")}, {"results.0.id", 7.5}, {"results.0.title", "7"}, {"next", nil}, {"ok", true},
				}},
			},
		},
		Phases: []scenario.Phase{
			{
				Name: "prime", Kind: scenario.Closed, Warmup: true, Line: 22, Users: 1, Requests: 1, Connections: 1, Timeout: 5 * time.Second,
				Before: []scenario.Action{
					{Do: "flush"}, {Do: "expire"}, {Do: "price_change"}, {Do: "wait", For: 500 * time.Millisecond},
					{Do: "price_change"},
				},
			},
			{
				Name: "warm", Kind: scenario.Open, Line: 23, Arrivals: scenario.Poisson, Connections: 100, Timeout: 5 * time.Second,
				Steps: []scenario.Step{{200, 200, 6 * time.Second}}, Trace: scenario.Trace{Said: true, All: true},
			},
			{
				Name: "mixed", Kind: scenario.Closed, Line: 27, Users: 50, For: 10 * time.Second, Connections: 50, Timeout: time.Second,
				Think: scenario.Think{Min: time.Second, Max: 2 * time.Second},
				Mix:   []scenario.Share{{"price", 5}, {"ttl", 1}},
				During: []scenario.Every{
					{"price_change", 500 * time.Millisecond}, {"expire", 2 * time.Second}, {"flush", 3 * time.Second},
				},
				Trace: scenario.Trace{Said: true, PerSecond: 10},
			},
		},
		Gates: []*gate.Gate{{Expr: "errors() == 0", Line: 36}, {Expr: `p99("ttl", "warm") <= 10*ms`, Line: 37}},
	}
	got, err := scenario.Parse("scenarios/everything.yaml", []byte(everything), nil)
	if err != nil {
		t.Fatal(err)
	}
	want.World.Replication = scenario.Replication{Replicas: 1, Balancing: balance.RoundRobin}
	for i := range want.Phases {
		want.Phases[i].World = want.World
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(gate.Gate{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	marked, err := scenario.Parse("scenarios/everything.yaml", []byte("\ufeff"+everything), nil)
	if err != nil {
		t.Fatalf("with a byte order mark: %v", err)
	}
	if diff := cmp.Diff(want, marked, cmpopts.IgnoreUnexported(gate.Gate{}), cmpopts.IgnoreFields(scenario.Scenario{}, "SHA256")); diff != "" {
		t.Errorf("with a byte order mark: -want +got\n%s", diff)
	}
	flags := []string{"--properties=5000", "--ttl=2s", "--grace=0s", "--lock-ttl=1m0s", "--beta=1.5", "--redis-budget=250ms", "--index=true",
		"--db-conns=8"}
	if diff := cmp.Diff(flags, got.App.Flags()); diff != "" {
		t.Errorf("the app's flags: -want +got\n%s", diff)
	}
	// Two modes twice through prime (0.55 s) and warm (6 s), and twice 10 s of the mixed phase.
	if got, want := got.Estimate(), 2*(2*(550*time.Millisecond+6*time.Second)+10*time.Second); got != want {
		t.Errorf("estimate %s, want %s", got, want)
	}
	if got.Mode("price") != &got.Modes[1] || got.Mode("prize") != nil {
		t.Error("Mode does not find what is there, or finds what is not")
	}
}

// minimal has a place for the keys of a phase.
const minimal = "why: x\nmodes: {a: GET /a, b: GET /b}\nphases: [{name: p, %}]\n"

func phase(t *testing.T, keys string) scenario.Phase {
	t.Helper()
	s, err := scenario.Parse("x.yaml", []byte(strings.Replace(minimal, "%", keys, 1)), nil)
	if err != nil {
		t.Fatalf("%s: %v", keys, err)
	}
	if s.Name != "x" || s.Rounds != scenario.DefaultRounds || s.Seeded {
		t.Errorf("defaults are name %q, %d rounds, seeded %t", s.Name, s.Rounds, s.Seeded)
	}
	return s.Phases[0]
}

func TestShapes(t *testing.T) {
	const s = time.Second
	tests := []struct {
		keys     string
		kind     scenario.Kind
		describe string
		length   time.Duration
		estimate time.Duration
		rate     float64
		conns    int
	}{
		{"rate: 200/s, for: 6s", scenario.Open, "200/s poisson for 6s", 6 * s, 6 * s, 200, 256},
		{"rate: 0.5/s, arrivals: constant, for: 1m", scenario.Open, "30/m constant for 1m", 60 * s, 60 * s, 0.5, 256},
		{"rate: 90/m, for: 90s", scenario.Open, "1.5/s poisson for 1m30s", 90 * s, 90 * s, 1.5, 256},
		{"rate: 50/s..500/s, for: 6s, connections: 8", scenario.Open, "50/s to 500/s poisson for 6s", 6 * s, 6 * s, 275, 8},
		{"rate: 0/s..500/s, for: 2h", scenario.Open, "0/s to 500/s poisson for 2h", 7200 * s, 7200 * s, 250, 256},
		{"steps: [{rate: 100/s, for: 2s}, {rate: 400/s..100/s, for: 1s}], arrivals: constant", scenario.Open,
			"100/s constant for 2s, 400/s to 100/s constant for 1s", 3 * s, 3 * s, 150, 256},
		{"users: 50, think: 1s..2s, for: 10s", scenario.Closed, "50 users, think 1s to 2s, for 10s", 10 * s, 10 * s, 0, 50},
		{"users: 50, think: 1s, for: 10s", scenario.Closed, "50 users, think 1s, for 10s", 10 * s, 10 * s, 0, 50},
		{"users: 50, for: 8s", scenario.Closed, "50 users, for 8s", 8 * s, 8 * s, 0, 50},
		{"users: 50, requests: 500", scenario.Closed, "50 users, 500 requests", 0, s / 2, 0, 50},
		{"users: 50, requests: 500, think: 0s..2s", scenario.Closed, "50 users, 500 requests, think 0s to 2s", 0, 9*s + s/2, 0, 50},
		{"users: 50, requests: 50, think: 1s", scenario.Closed, "50 users, 50 requests, think 1s", 0, s / 20, 0, 50},
		{"users: 2, requests: 1000, for: 3s", scenario.Closed, "2 users, 1000 requests, for 3s", 3 * s, 3 * s, 0, 2},
		{"users: 1, for: 3s", scenario.Closed, "1 user, for 3s", 3 * s, 3 * s, 0, 1},
		{"requests: 20", scenario.Closed, "20 requests", 0, s, 0, 1},
		{"requests: 1, before: [flush, {wait: 2s}]", scenario.Closed, "1 request", 0, 2*s + s/20, 0, 1},
		{"users: 50, requests: 50", scenario.Burst, "burst of 50", 0, s / 20, 0, 50},
		{"burst: 500", scenario.Burst, "burst of 500", 0, s / 20, 0, 500},
		{"burst: 60, mix: {b: 5, a: 1}", scenario.Burst, "burst of 60, b:a 5:1", 0, s / 20, 0, 60},
	}
	for _, tt := range tests {
		if strings.Contains(tt.keys, "mix") {
			tt.keys += "}, {name: q, requests: 1" // so that every mode has a phase
		}
		p := phase(t, tt.keys)
		if p.Kind != tt.kind || p.Describe() != tt.describe || p.Length() != tt.length || p.Estimate() != tt.estimate || p.Rate() != tt.rate ||
			p.Connections != tt.conns {
			t.Errorf("%s\n got %s, %q, length %s, estimate %s, rate %v, %d connections\nwant %s, %q, length %s, estimate %s, rate %v, %d connections",
				tt.keys, p.Kind, p.Describe(), p.Length(), p.Estimate(), p.Rate(), p.Connections,
				tt.kind, tt.describe, tt.length, tt.estimate, tt.rate, tt.conns)
		}
	}
}

// Whatever a file holds, it is refused with positions in it, or what comes of it can be run.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	for _, tt := range errorTests {
		f.Add([]byte(tt.file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenario.Parse("f.yaml", data, nil)
		if err != nil {
			var es scenario.Errors
			if !errors.As(err, &es) || len(es) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
			for _, e := range es {
				if e.File != "f.yaml" || e.Line < 1 || e.Line > lines || e.Col < 1 || e.Msg == "" {
					t.Errorf("%+v in a file of %d lines", e, lines)
				}
			}
			return
		}
		runnable(t, s)
	})
}

// runnable checks what a run takes for granted of a scenario.
func runnable(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	if s.Name == "" || len(s.Modes) == 0 || len(s.Phases) == 0 || s.Rounds < 1 || s.Estimate() < 0 {
		t.Errorf("%+v", s)
	}
	for _, p := range s.Phases {
		open := p.Kind == scenario.Open
		if p.Name == "" || p.Describe() == "" || p.Timeout <= 0 || p.Timeout > hist.Highest || p.Connections < 1 ||
			open != (len(p.Steps) > 0) || open == (p.Users > 0) || open != (p.Rate() > 0) || !open && p.For == 0 && p.Requests == 0 {
			t.Errorf("phase %+v", p)
		}
	}
}
