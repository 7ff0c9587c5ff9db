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
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// Comparison is stored runs side by side. It has no verdict: they were measured at different times, perhaps on different machines, and nothing
// chose by a coin which of them came first.
type Comparison struct {
	runs     []*figure.Figures
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
		c.runs = append(c.runs, f)
	}
	times, err := c.times()
	if err != nil {
		return nil, err
	}
	c.Sections = []Section{c.which(), c.differences(), times, c.counts()}
	return c, nil
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
func (c *Comparison) times() (Section, error) {
	t := &Table{Columns: []Column{{Title: "mode", Left: true}, {Title: "A"}}}
	var rounds [][]*figure.Figures
	for i, f := range c.runs {
		of, err := f.Rounds()
		if err != nil {
			return Section{}, err
		}
		rounds = append(rounds, of)
		if i > 0 {
			t.Columns = append(t.Columns, Column{Title: Letter(i)}, Column{Title: Letter(i) + " / A"})
		}
	}
	for _, name := range []string{"p50", "p95", "p99"} {
		x, _ := figure.Named(name)
		c.pairs(func(p result.PhaseInfo, mode string) {
			row := []Cell{{Text: mode}, rendered(name, c.runs[0].Total(mode, p.Name), inMillis)}
			for i, f := range c.runs[1:] {
				// Rounds of two runs are independent of each other, so that they are paired as they come.
				ratio := ratioCell(pairedRatio(x, p.Name, side{rounds[i+1], mode}, side{rounds[0], mode}))
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
		return Section{ID: "times", Heading: "Response times", Prose: prose("The runs have no mode and phase in common.")}, nil
	}
	return Section{ID: "times", Heading: "Response times", Table: t, Prose: prose("B / A: of the rounds' percentiles, with the interval that has the true ratio in 95% of such " +
		"comparisons, so that of twenty one is off by chance; " + alike + ": it cannot be told from 1; " + unit.None + ": there are fewer than two rounds of each. Each run has the luck of its own processes and of its own time, which is " +
		"in no interval: two runs of one build can differ by more. Builds are compared by running them beside each other.")}, nil
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
