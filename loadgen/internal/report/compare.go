package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// Comparison is stored runs side by side. It has no verdict: they were measured at different times, perhaps on different machines, and nothing
// chose by a coin which of them came first.
type Comparison struct {
	runs     []*figure.Figures
	rounds   [][]*figure.Figures // of each run
	Sections []Section
}

// Compare makes the comparison of runs with the first of them. It fails on a histogram that cannot be read.
func Compare(runs []*result.Run) (*Comparison, error) {
	c := &Comparison{}
	for i, run := range runs {
		f, err := figure.New(run)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", Letter(i), err)
		}
		rounds, err := f.Rounds()
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", Letter(i), err)
		}
		c.runs, c.rounds = append(c.runs, f), append(c.rounds, rounds)
	}
	differences := c.differences()
	found, err := c.findings(differences)
	if err != nil {
		return nil, err
	}
	c.Sections = []Section{found, c.which(), differences, c.times(), c.counts()}
	if found.Heading == "" {
		c.Sections = c.Sections[1:]
	}
	return c, nil
}

// findings are what the tables show, in sentences. If the runs had not the same conditions, that is one of them.
func (c *Comparison) findings(differences Section) (Section, error) {
	var names []string
	for i := range c.runs {
		names = append(names, Letter(i))
	}
	all, err := finding.OfRuns(c.runs, names)
	if err != nil {
		return Section{}, err
	}
	var conditions []string
	for _, x := range differences.Facts {
		if what := strings.TrimSuffix(x.Name, ":"); !slices.Contains(conditions, what) {
			conditions = append(conditions, what)
		}
	}
	if len(all) > 0 && len(conditions) > 0 {
		all = append(all[:min(len(all), finding.Most-1)], finding.Finding{Rule: "conditions", Text: "These differ too, and may be why: " + strings.Join(conditions, ", ") + "."})
	}
	return whatWasFound(all), nil
}

// Ratio is that of a figure of a mode in a phase of the run at i to the first run's. It is false if there is no interval of it.
func (c *Comparison) Ratio(i int, name, mode, phase string) (stats.Ratio, bool) {
	r, err := c.ratio(i, name, mode, phase)
	return r, err == nil && r.Bounded()
}

// ratio pairs the rounds of two runs as they come: they are independent of each other.
func (c *Comparison) ratio(i int, name, mode, phase string) (stats.Ratio, error) {
	x, _ := figure.Named(name)
	return pairedRatio(x, phase, side{c.rounds[i], mode}, side{c.rounds[0], mode})
}

// Letter names the run at i: A, B, ..., and 27 after Z.
func Letter(i int) string {
	const letters = 26
	if i >= letters {
		return strconv.Itoa(i + 1)
	}
	return string(rune('A' + i))
}

// which lists the runs.
func (c *Comparison) which() Section {
	s := Section{ID: "runs", Heading: "Runs"}
	for i, f := range c.runs {
		word, sentence := headline(f.Run)
		s.Facts = append(s.Facts, Fact{Name: Letter(i), Text: joined("; ", f.Run.ID, joined(": ", word, sentence)), Tone: tone(word)})
	}
	return s
}

// conditions are what two runs must have in common to differ for no other reason than the app.
func conditions(run *result.Run) []Fact {
	m := run.Machine
	return []Fact{
		{Name: "machine", Text: joined(", ", m.CPU, cores(m.Cores), m.OS, m.Go)},
		{Name: "scenario", Text: run.Scenario.Name + " " + run.Scenario.SHA256[:min(12, len(run.Scenario.SHA256))]},
		{Name: "seed", Text: strconv.FormatUint(run.Seed, 10)},
		{Name: "stack", Text: joined(": ", run.Stack.Kind, joined(", ", run.Stack.Database, run.Stack.Cache, strconv.Itoa(run.Stack.Rows)+" rows"))},
		{Name: "app", Text: run.Stack.App},
		{Name: "settings", Text: config(run.Stack.Config)},
		{Name: "generator", Text: run.Commit},
		{Name: "rounds", Text: strconv.Itoa(run.Scenario.Rounds)},
	}
}

// differences says first what else than the app differs.
func (c *Comparison) differences() Section {
	s := Section{ID: "conditions", Heading: "What differs beside the figures"}
	first := conditions(c.runs[0].Run)
	for i, f := range c.runs[1:] {
		for j, x := range conditions(f.Run) {
			if x.Text != first[j].Text {
				s.Facts = append(s.Facts, Fact{Name: x.Name + ":", Text: "A " + cmp.Or(first[j].Text, "unknown") + "; " + Letter(i+1) + " " + cmp.Or(x.Text, "unknown"), Tone: Doubtful})
			}
		}
	}
	if len(s.Facts) == 0 {
		s.Prose = prose("Nothing: machine, scenario, seed, stack, app and settings are the same.")
	}
	return s
}

// pairs calls each with every phase and mode that the first run and any other have.
func (c *Comparison) pairs(each func(p result.PhaseInfo, mode string)) {
	eachPhase(c.runs[0], func(p result.PhaseInfo, modes []string) {
		for _, m := range modes {
			if slices.ContainsFunc(c.runs[1:], func(f *figure.Figures) bool { return f.Total(m, p.Name) != nil }) {
				each(p, m)
			}
		}
	})
}

// times are the percentiles of the response time, and their ratios to the first run's with intervals.
func (c *Comparison) times() Section {
	t := &Table{Columns: []Column{{Title: "mode", Left: true}, {Title: "A"}}}
	for i := range c.runs[1:] {
		t.Columns = append(t.Columns, Column{Title: Letter(i + 1)}, Column{Title: Letter(i+1) + " / A"})
	}
	for _, name := range []string{"p50", "p95", "p99"} {
		c.pairs(func(p result.PhaseInfo, mode string) {
			row := []Cell{{Text: mode}, rendered(name, c.runs[0].Total(mode, p.Name), inMillis)}
			for i, f := range c.runs[1:] {
				ratio := ratioCell(c.ratio(i+1, name, mode, p.Name))
				if ratio.Known {
					ratio.Tone = toneOf(ratio.Value)
				}
				row = append(row, rendered(name, f.Total(mode, p.Name), inMillis), ratio)
			}
			title := p.Name + ": " + name
			if n := len(t.Groups); n == 0 || t.Groups[n-1].Title != title {
				t.Groups = append(t.Groups, Group{Name: p.Name, Title: title})
			}
			g := &t.Groups[len(t.Groups)-1]
			g.Rows = append(g.Rows, row)
		})
	}
	if len(t.Groups) == 0 {
		return Section{ID: "times", Heading: "Response times", Prose: prose("The runs have no mode and phase in common.")}
	}
	return Section{ID: "times", Heading: "Response times", Table: t, Prose: prose("B / A: of the rounds' percentiles, with the interval that has the true ratio in 95% of such " +
		"comparisons, so that of twenty one is off by chance; " + alike + ": it cannot be told from 1; " + unit.None + ": fewer than two rounds of each have enough requests. Each run has the luck of its own processes and of its own time, which is " +
		"in no interval: two runs of one build can differ by more. Builds are compared by running them beside each other.")}
}

// toneOf is that of a ratio that is not 1: slower is bad news.
func toneOf(ratio float64) Tone {
	if ratio > 1 {
		return Bad
	}
	return Good
}

// counts are what requests cost in queries, commands and recomputes, where it differs. They have no noise to speak of.
func (c *Comparison) counts() Section {
	t := &Table{Columns: []Column{{Title: "mode", Left: true}}}
	for i := range c.runs {
		t.Columns = append(t.Columns, Column{Title: Letter(i)})
	}
	for _, name := range []string{"errors", "sql", "redis", "recomputes", "hit_ratio"} {
		x, _ := figure.Named(name)
		rows := map[string][][]Cell{}
		c.pairs(func(p result.PhaseInfo, mode string) {
			row, texts := []Cell{{Text: mode}}, map[string]bool{}
			for _, f := range c.runs {
				cell := value(x, f.Total(mode, p.Name))
				if cell.Known {
					cell.Text = unit.Digits(cell.Value)
				}
				row, texts[cell.Text] = append(row, cell), true
			}
			if len(texts) > 1 {
				rows[p.Name] = append(rows[p.Name], row)
			}
		})
		for _, phase := range slices.Sorted(maps.Keys(rows)) {
			t.Groups = append(t.Groups, Group{Name: phase, Title: phase + ": " + strings.ReplaceAll(name, "_", " ")})
			t.Groups[len(t.Groups)-1].Rows = rows[phase]
		}
	}
	if len(t.Groups) == 0 {
		return Section{ID: "counts", Heading: "Counts", Prose: prose("Errors, queries and Redis commands per request, recomputes and hit ratios are the same.")}
	}
	return Section{ID: "counts", Heading: "Counts that differ", Table: t, Prose: prose("sql and redis: per request; recomputes: in a round. Recomputes and hit ratios differ by chance from run to " +
		"run, queries of a page do not.")}
}

// Text writes the comparison for people at a terminal.
func (c *Comparison) Text(w io.Writer, o Options) error {
	p := newPage(w, o)
	for _, s := range c.Sections {
		p.section(s)
	}
	return p.err
}

// Markdown writes the comparison for a comment.
func (c *Comparison) Markdown(w io.Writer) error {
	var parts []string
	for _, s := range c.Sections {
		parts = append(parts, part(markdownSection(s)))
	}
	_, err := io.WriteString(w, fit(parts, Options{}))
	return err
}
