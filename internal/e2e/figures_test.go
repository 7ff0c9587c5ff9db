package e2e_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"loadlab/internal/promtest"
	"loadlab/otel/signal"
)

// By how much figures may be off: a quantile of a native histogram, whose buckets are a tenth wide, and one of run.json's, which have
// three digits.
const (
	near   = .05
	digits = .001
)

func quantiles() []float64 { return []float64{.5, .95, .99} }

// The run went through, and was exposed under its own name.
func (l *lab) testRun(t *testing.T) {
	for _, problem := range slices.Concat(l.run.Invalid, l.run.Warnings) {
		t.Errorf("run.json: %s", problem)
	}
	for _, p := range l.servers() {
		for _, at := range []time.Time{l.settled, time.Now()} {
			result := l.query(t, p, fmt.Sprintf("max_over_time(%s[%dms])", signal.RunInfo, at.Sub(l.begin).Milliseconds()), at)
			if len(result) != 1 {
				t.Fatalf("%d series of %s, want one", len(result), signal.RunInfo)
			}
			got := result[0].Labels
			if got[signal.LabelRunID] != l.run.ID || got[signal.LabelScenario] != scenarioName || got[signal.LabelGitSHA] != l.run.Commit {
				t.Errorf("%s: got %v, want run %s of scenario %s, commit %s", signal.RunInfo, got, l.run.ID, scenarioName, l.run.Commit)
			}
		}
	}
}

// The phases that last longer than a scrape were seen, in their mode and in no other; none was seen between phases.
func (l *lab) testPhases(t *testing.T) {
	for _, p := range l.servers() {
		span := l.settled.Sub(l.begin).Milliseconds()
		seen := map[string]int{}
		for _, s := range l.query(t, p, fmt.Sprintf("count_over_time(%s[%dms])", signal.LoadPhase, span), l.settled) {
			if s.Labels[signal.LabelRunID] != l.run.ID || s.Labels[signal.LabelScenario] != scenarioName || s.Labels[signal.LabelRound] != "1" {
				t.Errorf("%s: got %v, want round 1 of run %s of %s", signal.LoadPhase, s.Labels, l.run.ID, scenarioName)
			}
			if s.Labels[signal.LabelPhase] == steady {
				seen[s.Labels[signal.LabelMode]] += int(s.Points[0].Value)
			}
		}
		for _, mode := range modes() {
			if n := seen[mode]; n < 1 || n > 3 {
				t.Errorf("%s of %s was seen by %d scrapes, want 2 in two seconds", steady, mode, n)
			}
		}
		if len(seen) != len(modes()) {
			t.Errorf("%s was seen of %v, want %v", steady, seen, modes())
		}
		if between := l.query(t, p, signal.LoadPhase, l.settled); len(between) != 0 {
			t.Errorf("between two phases: got %v", between[0].Labels)
		}
	}
}

// What the generator exposes is what it reports: as many requests, and the same percentiles, by mode.
func (l *lab) testGenerator(t *testing.T) {
	for _, mode := range modes() {
		c, ok := l.run.cell(mode, steady)
		if !ok {
			t.Fatalf("run.json lacks %s of %s", steady, mode)
		}
		match := fmt.Sprintf("{%s=%q, %s=%q}", signal.LabelMode, mode, signal.LabelPhase, steady)
		for metric, which := range map[string]clock{signal.LoadService: service, signal.LoadResponse: response} {
			h := histogram{l, metric, match}
			want := timesOf(t, which, c)
			if got := h.count(t); got != float64(want.count()) {
				t.Errorf("%s of %s has %v requests, run.json %d", metric, mode, got, want.count())
			}
			for _, q := range quantiles() {
				low, high := want.between(q)
				native, classic := h.native(t, q), h.classic(t, q)
				if native < low*(1-near) || native > high*(1+near) {
					t.Errorf("%s of %s: the native p%g is %v s, run.json has %v (%v to %v)", metric, mode, 100*q, native, want.quantile(q), low, high)
				}
				low, high = floor(signal.LoadBuckets(), low*(1-digits)), ceil(signal.LoadBuckets(), high*(1+digits))
				if classic < low || classic > high {
					t.Errorf("%s of %s: the classic p%g is %v s, not in its bucket, %v to %v", metric, mode, 100*q, classic, low, high)
				}
				t.Logf("%s of %s: p%g of %d: run.json %.6f, native %.6f (%+.1f%%), classic %.6f", metric, mode, 100*q, want.count(),
					want.quantile(q), native, 100*(native/want.quantile(q)-1), classic)
			}
		}
	}
}

// The app exposes each request that the generator made, as long together as their responses told. Its percentiles are the generator's
// service times but for what it cannot see: the network, both kernels, and the time before its handler. How much that was, run.json tells.
func (l *lab) testApp(t *testing.T) {
	for _, mode := range modes() {
		cells := l.run.settled(mode)
		h := histogram{l, signal.HTTPServerDuration, fmt.Sprintf("{%s=%q}", signal.LabelMode, mode)}
		outside := timesOf(t, service, cells...)
		var timed int64
		var told time.Duration
		for _, c := range cells {
			timed += c.Server.Timed
			told += c.Server.Total
		}
		if got := h.count(t); got != float64(outside.count()) || got != float64(timed) {
			t.Errorf("the app counts %v requests of %s, the generator %d, of which %d told what they cost", got, mode, outside.count(), timed)
		}
		if got := h.sum(t); math.Abs(got/told.Seconds()-1) > near {
			t.Errorf("requests of %s took %v s in the app, they told %v", mode, got, told)
		}
		for _, q := range quantiles() {
			native, classic := h.native(t, q), h.classic(t, q)
			if _, most := outside.between(q); native > most*(1+near) {
				t.Errorf("p%g of %s in the app is %v s; from outside it is %v", 100*q, mode, native, most)
			}
			if most := atMost(native*(1+near), cells...); most < q-2/float64(timed) {
				t.Errorf("p%g of %s in the app is %v s; by the report at most %v of the requests can have taken so little", 100*q, mode, native, most)
			}
			low, high := floor(signal.HTTPBuckets(), native*(1-near)), ceil(signal.HTTPBuckets(), native*(1+near))
			if classic < low || classic > high {
				t.Errorf("p%g of %s in the app: the classic one is %v s, the native one %v: not in the same bucket", 100*q, mode, classic, native)
			}
			t.Logf("%s: p%g of %d: service %.6f, in the app %.6f (%+.1f%%), classic %.6f", mode, 100*q, timed, outside.quantile(q), native,
				100*(native/outside.quantile(q)-1), classic)
		}
	}
}

// histogram is what was observed from the start of the programs until the run had settled.
type histogram struct {
	lab           *lab
	metric, match string
}

func (h histogram) native(t *testing.T, q float64) float64 {
	t.Helper()
	return h.value(t, h.lab.native, fmt.Sprintf("histogram_quantile(%g, sum(%s%s))", q, h.metric, h.match))
}

func (h histogram) classic(t *testing.T, q float64) float64 {
	t.Helper()
	return h.value(t, h.lab.classic, fmt.Sprintf("histogram_quantile(%g, sum by (le) (%s_bucket%s))", q, h.metric, h.match))
}

// count is the same in both forms.
func (h histogram) count(t *testing.T) float64 {
	t.Helper()
	native := h.value(t, h.lab.native, fmt.Sprintf("histogram_count(sum(%s%s))", h.metric, h.match))
	classic := h.value(t, h.lab.classic, fmt.Sprintf("sum(%s_count%s)", h.metric, h.match))
	if native != classic {
		t.Errorf("%s%s: the native histogram has %v requests, the classic one %v", h.metric, h.match, native, classic)
	}
	return native
}

func (h histogram) sum(t *testing.T) float64 {
	t.Helper()
	return h.value(t, h.lab.native, fmt.Sprintf("histogram_sum(sum(%s%s))", h.metric, h.match))
}

func (h histogram) value(t *testing.T, p *promtest.Server, expr string) float64 {
	t.Helper()
	result := h.lab.query(t, p, expr, h.lab.settled)
	if len(result) != 1 {
		t.Fatalf("%s: got %d values, want one", expr, len(result))
	}
	return result[0].Points[0].Value
}

func (l *lab) query(t *testing.T, p *promtest.Server, expr string, at time.Time) []promtest.Series {
	t.Helper()
	result, err := p.Query(t.Context(), expr, at)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// floor is the lower bound of the bucket that x is in.
func floor(bounds []float64, x float64) float64 {
	i, _ := slices.BinarySearch(bounds, x)
	if i == 0 {
		return 0
	}
	return bounds[i-1]
}

// ceil is the upper bound of the bucket that x is in.
func ceil(bounds []float64, x float64) float64 {
	i, _ := slices.BinarySearch(bounds, x)
	if i == len(bounds) {
		return math.Inf(1)
	}
	return bounds[i]
}
