package expose_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
	"loadlab/otel/signal"
)

// planOf is what would have been planned of a run.
func planOf(run *result.Run) expose.Plan {
	var p expose.Plan
	for _, m := range run.Modes {
		kind := expose.Requests
		if m.Session != "" || m.Steps > 0 {
			kind = expose.Step
		}
		p.Modes = append(p.Modes, expose.Mode{Name: m.Name, Kind: kind})
	}
	for _, phase := range run.Phases {
		x := expose.Phase{Name: phase.Name, Warmup: phase.Warmup, For: phase.For}
		for _, m := range run.Modes {
			x.Modes = append(x.Modes, m.Name)
		}
		p.Phases = append(p.Phases, x)
	}
	return p
}

// The figures of a run that is shown round by round are, at its end, those of the report, whatever was shown before.
func TestFiguresAreThoseOfTheReport(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"stampede", "outage", "interrupted", "empty"} {
		t.Run(name, func(t *testing.T) {
			run := resulttest.All()[name](t)
			e := planned(planOf(run))
			url, _ := serve(t, e)
			var phases []string
			for _, p := range run.Phases {
				phases = append(phases, p.Name)
			}
			part := *run
			part.Cells = slices.DeleteFunc(slices.Clone(run.Cells), func(c result.Cell) bool { return c.Round > 1 })
			if err := e.Ended(&part, 1, []string{run.Modes[0].Name}, phases); err != nil {
				t.Fatal(err)
			}
			if err := e.Judged(run); err != nil {
				t.Fatal(err)
			}
			s := get(t, url)
			f, err := figure.New(run)
			if err != nil {
				t.Fatal(err)
			}
			figures := 0
			for _, mode := range f.Modes() {
				for _, phase := range f.Phases() {
					for _, x := range figure.Table() {
						v, err := x.Of(f.Total(mode, phase))
						if v != 0 && x.Unit == figure.Milliseconds {
							v /= 1000
						}
						series := key(signal.LoadFigure, signal.LabelMode, mode, signal.LabelPhase, phase, signal.LabelFigure, x.Name)
						if got, there := s.values[series]; err == nil && (!there || got != v) {
							t.Errorf("%s: got %v (%t), want %v", series, got, there, v)
						}
						if err == nil {
							figures++
						}
					}
				}
			}
			if figures == 0 && name != "empty" {
				t.Error("no figure")
			}
			want(t, s, key(signal.LoadVerdict, signal.LabelVerdict, result.Word(run)), 1)
			for _, g := range run.Gates {
				want(t, s, key(signal.LoadGate, signal.LabelGate, g.Expr, signal.LabelVerdict, g.Verdict), 1)
			}
		})
	}
}

// No ratio is shown without both ends of its interval, and none of the baseline to itself.
func TestRatiosHaveIntervals(t *testing.T) {
	t.Parallel()
	run := resulttest.Stampede(t)
	e := planned(planOf(run))
	url, _ := serve(t, e)
	if err := e.Judged(run); err != nil {
		t.Fatal(err)
	}
	ratios := 0
	s := get(t, url)
	for series := range s.values {
		if !strings.HasPrefix(series, signal.LoadFigureRatio) || !strings.Contains(series, signal.LabelBound+`="`+signal.BoundPoint+`"`) {
			continue
		}
		ratios++
		of := func(bound string) float64 {
			return s.values[strings.Replace(series, signal.LabelBound+`="`+signal.BoundPoint+`"`, signal.LabelBound+`="`+bound+`"`, 1)]
		}
		if low, point, high := of(signal.BoundLow), of(signal.BoundPoint), of(signal.BoundHigh); low <= 0 || low > point || point > high {
			t.Errorf("%s: %v from %v to %v", series, point, low, high)
		}
		for _, m := range run.Modes {
			if strings.Contains(series, signal.LabelMode+`="`+m.Name+`"`) && strings.Contains(series, signal.LabelBaseline+`="`+m.Name+`"`) {
				t.Errorf("a mode is compared with itself: %s", series)
			}
		}
	}
	if ratios == 0 {
		t.Error("no ratio")
	}
}

// While a run goes on there are ratios to its first mode alone; when it has ended any other may be the baseline, unless those are too many.
func TestBaselines(t *testing.T) {
	t.Parallel()
	run := resulttest.Stampede(t)
	for _, tt := range []struct {
		name    string
		ended   bool
		unasked int // modes of the plan that the run has not
		want    int
	}{
		{"goes on", false, 0, 1}, {"ended", true, 0, len(run.Modes)}, {"too many", true, 1000, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := planOf(run)
			for i := range tt.unasked {
				p.Modes = append(p.Modes, expose.Mode{Name: strings.Repeat("m", i+1)})
			}
			e := planned(p)
			url, _ := serve(t, e)
			var modes, phases []string
			for _, m := range run.Modes {
				modes = append(modes, m.Name)
			}
			for _, p := range run.Phases {
				phases = append(phases, p.Name)
			}
			rounds := 0
			for _, c := range run.Cells {
				rounds = max(rounds, c.Round)
			}
			show := func() error { return e.Ended(run, rounds, modes, phases) }
			for round := 1; round < rounds; round++ {
				if err := e.Ended(run, round, modes, phases); err != nil {
					t.Fatal(err)
				}
			}
			if tt.ended {
				show = func() error { return e.Judged(run) }
			}
			if err := show(); err != nil {
				t.Fatal(err)
			}
			s := get(t, url)
			baselines := map[string]bool{}
			of := func(mode, baseline, phase string) (float64, bool) {
				v, ok := s.values[key(signal.LoadFigureRatio, signal.LabelMode, mode, signal.LabelBaseline, baseline, signal.LabelPhase, phase,
					signal.LabelFigure, "p99", signal.LabelBound, signal.BoundPoint)]
				return v, ok
			}
			for _, phase := range phases {
				for _, a := range modes {
					for _, b := range modes {
						v, ok := of(a, b, phase)
						if !ok {
							continue
						}
						baselines[b] = true
						if back, both := of(b, a, phase); both && math.Abs(v*back-1) > 1e-9 {
							t.Errorf("%s, p99 of %s over %s is %v, and the other way round %v", phase, a, b, v, back)
						}
					}
				}
			}
			if len(baselines) != tt.want {
				t.Errorf("got ratios to %v, want %d baselines", baselines, tt.want)
			}
		})
	}
}

// However long a phase is, its seconds are a bounded number of series.
func TestSecondsAreBounded(t *testing.T) {
	t.Parallel()
	run := resulttest.Stampede(t)
	const long = 10 * time.Minute
	p := planOf(run)
	for i := range p.Phases {
		p.Phases[i].For = long
	}
	e := planned(p)
	url, _ := serve(t, e)
	i := slices.IndexFunc(run.Cells, func(c result.Cell) bool { return c.Phase == "expiry" })
	cell := run.Cells[i]
	one := result.Second{Response: cell.Seconds[0].Response}
	cell.Seconds = nil
	for one.At = 0; one.At < int(long/time.Second); one.At += 4 {
		cell.Seconds = append(cell.Seconds, one)
	}
	run.Cells = []result.Cell{cell}
	if err := e.Judged(run); err != nil {
		t.Fatal(err)
	}
	steps := map[string]bool{}
	for series := range get(t, url).values {
		if strings.HasPrefix(series, signal.LoadPhaseResponse) {
			steps[series] = true
		}
	}
	if n := len(steps); n < 3*50 || n > 3*120 {
		t.Errorf("%d series of a mode in a phase of %v", n, long)
	}
}
