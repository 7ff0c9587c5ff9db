package run_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/trace"
	"loadlab/otel/signal"
)

const manyPhases = `why: x
modes: {a: GET /a, b: GET /b}
rounds: 1
phases:
  - {name: prime,  requests: 1, warmup: true}
  - {name: steady, rate: 100/s, for: 700ms}
  - {name: ramp,   rate: 0/s..100/s, for: 1s}
  - {name: users,  users: 3, for: 1s}
  - {name: both,   rate: 100/s, for: 1s, mix: {a: 1, b: 1}}
  - {name: burst,  burst: 5}
  - {name: count,  users: 2, requests: 9}
  - {name: blink,  rate: 10/s, for: 100ms}
  - {name: prices, rate: 10/s, for: 1s, during: {price_change: 100ms}}
`

func abConfig(t *testing.T, yaml string) run.ABConfig {
	t.Helper()
	return run.ABConfig{Config: run.Config{Scenario: parse(t, yaml), Seed: 7}, Slice: run.DefaultSlice, Epoch: run.DefaultEpoch}
}

func TestTurns(t *testing.T) {
	turns, not, err := run.Turns(abConfig(t, manyPhases))
	if err != nil {
		t.Fatal(err)
	}
	var names, left []string
	for _, turn := range turns {
		names = append(names, turn.Name)
		if warm := turn.Name == "a steady" || turn.Name == "b steady"; warm != slices.Equal(turn.Warmups, []string{"prime"}) {
			t.Errorf("%s warms up by %v", turn.Name, turn.Warmups)
		}
		for _, w := range turn.Windows {
			if w.Length() != run.DefaultSlice {
				t.Errorf("%s: a window of %s", turn.Name, w.Length())
			}
		}
		if turn.Slices != 10 {
			t.Errorf("%s: %d slices an arm", turn.Name, turn.Slices)
		}
	}
	slices.Sort(names)
	if want := []string{"a ramp", "a steady", "a users", "b ramp", "b steady", "b users", "mix both"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for _, u := range not {
		left = append(left, u.Name)
	}
	if want := []string{"phase burst", "phase count", "phase blink", "phase prices"}; !slices.Equal(left, want) {
		t.Errorf("left out %q, want %q", left, want)
	}
	for _, turn := range turns {
		if turn.Name != "a ramp" {
			continue
		}
		var rates []float64
		for _, w := range turn.Windows {
			rates = append(rates, w.Steps[0].From, w.Steps[0].To)
		}
		for i, want := range []float64{0, 25, 25, 50, 50, 75, 75, 100} {
			if math.Abs(rates[i]-want) > 1e-9 {
				t.Errorf("the windows of the ramp are of rates %v", rates)
			}
		}
	}
}

func TestTurnsThatAreAskedFor(t *testing.T) {
	cfg := abConfig(t, manyPhases)
	cfg.Modes, cfg.Phases = []string{"b"}, []string{"steady"}
	turns, not, err := run.Turns(cfg)
	if err != nil || len(turns) != 1 || turns[0].Name != "b steady" || len(not) > 0 {
		t.Errorf("got %v, %v, %v", turns, not, err)
	}
	for name, test := range map[string]struct {
		change func(*run.ABConfig)
		want   string
	}{
		"a burst":   {func(c *run.ABConfig) { c.Phases = []string{"burst"} }, "phase burst cannot be compared: a burst"},
		"requests":  {func(c *run.ABConfig) { c.Phases = []string{"count"} }, "phase count cannot be compared: it ends with its requests"},
		"short":     {func(c *run.ABConfig) { c.Phases = []string{"blink"} }, "phase blink cannot be compared: it is shorter"},
		"actions":   {func(c *run.ABConfig) { c.Phases = []string{"prices"} }, "phase prices cannot be compared: it has actions"},
		"warm-up":   {func(c *run.ABConfig) { c.Phases = []string{"prime"} }, "phase prime cannot be compared: it warms up"},
		"no phase":  {func(c *run.ABConfig) { c.Phases = []string{"nope"} }, `no phase "nope"`},
		"no mode":   {func(c *run.ABConfig) { c.Modes = []string{"nope"} }, `no mode "nope"`},
		"slices":    {func(c *run.ABConfig) { c.Slice = time.Millisecond }, "a slice takes 20ms or more"},
		"one slice": {func(c *run.ABConfig) { c.Epoch = c.Slice }, "an epoch 2 to 200 of them"},
		"too many":  {func(c *run.ABConfig) { c.Epoch = time.Hour }, "an epoch 2 to 200 of them"},
		"nothing is": {func(c *run.ABConfig) {
			c.Scenario = parse(t, "why: x\nmodes: {a: GET /a}\nphases: [{name: p, burst: 1}]\n")
		}, "no phase that can be compared"},
		"once": {func(c *run.ABConfig) {
			c.Scenario = parse(t, "why: x\nmodes: {a: 'GET /{id}'}\ndata: {id: {list: [1, 2], order: once}}\nphases: [{name: p, rate: 1/s, for: 1s}]\n")
			c.Phases = []string{"p"}
		}, "phase p cannot be compared: the scenario has data that is taken once"},
	} {
		cfg := abConfig(t, manyPhases)
		test.change(&cfg)
		if _, _, err := run.Turns(cfg); !errors.As(err, new(run.UsageError)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want a usage error with %q", name, err, test.want)
		}
	}
}

// Each quad has each arm twice, as early on average as the other, and the coin is the seed's.
func TestQuads(t *testing.T) {
	quads := run.Quads(7, 1000)
	first := 0
	for _, q := range quads {
		if q != [4]int{0, 1, 1, 0} && q != [4]int{1, 0, 0, 1} {
			t.Fatalf("a quad is %v", q)
		}
		first += q[0]
	}
	if first < 420 || first > 580 { // five standard deviations
		t.Errorf("B began %d of 1000 quads", first)
	}
	if !slices.Equal(quads, run.Quads(7, 1000)) || slices.Equal(quads, run.Quads(8, 1000)) {
		t.Error("the order is no function of the seed")
	}
}

// The lateness of single slices is averaged over a turn, and a standstill of one counts.
func TestLimitsOfAnEpoch(t *testing.T) {
	slice := func(p99, stood time.Duration) result.Driver {
		return result.Driver{
			Mode: "ttl", Phase: "warm", Took: 250 * time.Millisecond, Offered: 60, InTime: 60, CPU: 0.3,
			Release: result.Summary{Count: 60, P99: p99, Max: p99}, Hiccup: result.Summary{Max: stood},
		}
	}
	turn := func(last result.Driver) [][]result.Driver {
		return [][]result.Driver{{slice(time.Millisecond, 0), slice(time.Millisecond, 0), slice(time.Millisecond, 0), last}}
	}
	for name, test := range map[string]struct {
		last result.Driver
		want string
	}{
		"good":        {slice(time.Millisecond, 0), ""},
		"one late":    {slice(100*time.Millisecond, 0), ""},
		"very late":   {slice(400*time.Millisecond, 0), "ttl, warm, round 3: requests were released late"},
		"stood still": {slice(time.Millisecond, time.Second), "the generator stood still"},
	} {
		got := strings.Join(run.LimitsOf(3, turn(test.last)), "; ")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// What is named is what B repeats more often than A, and not what both repeat.
func TestNewRepeats(t *testing.T) {
	traces := func(agents, offices int) []result.Trace {
		tr := result.Trace{ID: strings.Repeat("a", 32), Mode: "ttl", Phase: "warm"}
		add := func(table string, n int) {
			for range n {
				tr.Spans = append(tr.Spans, result.Span{Name: "SELECT", Attributes: map[string]string{
					signal.AttrDBSystem: "sqlite", signal.AttrDBQueryText: "SELECT * FROM " + table + " WHERE id = 1",
				}})
			}
		}
		add("agents", agents)
		add("offices", offices)
		return []result.Trace{tr}
	}
	got := run.NewRepeats(traces(20, 5), traces(20, 9), "ttl", "warm")
	if want := []string{"offices by id x 9 (A: x 5)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := run.NewRepeats(traces(0, 0), traces(4, 2), "ttl", "warm"); !slices.Equal(got, []string{"agents by id x 4"}) {
		t.Errorf("got %q", got)
	}
	if got := run.NewRepeats(nil, traces(4, 2), "other", "warm"); got != nil {
		t.Errorf("of another mode: got %q", got)
	}
}

// A query more is found by the app's counters before any epoch, and work that is less is no failure.
func TestABComparesWork(t *testing.T) {
	compare := func(a, b string) *ab.Test {
		cfg := own(t, "why: x\nmodes: {n: GET /api/properties/live/naive/, c: GET /api/properties/cached/ttl/}\nphases: [{name: p, rate: 10/s, for: 1s}]\n")
		test, err := run.AB(t.Context(), run.ABConfig{
			Config: cfg, Slice: run.DefaultSlice, Epoch: run.DefaultEpoch, Phases: []string{"p"},
			Arms: [2]run.Build{{Binary: os.Args[0], Arm: ab.Arm{Args: []string{"--more-queries=" + a}}}, {Binary: os.Args[0], Arm: ab.Arm{Args: []string{"--more-queries=" + b}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		nothingLeft(t)
		return test
	}
	test := compare("1", "3")
	d, err := test.Decide()
	if err != nil || d.Verdict != ab.Fail || len(d.Grew) != 2 || len(test.Epochs) != 0 || len(test.Invalid) > 0 {
		t.Errorf("got %+v, %v, invalid because of %q", d, err, test.Invalid)
	}
	for _, m := range []string{"n", "c"} {
		if a, b := trace.Find(test.Traces, "", m, "p", "arm A"), trace.Find(test.Traces, "", m, "p", "arm B"); len(a) != 1 || len(b) != 1 || len(b[0].Spans) == 0 {
			t.Errorf("%s keeps %d and %d traces, want one of each arm", m, len(a), len(b))
		}
	}
	for _, w := range test.Work {
		want := map[string][2]int64{"n": {630, 650}, "c": {63, 65}}[w.Mode]
		if l := w.Last(); len(w.Tries) != 3 || l.A.SQL != want[0] || l.B.SQL != want[1] || !slices.Equal(w.Grew(), []string{"sql"}) {
			t.Errorf("%s: %+v, want SQL %v, and nothing else grown", w.Mode, w, want)
		}
	}
}

// An app that dies ends the test, which names the arm.
func TestABOfAnAppThatDies(t *testing.T) {
	cfg := own(t, "why: x\nmodes: {n: GET /api/properties/live/naive/}\nphases: [{name: p, rate: 200/s, for: 1s}]\n")
	test, err := run.AB(t.Context(), run.ABConfig{
		Config: cfg, Slice: run.DefaultSlice, Epoch: run.DefaultEpoch,
		Arms: [2]run.Build{{Binary: os.Args[0], Arm: ab.Arm{Args: []string{"--more-queries=1"}}}, {Binary: os.Args[0]}},
	})
	if err != nil || test.Verdict != ab.Invalid || len(test.Invalid) != 1 || !strings.Contains(test.Invalid[0], "arm B") {
		t.Errorf("got %+v, %v", test, err)
	}
	nothingLeft(t)
}
