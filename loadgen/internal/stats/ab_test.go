package stats_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadlab/loadgen/internal/stats"
)

func itoa(n int) string { return strconv.Itoa(n) }

func planOf(qs []quantile) stats.Plan {
	var es []stats.Endpoint
	for i, q := range qs {
		margin := .10
		if q.name == "p99" {
			margin = .25
		}
		es = append(es, stats.Endpoint{Name: q.name + " " + itoa(i), Margin: margin})
	}
	return stats.DefaultPlan(1, es...)
}

// ramp are n figures about centre, of which none is as far from it as another.
func ramp(n int, centre, width float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = centre + width*(float64(i)+.5-float64(n)/2)/float64(n)*float64(1-2*(i%2))
	}
	return x
}

func TestJudge(t *testing.T) {
	plan := stats.DefaultPlan(3, stats.Endpoint{Name: "p50", Margin: .1}, stats.Endpoint{Name: "p99", Margin: .25})
	slow := math.Log(1.5)
	for _, tt := range []struct {
		name     string
		d        [][]float64
		verdict  stats.Verdict
		look     int
		epochs   int
		slower   []bool
		adjusted float64 // of p50
	}{
		{"both slower", [][]float64{ramp(8, slow, .1), ramp(8, slow, .1)}, stats.Fail, 1, 8, []bool{true, true}, 1.0 / 256},
		{"one slower", [][]float64{ramp(32, slow, .1), ramp(32, 0, .1)}, stats.Fail, 1, 8, []bool{true, false}, 1.0 / 256},
		{"slower in all epochs but one", [][]float64{append([]float64{-.1}, ramp(31, slow, .1)...), ramp(32, 0, .1)}, stats.Fail, 2, 12, []bool{true, false}, 2.0 / 4096},
		{"the same", [][]float64{ramp(32, 0, .1), ramp(32, 0, .1)}, stats.Pass, 1, 8, []bool{false, false}, 0},
		{"faster", [][]float64{ramp(8, -slow, .1), ramp(8, -slow, .1)}, stats.Pass, 1, 8, []bool{false, false}, 1},
		{"slower by less than the tolerance", [][]float64{ramp(8, .01, .001), ramp(8, .01, .001)}, stats.Pass, 1, 8, []bool{false, false}, 1},
		{"noise", [][]float64{ramp(32, 0, 4), ramp(32, 0, 4)}, stats.Inconclusive, 5, 32, []bool{false, false}, 0},
		{"noise so far", [][]float64{ramp(31, 0, 4), ramp(31, 0, 4)}, stats.Open, 4, 24, []bool{false, false}, 0},
		{"before the first look", [][]float64{ramp(7, slow, .1), ramp(7, slow, .1)}, stats.Open, 0, 7, []bool{false, false}, 1.0 / 128},
	} {
		dec, err := stats.Judge(plan, tt.d)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if dec.Verdict != tt.verdict || dec.Look != tt.look || dec.Epochs != tt.epochs || len(dec.E) != len(tt.d[0]) {
			t.Errorf("%s: got %s at look %d of %d epochs, want %s at %d of %d", tt.name, dec.Verdict, dec.Look, dec.Epochs, tt.verdict, tt.look, tt.epochs)
		}
		for m, f := range dec.Findings {
			if f.Slower != tt.slower[m] || f.Effect.N != tt.epochs || f.Name != plan.Endpoints[m].Name || f.Adjusted < f.P {
				t.Errorf("%s: got %+v", tt.name, f)
			}
		}
		if p := dec.Findings[0].Adjusted; tt.adjusted != 0 && p != tt.adjusted {
			t.Errorf("%s: got an adjusted p-value of %v, want %v", tt.name, p, tt.adjusted)
		}
		again, _ := stats.Judge(plan, tt.d)
		if !reflect.DeepEqual(again, dec) {
			t.Errorf("%s: judged twice, got %+v and %+v", tt.name, dec, again)
		}
	}
}

// TestJudgeStops holds that epochs after the look that decided change nothing but the e-values.
func TestJudgeStops(t *testing.T) {
	plan := stats.DefaultPlan(3, stats.Endpoint{Name: "p50", Margin: .1})
	short := ramp(8, .4, .1)
	a, _ := stats.Judge(plan, [][]float64{short})
	b, _ := stats.Judge(plan, [][]float64{append(slices.Clone(short), ramp(60, -9, 5)...)})
	if a.E = nil; len(b.E) != 68 {
		t.Errorf("got %d e-values, want 68", len(b.E))
	}
	if b.E = nil; !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v, and with more epochs %+v", a, b)
	}
	f := a.Findings[0]
	if !near(f.Effect.Value, math.Exp(.4), .03) || f.Effect.Low > f.Effect.Value || f.Effect.High < f.Effect.Value || !(f.Detectable > 1.02 && f.Detectable < f.Effect.Low) {
		t.Errorf("got %+v, want an effect about %.2f, in its interval, and above what is detectable", f, math.Exp(.4))
	}
}

// TestJudgeAllSigns goes through all vectors of signs of nine epochs at tolerance 0: the share that fails is that which the looks may spend.
func TestJudgeAllSigns(t *testing.T) {
	base := [][]float64{{.3, 1.2, .05, .7, 2.2, .9, .4, 1.1, .6}, {.2, 1.4, .1, .75, .2, 1, -.2, 1, .5}}
	plan := stats.Plan{
		Endpoints: []stats.Endpoint{{"p50", 9}, {"p95", 9}}, Beta: 1e-9,
		Looks: []stats.Look{{5, .04}, {7, .05}, {9, .05}},
	}
	failed := make([]int, len(plan.Looks))
	for signs := range 1 << 9 {
		d := make([][]float64, len(base))
		for m, row := range base {
			for e, v := range row {
				d[m] = append(d[m], v*float64(1-2*(signs>>e&1)))
			}
		}
		dec, err := stats.Judge(plan, d)
		if err != nil {
			t.Fatal(err)
		}
		if dec.Verdict == stats.Fail {
			failed[dec.Look-1]++
		}
	}
	for i, n := range failed {
		if share := float64(n) / 512; share > plan.Looks[i].Alpha || share == 0 {
			t.Errorf("look %d: got FAIL with a share of %v, want %v at most, and more than 0", i+1, share, plan.Looks[i].Alpha)
		}
	}
}

func TestPlanCheck(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		want string
		bad  func(p *stats.Plan)
	}{
		{"no endpoints", func(p *stats.Plan) { p.Endpoints = nil }},
		{"no looks", func(p *stats.Plan) { p.Looks = nil }},
		{`"" has no name`, func(p *stats.Plan) { p.Endpoints[0].Name = "" }},
		{"used twice", func(p *stats.Plan) { p.Endpoints[1].Name = "p50" }},
		{"not above the tolerance", func(p *stats.Plan) { p.Endpoints[0].Margin = .02 }},
		{"not above the tolerance", func(p *stats.Plan) { p.Endpoints[0].Margin = nan }},
		{"not above the tolerance", func(p *stats.Plan) { p.Tolerance = nan }},
		{"a tolerance of -1", func(p *stats.Plan) { p.Tolerance = -1 }},
		{"beta", func(p *stats.Plan) { p.Beta = 0 }},
		{"beta", func(p *stats.Plan) { p.Beta = nan }},
		{"an alpha of NaN", func(p *stats.Plan) { p.Looks[1].Alpha = nan }},
		{"an alpha of 1", func(p *stats.Plan) { p.Looks[1].Alpha = 1 }},
		{"looks ascend", func(p *stats.Plan) { p.Looks[1].Epochs = 8 }},
		{"looks ascend", func(p *stats.Plan) { p.Looks[4].Epochs = 65 }},
		{"looks ascend", func(p *stats.Plan) { p.Looks[0].Epochs = -1 }},
		{"cannot fail at 0.004: its least p-value is 0.0078", func(p *stats.Plan) { p.Looks[0].Epochs = 7 }},
		{"cannot fail at 1e-05", func(p *stats.Plan) { p.Looks[4].Alpha = 1e-5 }},
	} {
		p := stats.DefaultPlan(1, stats.Endpoint{Name: "p50", Margin: .1}, stats.Endpoint{Name: "p95", Margin: .1})
		if err := p.Check(); err != nil || p.MaxEpochs() != 32 {
			t.Fatalf("the default: got %v and %d epochs", err, p.MaxEpochs())
		}
		tt.bad(&p)
		_, err := stats.Judge(p, [][]float64{ramp(8, 0, 1), ramp(8, 0, 1)})
		if !errors.Is(err, stats.ErrPlan) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error of the plan with %q", err, tt.want)
		}
	}
}

func TestJudgeFiguresThatAreNone(t *testing.T) {
	plan := stats.DefaultPlan(1, stats.Endpoint{Name: "p50", Margin: .1}, stats.Endpoint{Name: "p95", Margin: .1})
	for _, tt := range []struct {
		d    [][]float64
		want string
	}{
		{nil, "figures of 0 endpoints for a plan of 2"}, {[][]float64{{1}, {1}, {1}}, "figures of 3 endpoints"}, {[][]float64{{}, {}}, "p50: no figures"},
		{[][]float64{{1, 2}, {1}}, "p95 has 1 epochs, p50 has 2"}, {[][]float64{{1}, {math.NaN()}}, "p95: figure 1: a figure that is NaN"},
		{[][]float64{{1, math.Inf(-1)}, {1, 1}}, "p50: figure 2"}, {[][]float64{{701}, {1}}, "too large"},
	} {
		if _, err := stats.Judge(plan, tt.d); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want an error with %q", tt.d, err, tt.want)
		}
	}
}
