// Package history has one figure across stored runs of a scenario: its values by run, with commits and machines, and where they changed. It has no verdict: runs were measured at
// different times, and nothing chose by a coin which of them came first.
//
// Runs are of one series if they were measured on the same machine, stack and database, and had the same load and the same request. Others are not comparable. What makes a run
// worth nothing (it is invalid, the generator was the bottleneck, it was interrupted) and a figure that is marked, as of too few requests, is shown and not used.
//
// A figure is that of all requests of a run. The intervals of package figure are of one round, and of no use here: what runs of one build differ by is seen in the runs.
package history

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// Query is what is asked for. Empty fields are chosen: the first scenario that was added, the phase with the most requests in its newest run, all modes, p99.
type Query struct{ Scenario, Mode, Phase, Figure string }

// Alpha is the probability with which a change is named in a series that has none, if its figures are independent: see stats.Changes.
const Alpha = 0.01

// History is the answer.
type History struct {
	Query
	Unit   string // of the figure, as package figure has it
	Series []Series
	Runs   int // of the scenario
}

// Series are the runs of one mode that can be compared with each other, the oldest first.
type Series struct {
	Mode    string
	Machine string // and stack, and database
	Load    string // and request
	Points  []Point
	Changes []Change
	Used    int // points that are known
}

// Point is the figure of one run.
type Point struct {
	Run     string
	Started time.Time
	Commit  string // of the app
	Value   float64
	Known   bool
	Why     string // it is not known, or not used
}

// Change is where a series changed.
type Change struct {
	At            int     // index of the first point after it
	Before, After float64 // medians of the points up to the changes beside it
	P             float64
}

// run is what is kept of a stored run: its figures, without the run's histograms.
type run struct {
	figures *figure.Figures
	reason  string // it is not used
}

// Book collects runs.
type Book struct{ runs []run }

// Add adds a run. It fails on a histogram that cannot be read.
func (b *Book) Add(r *result.Run) error {
	f, err := figure.New(r)
	if err != nil {
		return err
	}
	reason := ""
	switch {
	case r.Interrupted:
		reason = "INTERRUPTED"
	case len(r.Invalid) > 0:
		reason = "INVALID: " + r.Invalid[0]
	case r.IsLimited():
		reason = "GENERATOR-LIMITED: " + r.Limited[0]
	}
	b.runs = append(b.runs, run{f, reason})
	return nil
}

// Scenarios are the names of the scenarios, with how many runs there are of each.
func (b *Book) Scenarios() (names []string, runs map[string]int) {
	runs = map[string]int{}
	for _, r := range b.runs {
		name := r.figures.Run.Scenario.Name
		if runs[name] == 0 {
			names = append(names, name)
		}
		runs[name]++
	}
	slices.Sort(names)
	return names, runs
}

// ErrNothing is that there are no runs of what was asked for.
var ErrNothing = errors.New("no stored run has it")

// Ask returns a figure across runs. The error is ErrNothing, wrapped with what there is.
func (b *Book) Ask(q Query) (*History, error) {
	of := slices.DeleteFunc(slices.Clone(b.runs), func(r run) bool { return r.figures.Run.Scenario.Name != q.Scenario })
	if len(of) == 0 {
		names, _ := b.Scenarios()
		return nil, fmt.Errorf("scenario %q: %w; there are runs of %s", q.Scenario, ErrNothing, cmp.Or(strings.Join(names, ", "), "nothing"))
	}
	slices.SortStableFunc(of, func(x, y run) int { return x.figures.Run.Started.Compare(y.figures.Run.Started) })
	q.Figure = cmp.Or(q.Figure, "p99")
	x, ok := figure.Named(q.Figure)
	if !ok {
		return nil, fmt.Errorf("figure %q: %w; known are %s", q.Figure, ErrNothing, strings.Join(figure.Names(), ", "))
	}
	q.Phase = cmp.Or(q.Phase, busiest(of[len(of)-1].figures))
	h := &History{Query: q, Unit: x.Unit, Runs: len(of)}
	for _, r := range of {
		for _, mode := range r.figures.Modes() {
			if q.Mode == "" || q.Mode == mode {
				h.add(r, x, mode)
			}
		}
	}
	if len(h.Series) == 0 {
		newest := of[len(of)-1].figures
		return nil, fmt.Errorf("mode %q in phase %q: %w; the newest run has modes %s and phases %s", q.Mode, q.Phase, ErrNothing, strings.Join(newest.Modes(), ", "),
			strings.Join(newest.Phases(), ", "))
	}
	for i := range h.Series {
		h.Series[i].divide()
	}
	return h, nil
}

// Modes are the names of the modes, each once.
func (h *History) Modes() []string {
	var names []string
	for _, s := range h.Series {
		if !slices.Contains(names, s.Mode) {
			names = append(names, s.Mode)
		}
	}
	return names
}

// busiest is the phase with the most requests.
func busiest(f *figure.Figures) string {
	best, most := "", int64(-1)
	for _, p := range f.Phases() {
		if t := f.Total("", p); t != nil && t.Ledger.Scheduled > most {
			best, most = p, t.Ledger.Scheduled
		}
	}
	return best
}

// add adds the figure of a mode in a run to its series.
func (h *History) add(r run, x figure.Figure, mode string) {
	total := r.figures.Total(mode, h.Phase)
	if total == nil {
		return
	}
	of := Series{Mode: mode, Machine: machine(r.figures.Run), Load: load(r.figures.Run, mode, h.Phase)}
	i := slices.IndexFunc(h.Series, func(s Series) bool { return s.Mode == of.Mode && s.Machine == of.Machine && s.Load == of.Load })
	if i < 0 {
		i = len(h.Series)
		h.Series = append(h.Series, of)
	}
	p := Point{Run: r.figures.Run.ID, Started: r.figures.Run.Started, Commit: commit(r.figures.Run), Why: r.reason}
	v, err := x.Of(total)
	switch {
	case err != nil && !errors.Is(err, figure.ErrTooFewSamples) && !errors.Is(err, figure.ErrAtBound):
		p.Why = cmp.Or(p.Why, err.Error())
	case err != nil:
		p.Value, p.Why = v, cmp.Or(p.Why, err.Error())
	default:
		p.Value, p.Known = v, p.Why == ""
	}
	h.Series[i].Points = append(h.Series[i].Points, p)
}

// machine is what has to be the same for two runs to be compared.
func machine(r *result.Run) string {
	m := r.Machine
	parts := []string{m.CPU}
	if m.Cores > 0 {
		parts = append(parts, fmt.Sprintf("%d cores", m.Cores))
	}
	parts = append(parts, m.OS, "stack "+r.Stack.Kind, r.Stack.Database, r.Stack.Cache)
	if r.Stack.Kind == "remote" {
		parts = append(parts, r.Stack.Target)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// load is the load of a phase, and what a mode requests.
func load(r *result.Run, mode, phase string) string {
	var parts []string
	for _, p := range r.Phases {
		if p.Name == phase {
			parts = append(parts, p.Load)
		}
	}
	for _, m := range r.Modes {
		if m.Name == mode && m.Path != "" {
			parts = append(parts, m.Method+" "+m.Path)
		}
	}
	return strings.Join(parts, ", ")
}

// commit is that of the app, or, where it does not say, of the generator.
func commit(r *result.Run) string {
	app, _, _ := strings.Cut(r.Stack.App, ",")
	return cmp.Or(app, r.Commit, "unknown")
}

// divide finds the changes of a series, by the logarithms of what is positive: what is twice as slow is as far as what is half as fast.
func (s *Series) divide() {
	var at []int
	var values, x []float64
	positive := true
	for i, p := range s.Points {
		if p.Known {
			at, values = append(at, i), append(values, p.Value)
			positive = positive && p.Value > 0
		}
	}
	s.Used = len(values)
	first := max(len(values)-stats.MostChanging, 0)
	at, values = at[first:], values[first:]
	for _, v := range values {
		if positive {
			v = math.Log(v)
		}
		x = append(x, v)
	}
	changes, err := stats.Changes(x, Alpha, uint64(len(x)))
	if err != nil {
		return // there are no figures
	}
	for i, c := range changes {
		from, to := 0, len(values)
		if i > 0 {
			from = changes[i-1].At
		}
		if i+1 < len(changes) {
			to = changes[i+1].At
		}
		s.Changes = append(s.Changes, Change{At: at[c.At], P: c.P, Before: stats.Median(values[from:c.At]), After: stats.Median(values[c.At:to])})
	}
}
