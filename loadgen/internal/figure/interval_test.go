package figure_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-3*math.Abs(b) }

// The logarithms of 1, 2 and 4 are 0, 1 and 2 times that of 2, and Student's interval of those is 1 ± 4.30265 / sqrt(3). That of shares is of what they
// are, and does not leave 0 to 1.
func TestIntervalOfRounds(t *testing.T) {
	half := math.Pow(2, 4.30265/math.Sqrt(3))
	for _, tt := range []struct {
		name      string
		rounds    []float64
		value     float64
		low, high float64
		ok        bool
	}{
		{"p95", []float64{1, 2, 4}, 2, 2 / half, 2 * half, true},
		{"rate", []float64{1, 2, 4}, 2, 2 / half, 2 * half, true},
		{"cpu", []float64{1, 1}, 1, 1, 1, true},
		{"hit_ratio", []float64{.4, .5, .6}, .5, .5 - .248414, .5 + .248414, true},
		{"hit_ratio", []float64{.8, .9, 1}, .9, .9 - .248414, 1, true},
		{"hit_ratio", []float64{0, 0, 0}, 0, 0, 0, true},
		{"p95", []float64{1}, 0, 0, 0, false},
		{"p95", nil, 0, 0, 0, false},
		{"attempts", []float64{0, 1, 2}, 0, 0, 0, false}, // no logarithm
		{"sql", []float64{1, 2, 4}, 0, 0, 0, false},
		{"recomputes", []float64{1, 2, 4}, 0, 0, 0, false},
		{"max", []float64{1, 2, 4}, 0, 0, 0, false},
		{"stale_max", []float64{1, 2, 4}, 0, 0, 0, false},
	} {
		x, _ := figure.Named(tt.name)
		got, ok := x.Interval(tt.rounds)
		if ok != tt.ok || ok && (!near(got.Value, tt.value) || !near(got.Low, tt.low) || !near(got.High, tt.high) || got.N != len(tt.rounds) || got.Blocks != 0) {
			t.Errorf("%s of %v: got %+v, %v, want %v [%v, %v], %v", tt.name, tt.rounds, got, ok, tt.value, tt.low, tt.high, tt.ok)
		}
	}
	x, _ := figure.Named("p95")
	i, _ := x.Interval([]float64{1, 2, 4})
	if more, ok := i.MoreFor(10); !ok || more < 1 || i.Over() != "3 rounds" {
		t.Errorf("got %d more rounds, %v, over %q", more, ok, i.Over())
	}
	x, _ = figure.Named("hit_ratio")
	i, _ = x.Interval([]float64{.4, .5, .6})
	if more, ok := i.MoreFor(.9); ok {
		t.Errorf("of a share: got %d more rounds, want none known", more)
	}
}

// The values of a run are those of its rounds alone; one that is not what its name promises in some round leaves none.
func TestIntervalOfARun(t *testing.T) {
	run := resulttest.Fill(resulttest.Base(), 3, resulttest.StampedeLoads())
	f := figures(t, run)
	rounds, err := f.Rounds()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]string{{"ttl", "expiry"}, {"", "expiry"}, {"ttl", ""}, {"", ""}} {
		var values []float64
		for _, r := range rounds {
			values = append(values, value(t, r, "p99", at[0], at[1]))
		}
		x, _ := figure.Named("p99")
		want, _ := x.Interval(values)
		if got, ok := f.Interval("p99", at[0], at[1]); !ok || got.Interval != want.Interval || got.Low >= got.High {
			t.Errorf("p99 of %q: got %+v, %v, want %+v", at, got, ok, want)
		}
	}
	for _, tt := range []struct {
		what, name, mode, phase string
	}{
		{"each round has too few requests, and all together have not", "p99", "ttl", "burst"},
		{"a count", "requests", "ttl", "expiry"}, {"no such mode", "p99", "nobody", "expiry"}, {"no such figure", "p98", "ttl", "expiry"}, {"warm-up", "p50", "ttl", "prime"},
	} {
		if got, ok := f.Interval(tt.name, tt.mode, tt.phase); ok {
			t.Errorf("%s: got %+v", tt.what, got)
		}
	}
	run.Cells = slices.DeleteFunc(run.Cells, func(c result.Cell) bool { return c.Round == 2 && c.Mode == "ttl" && c.Phase == "expiry" })
	if got, ok := figures(t, run).Interval("p99", "ttl", "expiry"); !ok || got.N != 2 {
		t.Errorf("without one of three rounds: got %+v, %v, want two", got, ok)
	}
}

// long is a run of one round, with one phase of so many seconds: all requests take 1 ms in the first eight of 40 blocks, and in each eight that follow twice
// as long.
func long(t *testing.T, seconds, perSecond int) *result.Run {
	t.Helper()
	run := resulttest.Base()
	run.Modes, run.Phases = run.Modes[:1], []result.PhaseInfo{{Name: "warm", Kind: "open", For: time.Duration(seconds) * time.Second}}
	n := int64(seconds * perSecond)
	c := result.Cell{Round: 1, Mode: "ttl", Phase: "warm", Took: time.Duration(seconds)*time.Second + 300*ms, Ledger: result.Ledger{Scheduled: n, Completed: n}}
	var encoded []string
	for i := range 5 {
		h := hist.New()
		for range perSecond {
			h.Record(ms << i)
		}
		s, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		encoded = append(encoded, s)
	}
	for at := range seconds {
		s := encoded[at/(8*max(seconds/40, 1))%5]
		c.Seconds = append(c.Seconds, result.Second{At: at, Response: s, Lag: s})
	}
	run.Cells = []result.Cell{c}
	return run
}

// Of one round the interval is of 40 blocks of its time, in five batches of which the logarithms are here 0 to 4 times that of 2: 2 ± 2.776445 * sqrt(2.5 / 5).
func TestIntervalOfOneRound(t *testing.T) {
	half := math.Pow(2, 2.776445*math.Sqrt(.5))
	got, ok := figures(t, long(t, 80, 10)).Interval("p95", "ttl", "warm")
	if !ok || !near(got.Value, 4) || !near(got.Low, 4/half) || !near(got.High, 4*half) || got.Over() != "40 blocks of 2s" {
		t.Errorf("got %+v, %v, over %q, want 4 [%v, %v]", got, ok, got.Over(), 4/half, 4*half)
	}
	if more, ok := got.MoreFor(10); ok {
		t.Errorf("got %d more rounds of what is of blocks", more)
	}
	if got, ok := figures(t, long(t, 201, 4)).Interval("lag_p50", "", ""); !ok || got.Over() != "40 blocks of 5s" {
		t.Errorf("201 s: got %+v, %v, over %q", got, ok, got.Over())
	}
	none := func(change func(run *result.Run)) *figure.Figures {
		run := long(t, 80, 10)
		change(run)
		return figures(t, run)
	}
	for _, tt := range []struct {
		what, name string
		f          *figure.Figures
	}{
		{"too short", "p50", figures(t, long(t, 79, 10))},
		{"blocks of 20 requests are too few for a p99", "p99", figures(t, long(t, 80, 10))},
		{"the blocks have no rate", "rate", figures(t, long(t, 80, 10))},
		{"nor a mean that this would be of", "mean", figures(t, long(t, 80, 10))},
		{"the load varies", "p50", none(func(run *result.Run) { run.Phases[0].Varies = true })},
		{"a fault", "p50", none(func(run *result.Run) { run.Cells[0].Faults = []result.Fault{{}} })},
		{"a second without requests in some block", "p95", none(func(run *result.Run) { run.Cells[0].Seconds = run.Cells[0].Seconds[1:] })},
	} {
		if got, ok := tt.f.Interval(tt.name, "ttl", "warm"); ok {
			t.Errorf("%s: got %+v", tt.what, got)
		}
	}
}
