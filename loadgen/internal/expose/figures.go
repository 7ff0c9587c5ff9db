package expose

import (
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/otel/signal"
)

// figures are those of the report, of the cells that have ended so far: what a dashboard shows of them is what the report will have.
type figures struct {
	baseline                string          // the scenario's first mode
	kinds                   map[string]Kind // of the modes
	values, atLeast, ratios *prometheus.GaugeVec
	gates, verdict          *prometheus.GaugeVec

	byRound map[compared][]float64 // values by round, for ratios
}

// mostRatios bounds the series of ratios to baselines other than the scenario's first mode.
const mostRatios = 15_000

// compared is what is compared with that of the baseline.
type compared struct{ mode, phase, figure string }

// percentiles are the figures that are compared.
func percentiles() []string { return []string{"p50", "p95", "p99"} }

func newFigures(r registrar, p Plan) *figures {
	labels := []string{signal.LabelMode, signal.LabelPhase, signal.LabelFigure}
	f := &figures{
		baseline: p.Baseline, kinds: map[string]Kind{}, byRound: map[compared][]float64{},
		values: r.gauge(signal.LoadFigure, "The report's figures, over all cells that have ended and are no warm-up. Times are in seconds.", labels...),
		atLeast: r.gauge(signal.LoadFigureAtLeast, "1 if the figure is no more than a lower bound: of fewer requests than the percentile takes, "+
			"or at the greatest time that is recorded.", labels...),
		ratios: r.gauge(signal.LoadFigureRatio, "The ratio of a percentile to that of the baseline in the same phase, and its interval of 95%, by rounds: to the scenario's first mode, and once the run has ended to every other.",
			append(labels, signal.LabelBaseline, signal.LabelBound)...),
		gates:   r.gauge(signal.LoadGate, "1 for the verdict of a gate of a run that has ended.", signal.LabelGate, signal.LabelVerdict),
		verdict: r.gauge(signal.LoadVerdict, "1 for the verdict of a run that has ended.", signal.LabelVerdict),
	}
	for _, m := range p.Modes {
		f.kinds[m.Name] = m.Kind
	}
	return f
}

// Ended shows what the cells of some modes in some phases have come to, of all rounds, when a round of them has ended. The run goes on.
func (e *Exporter) Ended(run *result.Run, round int, modes, phases []string) error {
	if e == nil {
		return nil
	}
	all := partOf(run, func(c result.Cell) bool { return slices.Contains(modes, c.Mode) && slices.Contains(phases, c.Phase) })
	sum, err := figure.New(all)
	if err != nil {
		return err
	}
	this, err := figure.New(partOf(all, func(c result.Cell) bool { return c.Round == round }))
	if err != nil {
		return err
	}
	e.figures.show(sum)
	e.figures.keep(round, this)
	e.figures.compare(e.figures.baseline)
	return e.seconds.show(all)
}

// Judged shows the figures of a run that has ended, its gates and its verdict.
func (e *Exporter) Judged(run *result.Run) error {
	if e == nil {
		return nil
	}
	for _, g := range run.Gates {
		e.figures.gates.WithLabelValues(g.Expr, g.Verdict).Set(1)
	}
	e.figures.verdict.WithLabelValues(result.Word(run)).Set(1)
	sum, err := figure.New(run)
	if err != nil {
		return err
	}
	rounds, err := sum.Rounds()
	if err != nil {
		return err
	}
	e.figures.show(sum)
	for i, f := range rounds { // the last of an interrupted run has not ended
		e.figures.keep(i+1, f)
	}
	e.figures.compare(e.figures.baselines()...)
	return e.seconds.show(run)
}

// partOf returns the run with a part of its cells, and the modes that these are of.
func partOf(run *result.Run, in func(result.Cell) bool) *result.Run {
	part := *run
	part.Cells = slices.DeleteFunc(slices.Clone(run.Cells), func(c result.Cell) bool { return !in(c) })
	part.Modes = slices.DeleteFunc(slices.Clone(run.Modes), func(m result.Mode) bool {
		return !slices.ContainsFunc(part.Cells, func(c result.Cell) bool { return c.Mode == m.Name })
	})
	return &part
}

// each calls do with every mode in every phase that has figures, and the parts of phases that have faults.
func each(f *figure.Figures, do func(mode, phase string, t *figure.Total)) {
	for _, phase := range f.Phases() {
		for _, name := range []string{phase, phase + figure.Inside, phase + figure.Outside} {
			for _, mode := range f.Modes() {
				if t := f.Total(mode, name); t != nil {
					do(mode, name, t)
				}
			}
		}
	}
}

// show sets the figures.
func (s *figures) show(f *figure.Figures) {
	table := figure.Table()
	each(f, func(mode, phase string, t *figure.Total) {
		for _, x := range table {
			v, err := x.Of(t)
			if errors.Is(err, figure.ErrNoSamples) {
				continue
			}
			if x.Unit == figure.Milliseconds {
				v /= 1000
			}
			s.values.WithLabelValues(mode, phase, x.Name).Set(v)
			if x.Column.Place > 0 && x.OfTimes() {
				s.atLeast.WithLabelValues(mode, phase, x.Name).Set(indicator(err != nil))
			}
		}
	})
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// keep remembers the figures of a round that are compared.
func (s *figures) keep(round int, f *figure.Figures) {
	each(f, func(mode, phase string, t *figure.Total) {
		for _, name := range percentiles() {
			x, _ := figure.Named(name)
			key := compared{mode, phase, name}
			for len(s.byRound[key]) < round {
				s.byRound[key] = append(s.byRound[key], math.NaN())
			}
			s.byRound[key][round-1] = x.Comparable(t)
		}
	})
}

// baselines returns the modes that the others may be compared with when a run has ended: all, or the scenario's first alone where those are too many
// series. They are as many as modes squared, which is why they are not there while the run goes on.
func (s *figures) baselines() []string {
	ratios := len(s.byRound) * (len(s.kinds) - 1) * len([]string{signal.BoundPoint, signal.BoundLow, signal.BoundHigh})
	if ratios > mostRatios {
		return []string{s.baseline}
	}
	return slices.Collect(maps.Keys(s.kinds))
}

// compare sets the ratios to each of the baselines. A ratio without an interval is not shown: nobody knows whether it is one.
func (s *figures) compare(baselines ...string) {
	for key, of := range s.byRound {
		for _, baseline := range baselines {
			if key.mode == baseline || s.kinds[key.mode] == Step || s.kinds[key.mode] != s.kinds[baseline] {
				continue
			}
			ratio, err := figure.PairedRatio(of, s.byRound[compared{baseline, key.phase, key.figure}])
			if err != nil || !ratio.Bounded() {
				continue
			}
			for bound, v := range map[string]float64{signal.BoundPoint: ratio.Value, signal.BoundLow: ratio.Low, signal.BoundHigh: ratio.High} {
				s.ratios.WithLabelValues(key.mode, key.phase, key.figure, baseline, bound).Set(v)
			}
		}
	}
}
