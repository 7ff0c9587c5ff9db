package figure_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

const ms = time.Millisecond

func figures(t *testing.T, run *result.Run) *figure.Figures {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func value(t *testing.T, f *figure.Figures, name, mode, phase string) float64 {
	t.Helper()
	v, _, err := f.Value(name, mode, phase)
	if err != nil {
		t.Fatalf("%s(%q, %q): %v", name, mode, phase, err)
	}
	return v
}

// TestTable: names are unique, and every figure has the unit and the documentation that the table promises.
func TestTable(t *testing.T) {
	run := resulttest.Stale(t)
	for i := range run.Cells {
		run.Cells[i].Server.CPU, run.Cells[i].Server.DatabaseCPU = ms, ms
		run.Cells[i].Redis = &result.Redis{CPU: ms, Pages: 1, PageBytes: 1, MaxMemory: 1}
		run.Cells[i].Peak = 1
		run.Cells[i].Revalidation = &result.Revalidation{Asked: 1}
		run.Cells[i].Faults = []result.Fault{{Ended: time.Second, Impact: result.Impact{Detect: new(time.Duration), Degrade: new(time.Duration)}}}
	}
	run.Predictions = []result.Prediction{{Mode: "ttl", Phase: "changes", Figure: result.HitRatio, Predicted: .5}, {Mode: "ttl", Phase: "changes", Figure: result.StaleMax, Predicted: 1100}}
	f := figures(t, run)
	seen := map[string]bool{}
	for _, line := range figure.Table() {
		if seen[line.Name] || line.Doc == "" {
			t.Errorf("%s: there twice, or without documentation", line.Name)
		}
		seen[line.Name] = true
		if _, unit, err := f.Value(line.Name, "ttl", "changes"); err != nil || unit != line.Unit {
			t.Errorf("%s: got unit %q, %v, want %q", line.Name, unit, err, line.Unit)
		}
	}
}

func TestFigures(t *testing.T) {
	f := figures(t, resulttest.Stampede(t))
	for _, tt := range []struct {
		name, mode, phase string
		want              float64
	}{
		{"requests", "ttl", "expiry", 3600},
		{"requests", "", "", 3 * 3 * (800 + 1200 + 50)},
		{"errors", "", "", 0},
		{"rate", "ttl", "warm", 200},
		{"rate", "ttl", "", 3 * 2050 / (3 * 10.21)},
		{"sql", "ttl", "warm", 0},
		{"sql", "ttl", "expiry", 62 * 19.0 / 1200},
		{"redis", "ttl", "warm", 2},
		{"hit_ratio", "ttl", "warm", 1},
		{"hit_ratio", "ttl", "expiry", 1181.0 / 1200},
		{"recomputes", "ttl", "expiry", 19},
		{"recomputes", "ttl", "", 19 + 47},
		{"recomputes", "", "burst", 47 + 1 + 46},
		{"recomputes_per_expiry", "ttl", "expiry", 19.0 / 3},
		{"recomputes_per_expiry", "ttl", "burst", 47},
	} {
		if got := value(t, f, tt.name, tt.mode, tt.phase); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s(%q, %q): got %v, want %v", tt.name, tt.mode, tt.phase, got, tt.want)
		}
	}
	if got := f.Phases(); !slices.Equal(got, []string{"warm", "expiry", "burst"}) {
		t.Errorf("phases: got %v, want all but the warm-up", got)
	}
}

// TestSharedPhaseTakesItsTimeOnce: 420 requests a round in the 10 s that three modes share are 42 a second, not 14.
func TestSharedPhaseTakesItsTimeOnce(t *testing.T) {
	f := figures(t, resulttest.Stale(t))
	if got, want := value(t, f, "rate", "", "changes"), (840.0-12)/20; got != want {
		t.Errorf("rate over all modes: got %v, want %v", got, want)
	}
	if got, want := value(t, f, "rate", "singleflight", "changes"), 6.0; got != want {
		t.Errorf("rate of one mode: got %v, want %v", got, want)
	}
	if got, want := value(t, f, "stale_max", "", ""), 1983.0; got != want {
		t.Errorf("stale_max over all modes: got %v, want %v", got, want)
	}
}

func TestNoSamples(t *testing.T) {
	half := resulttest.Stampede(t) // the counters of one round are missing
	for i := range half.Cells {
		if half.Cells[i].Round == 2 {
			half.Cells[i].Server.Counters = nil
			half.Cells[i].Server.SQL = 0
		}
	}
	idle := resulttest.Stale(t) // nothing was written, so nothing could be stale
	for i := range idle.Cells {
		idle.Cells[i].Stale = &result.Stale{Reads: 100}
	}
	for _, tt := range []struct {
		what              string
		run               *result.Run
		name, mode, phase string
		want              error
	}{
		{"nothing ran", resulttest.Empty(t), "p99", "ttl", "expiry", figure.ErrNoSamples},
		{"nothing ran: no errors are not 0 errors", resulttest.Empty(t), "errors", "", "", figure.ErrNoSamples},
		{"phase not reached", resulttest.Interrupted(t), "p50", "ttl", "expiry", figure.ErrNoSamples},
		{"mode not reached", resulttest.Interrupted(t), "rate", "early", "", figure.ErrNoSamples},
		{"a service that tells nothing", resulttest.Remote(t), "sql", "GET", "load", figure.ErrNoSamples},
		{"a service that tells nothing", resulttest.Remote(t), "recomputes", "", "", figure.ErrNoSamples},
		{"a service that tells nothing", resulttest.Remote(t), "hit_ratio", "", "", figure.ErrNoSamples},
		{"no staleness was looked for", resulttest.Stampede(t), "stale_max", "", "", figure.ErrNoSamples},
		{"no price changes", idle, "stale_max", "", "", figure.ErrNoSamples},
		{"no price changes", idle, "stale_ratio", "ttl", "changes", figure.ErrNoSamples},
		{"counters with a gap", half, "recomputes", "ttl", "expiry", figure.ErrNoSamples},
		{"counters with a gap", half, "sql", "ttl", "expiry", nil}, // by Server-Timing
		{"latency of what tells nothing", resulttest.Remote(t), "p99", "GET", "load", nil},
	} {
		if _, _, err := figures(t, tt.run).Value(tt.name, tt.mode, tt.phase); !errors.Is(err, tt.want) {
			t.Errorf("%s: %s(%q, %q): got %v, want %v", tt.what, tt.name, tt.mode, tt.phase, err, tt.want)
		}
	}
	if got, want := value(t, figures(t, half), "sql", "ttl", "expiry"), 62*19.0*2/3600; math.Abs(got-want) > 1e-9 {
		t.Errorf("sql by Server-Timing: got %v, want %v", got, want)
	}
}

func TestUnknown(t *testing.T) {
	f := figures(t, resulttest.Stampede(t))
	for _, tt := range []struct{ name, mode, phase, want string }{
		{"p42", "ttl", "warm", `unknown figure "p42": known are p50, p90`},
		{"p50", "tll", "warm", `unknown mode "tll": known are ttl, singleflight, early`},
		{"p50", "ttl", "wram", `unknown phase "wram": known are warm, expiry, burst`},
		{"p50", "ttl", "prime", `phase "prime" is warm-up`},
	} {
		_, _, err := f.Value(tt.name, tt.mode, tt.phase)
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, figure.ErrNoSamples) {
			t.Errorf("%s(%q, %q): got %v, want %q", tt.name, tt.mode, tt.phase, err, tt.want)
		}
	}
}

// random is a run with anything in it that can add up.
func random(seed uint64) *result.Run {
	rng := rand.New(rand.NewPCG(seed, 7))
	run := resulttest.Base()
	var loads []resulttest.Load
	for _, m := range run.Modes {
		for _, p := range run.Phases {
			if rng.IntN(5) == 0 {
				continue
			}
			n := rng.IntN(400)
			loads = append(loads, resulttest.Load{
				Mode: m.Name, Phase: p.Name, Requests: n, Took: time.Duration(1+rng.IntN(3)) * time.Second, Fast: ms, Slow: 40 * ms, SlowShare: rng.Float64(),
				Failed: map[string]int64{"timeout": int64(rng.IntN(n/2 + 1)), "reset": int64(rng.IntN(n/2 + 1))},
				Sql:    int64(rng.IntN(5000)), Redis: int64(rng.IntN(900)), Recomputes: int64(rng.IntN(50)), Expired: int64(rng.IntN(5)),
				Cache: map[string]int64{"hit": int64(rng.IntN(400)), "miss": int64(rng.IntN(40)), "none": int64(rng.IntN(9))},
			})
		}
	}
	return resulttest.Fill(run, 1+rng.IntN(3), loads)
}

// get is a figure, or 0 if it has no samples.
func get(t *testing.T, f *figure.Figures, name, mode, phase string) float64 {
	t.Helper()
	v, _, err := f.Value(name, mode, phase)
	if err != nil && !errors.Is(err, figure.ErrNoSamples) && !errors.Is(err, figure.ErrTooFewSamples) {
		t.Fatal(err)
	}
	return v
}

// TestFiguresAddUp: over random runs, every request that was not warm-up is in the figures once, sums are the sums of their parts, and
// quantiles are in order.
func TestFiguresAddUp(t *testing.T) {
	counts := map[string]func(result.Ledger) int64{
		"requests":  func(l result.Ledger) int64 { return l.Scheduled },
		"completed": func(l result.Ledger) int64 { return l.Completed },
		"errors":    result.Ledger.Errors,
	}
	for seed := range uint64(4) {
		run := random(seed)
		f := figures(t, run)
		for name, of := range counts {
			var cells, parts float64
			for _, c := range run.Cells {
				if c.Phase != "prime" {
					cells += float64(of(c.Ledger))
				}
			}
			for _, m := range f.Modes() {
				var phases float64
				for _, p := range f.Phases() {
					phases += get(t, f, name, m, p)
				}
				if all := get(t, f, name, m, ""); all != phases {
					t.Errorf("seed %d: %s(%q): got %v, its phases have %v", seed, name, m, all, phases)
				}
				parts += phases
			}
			if all := get(t, f, name, "", ""); all != parts || all != cells {
				t.Errorf("seed %d: %s(): got %v, modes by phase have %v, cells %v", seed, name, all, parts, cells)
			}
		}
		for _, m := range append(f.Modes(), "") {
			for _, p := range append(f.Phases(), "") {
				ordered(t, f, m, p)
			}
		}
	}
}

func ordered(t *testing.T, f *figure.Figures, mode, phase string) {
	t.Helper()
	if get(t, f, "completed", mode, phase)+get(t, f, "errors", mode, phase) != get(t, f, "requests", mode, phase) {
		t.Errorf("%q in %q: the ledger does not balance", mode, phase)
	}
	for _, clock := range []string{"", "service_", "lag_"} {
		var quantiles []float64
		for _, q := range []string{"p50", "p90", "p95", "p99", "max"} {
			quantiles = append(quantiles, get(t, f, clock+q, mode, phase))
		}
		if !slices.IsSorted(quantiles) {
			t.Errorf("%q in %q: %squantiles are out of order: %v", mode, phase, clock, quantiles)
		}
	}
}

// TestOrderMakesNoDifference: neither the order of the cells, nor whether warm-up is among them, changes a figure.
func TestOrderMakesNoDifference(t *testing.T) {
	for seed := range uint64(2) {
		run := random(seed)
		f := figures(t, run)
		shuffled := *run
		shuffled.Cells = slices.DeleteFunc(slices.Clone(run.Cells), func(c result.Cell) bool { return c.Phase == "prime" })
		rand.New(rand.NewPCG(seed, 8)).Shuffle(len(shuffled.Cells), func(i, j int) {
			shuffled.Cells[i], shuffled.Cells[j] = shuffled.Cells[j], shuffled.Cells[i]
		})
		again := figures(t, &shuffled)
		for _, m := range append(f.Modes(), "") {
			for _, p := range append(f.Phases(), "") {
				for _, name := range figure.Names() {
					got, _, err := again.Value(name, m, p)
					want, _, wantErr := f.Value(name, m, p)
					if got != want || (err == nil) != (wantErr == nil) {
						t.Errorf("seed %d: %s(%q, %q): got %v %v, want %v %v", seed, name, m, p, got, err, want, wantErr)
					}
				}
			}
		}
	}
}

func BenchmarkFigures(b *testing.B) {
	run := resulttest.Stampede(b)
	for b.Loop() {
		if _, err := figure.New(run); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNewRefusesABrokenHistogram: the error says of which cell.
func TestNewRefusesABrokenHistogram(t *testing.T) {
	run := resulttest.Fill(resulttest.Base(), 1, resulttest.StampedeLoads()[:2])
	run.Cells[1].Seconds[0].Response = "AAAA"
	if _, err := figure.New(run); err == nil || !strings.Contains(err.Error(), "mode ttl, phase warm, round 1") {
		t.Errorf("got %v, want an error that names mode, phase and round", err)
	}
}

// TestCosts: what app, database and Redis used is over the requests that the app counted, and unknown of a sum if it is of one cell.
func TestCosts(t *testing.T) {
	costly := func() *result.Run {
		run := resulttest.Fill(resulttest.Base(), 2, resulttest.StampedeLoads()[:2])
		run.Stack.Database = "PostgreSQL 15.18"
		for i := range run.Cells {
			c := &run.Cells[i]
			c.Server.CPU, c.Server.DatabaseCPU = 400*ms, 200*ms
			c.Redis = &result.Redis{CPU: 200 * ms, BytesOut: 800 * 48_000, Pages: int64(1 + 2*(c.Round-1)), PageBytes: 50_000 + 10_000*int64(c.Round-1),
				MaxMemory: 1 << 20, Evicted: int64(10 * c.Round)}
		}
		return run
	}
	for _, tt := range []struct {
		name string
		want float64
	}{
		{"cpu", 0.5}, {"db_cpu", 0.25}, {"redis_cpu", 0.25}, {"redis_bytes", 48_000},
		{"page_memory", (50_000 + 3*60_000) / 4}, {"evictions", 15},
		{"cores", 0.2}, {"per_core", 1000}, // 800 ms in 4 s; 800 requests in 800 ms
	} {
		f := figures(t, costly())
		for _, mode := range []string{"ttl", ""} {
			if got := value(t, f, tt.name, mode, "warm"); math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("%s(%q): got %v, want %v", tt.name, mode, got, tt.want)
			}
		}
	}
	for _, tt := range []struct {
		what    string
		gap     func(c *result.Cell)
		unknown []string
	}{
		{"app", func(c *result.Cell) { c.Server.CPU = 0 }, []string{"cpu", "cores", "per_core"}},
		{"database", func(c *result.Cell) { c.Server.DatabaseCPU = 0 }, []string{"db_cpu", "cores", "per_core"}},
		{"Redis", func(c *result.Cell) { c.Redis.CPU = 0 }, []string{"redis_cpu", "redis_bytes", "evictions", "cores", "per_core"}},
		{"all of Redis", func(c *result.Cell) { c.Redis = nil }, []string{"redis_cpu", "redis_bytes", "evictions", "cores", "per_core"}},
	} {
		run := costly()
		tt.gap(&run.Cells[3]) // the second round of warm
		f := figures(t, run)
		for _, name := range []string{"cpu", "db_cpu", "redis_cpu", "redis_bytes", "page_memory", "evictions", "cores", "per_core"} {
			_, _, err := f.Value(name, "ttl", "warm")
			if want := slices.Contains(tt.unknown, name); errors.Is(err, figure.ErrNoSamples) != want {
				t.Errorf("without that of %s: %s: got %v, want unknown %v", tt.what, name, err, want)
			}
		}
	}
	run := costly() // a database inside the app needs no account of its own
	run.Stack.Database = "SQLite 3.51"
	for i := range run.Cells {
		run.Cells[i].Server.DatabaseCPU = 0
	}
	if got := value(t, figures(t, run), "per_core", "ttl", "warm"); math.Abs(got-800/0.6) > 1e-9 {
		t.Errorf("per_core with SQLite: got %v, want 800 requests in 600 ms", got)
	}
}

// TestCPU: the CPU time is over the requests that the app counted, and unknown if it is of one cell.
func TestCPU(t *testing.T) {
	run := resulttest.Fill(resulttest.Base(), 2, resulttest.StampedeLoads()[:2])
	for i := range run.Cells {
		run.Cells[i].Server.CPU = 400 * ms
	}
	if got := value(t, figures(t, run), "cpu", "ttl", "warm"); got != 0.5 {
		t.Errorf("got %v ms, want 400 ms over 800 requests", got)
	}
	run.Cells[1].Server.CPU = 0
	if _, _, err := figures(t, run).Value("cpu", "ttl", "warm"); !errors.Is(err, figure.ErrNoSamples) {
		t.Errorf("with a cell of which it is unknown: got %v, want ErrNoSamples", err)
	}
}

// TestRevalidation: the figures of conditional requests are of completed ones, those without a copy included, and there are none of what asked nothing.
func TestRevalidation(t *testing.T) {
	run := resulttest.Stampede(t)
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Mode == "ttl" && c.Phase == "warm" {
			c.Revalidation = &result.Revalidation{Asked: c.Ledger.Completed - 1, NotModified: c.Ledger.Completed / 2, Saved: c.Ledger.Completed * 100}
		}
	}
	f := figures(t, run)
	if share, saved := value(t, f, "not_modified", "ttl", "warm"), value(t, f, "saved_bytes", "ttl", "warm"); share != 0.5 || saved != 100 {
		t.Errorf("got a share of %g and %g bytes, want 0.5 and 100", share, saved)
	}
	if saved := value(t, f, "saved_bytes", "ttl", ""); saved <= 0 || saved >= 100 {
		t.Errorf("over all phases: got %g bytes, want fewer", saved)
	}
	for _, name := range []string{"not_modified", "saved_bytes"} {
		if v, _, err := f.Value(name, "ttl", "expiry"); !errors.Is(err, figure.ErrNoSamples) {
			t.Errorf("%s of what asked nothing: got %g, %v", name, v, err)
		}
	}
}
