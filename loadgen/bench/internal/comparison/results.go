package comparison

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// Results are what was measured. Write prints them.
type Results struct {
	Config   Config
	Pinned   bool
	KS       float64 // of the Poisson arrivals' gaps, of which there were so many
	Arrivals int
	Failures []string // of peers

	Others      float64 // cores that other processes kept busy meanwhile
	OthersKnown bool

	rows         []*row
	lag50, lag99 []float64 // by round, in microseconds
}

// row is a generator's values by round; NaN is none.
type row struct {
	name                    string
	small, large, variation []float64
}

func newResults(c Config) *Results {
	return &Results{Config: c, lag50: none(c.Rounds), lag99: none(c.Rounds)}
}

func none(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }

// row finds or makes the row of a generator.
func (r *Results) row(name string) *row {
	for _, row := range r.rows {
		if row.name == name {
			return row
		}
	}
	n := r.Config.Rounds
	made := &row{name, none(n), none(n), none(n)}
	r.rows = append(r.rows, made)
	return made
}

// failed notes once what went wrong with a peer.
func (r *Results) failed(err error) {
	if text := err.Error(); !slices.Contains(r.Failures, text) {
		r.Failures = append(r.Failures, text)
	}
}

// Write prints the tables.
func (r *Results) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s, %d cores, %s; %s; %d rounds: median (least to greatest)\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), r.placement(), r.Config.Rounds)
	if err := r.writeGenerators(&b); err != nil {
		return err
	}
	b.WriteByte('\n')
	if err := r.writeGoals(&b); err != nil {
		return err
	}
	if r.OthersKnown && r.Others > quiet {
		fmt.Fprintf(&b, "\nother processes kept %.2f cores busy meanwhile: measure again on an idle machine\n", r.Others)
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "\nnot measured: %s\n", failure)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quiet is how many cores may be busy with something else.
const quiet = .1

func (r *Results) placement() string {
	if r.Pinned {
		return "generator on one core, server on another"
	}
	return "generator and server NOT pinned to a core each: expect noise"
}

func (r *Results) writeGenerators(w io.Writer) error {
	c := r.Config
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "CPU per request, us\t%d B\tx %s\t%d B\tx %s\tgaps at %s/s, CoV\n", c.Small, wrk, c.Large, wrk, number(c.Rate))
	by := r.row(wrk)
	names := []string{loadgen, exposed, bare}
	for _, g := range peers() {
		names = append(names, g.name)
	}
	for _, name := range names {
		row := r.row(name)
		if NewFigure(values(row.small)).Rounds == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", name,
			figure(row.small, "%.1f"), ratio(row.small, by.small), figure(row.large, "%.1f"), ratio(row.large, by.large), figure(row.variation, "%.2f"))
	}
	return t.Flush()
}

// goal is a row of the table of goals.
type goal struct {
	what, limit string
	most        float64
	values      []float64
	format      string
}

func (r *Results) goals() []goal {
	own, by := r.row(loadgen), r.row(wrk)
	var cost []float64
	for _, x := range Ratios(own.small, r.row(bare).small) {
		cost = append(cost, 100*(x-1))
	}
	rate := number(r.Config.Rate)
	return []goal{
		{fmt.Sprintf("CPU per request, %d B", r.Config.Small), "<= 1.25 x " + wrk, 1.25, Ratios(own.small, by.small), "%.2f"},
		{fmt.Sprintf("CPU per request, %d B", r.Config.Large), "<= 0.9 x " + wrk, .9, Ratios(own.large, by.large), "%.2f"},
		{"gaps of " + rate + "/s at the server, CoV", "<= 0.15", .15, own.variation, "%.3f"},
		{"send lag at " + rate + "/s, p50, us", "<= 100", 100, r.lag50, "%.0f"},
		{"send lag at " + rate + "/s, p99, us", "<= 300", 300, r.lag99, "%.0f"},
		{fmt.Sprintf("Poisson at the server, KS of %d gaps", r.Arrivals), fmt.Sprintf("<= %.3f (1%%)", KS1pc), KS1pc, []float64{r.KS}, "%.3f"},
		{"recording everything and traceparent, % CPU", "<= 5", 5, cost, "%+.1f"},
	}
}

func (r *Results) writeGoals(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "goal\t\tfigure\t")
	for _, g := range r.goals() {
		verdict := "not measured"
		if f := NewFigure(values(g.values)); f.Rounds > 0 {
			verdict = "missed"
			if f.Median <= g.most {
				verdict = "reached"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", g.what, g.limit, figure(g.values, g.format), verdict)
	}
	return t.Flush()
}

// values are those that are there.
func values(all []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(all), math.IsNaN)
}

// figure prints the figure of values by round.
func figure(all []float64, format string) string {
	f := NewFigure(values(all))
	switch f.Rounds {
	case 0:
		return "-"
	case 1:
		return fmt.Sprintf(format, f.Median)
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", f.Median, f.Least, f.Most)
}

// ratio prints how one compares to another.
func ratio(all, by []float64) string {
	f := NewFigure(Ratios(all, by))
	if f.Rounds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f.Median)
}
