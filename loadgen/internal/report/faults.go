package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// faultOf is one fault of one phase, over all rounds.
type faultOf struct{ figure.Befallen }

// faultsOf returns the faults of a run, in the order of its phases.
func faultsOf(f *figure.Figures) []faultOf {
	var all []faultOf
	for _, x := range f.Faults() {
		all = append(all, faultOf{x})
	}
	return all
}

// faults has a section for each fault: what it did to each mode.
func faults(f *figure.Figures) []Section {
	var sections []Section
	all := faultsOf(f)
	for _, x := range all {
		t := &Table{Second: "When it was felt: " + x.Text, Columns: faultColumns()}
		g := Group{Name: x.Phase, Title: x.Phase}
		for _, m := range x.Modes {
			g.Rows = append(g.Rows, x.row(f, m))
		}
		t.Groups = append(t.Groups, g)
		sections = append(sections, Section{
			ID: Faults, Heading: fmt.Sprintf("Fault: %s, in phase %s", x.Text, x.Phase), Table: dropEmpty(t), Prose: x.notes(f),
		})
	}
	if len(all) == 0 {
		return nil
	}
	for i := range sections {
		sections[i].Full = len(all) > 1 // else the matrix has what is to be seen at a glance
	}
	sections[0].Prose = append(sections[0].Prose, prose("detected: until the first request that shows it had ended (an error, an answer without the cache, or a slow one); paid for: until "+
		"requests no longer failed or were slow, while it went on; recovered: from its end until requests were as before it, to 100 ms; calls/s made to it: by the app, while it was down.")...)
	if len(all) == 1 { // else the matrix has it
		sections[0].Prose = append(sections[0].Prose, traceLegend(f)...)
	}
	return sections
}

// faultColumns are those of row.
func faultColumns() []Column {
	return []Column{
		{Title: "mode", Left: true, Part: figure.InAll},
		{Above: "p99 before", Title: "and after", Part: figure.InLatency}, {Above: "p99", Title: "during", Part: figure.InLatency},
		{Title: "errors", Part: figure.InLatency}, {Above: "without", Title: "cache", Part: figure.InLatency},
		{Above: "detected", Title: "after", Part: figure.InCost}, {Above: "paid for", Title: "it for", Part: figure.InCost},
		{Above: "recovered", Title: "after", Part: figure.InCost}, {Above: "calls/s", Title: "made to it", Part: figure.InCost},
		{Title: "stalest", Part: figure.InLatency}, {Title: "trace", Left: true, Part: figure.InLatency},
	}
}

func (x faultOf) row(f *figure.Figures, mode string) []Cell {
	sum := x.Sum(mode)
	cells := []Cell{
		{Text: mode},
		x.percentile(f, atP99, mode, figure.Outside, sum.Outside), x.percentile(f, atP99, mode, figure.Inside, sum.Inside),
		{Text: unit.Count(sum.Errors) + " of " + unit.Count(sum.Requests), Value: float64(sum.Errors), Known: true, Tone: badIf(sum.Errors > 0)},
		{Text: unit.Count(sum.Degraded), Value: float64(sum.Degraded), Known: true},
		lasted(sum.Detect, unit.None), lasted(sum.Degrade, "all of it"), lasted(sum.Recover, "not seen"),
	}
	calls := Cell{Text: unit.None, Tone: Faint}
	if sum.Lasted > 0 && sum.Attempts >= 0 {
		v := float64(sum.Attempts) / sum.Lasted.Seconds()
		calls = Cell{Text: unit.Digits(v), Value: v, Known: true}
	}
	stalest := Cell{Text: unit.None, Tone: Faint}
	if sum.Stalest > 0 {
		stalest = latency(sum.Stalest)
	}
	return append(cells, calls, stalest, x.trace(f, mode))
}

// lasted renders the greatest of some times; none stands for one that was not over.
func lasted(d *time.Duration, none string) Cell {
	if d == nil {
		return Cell{Text: none, Tone: Faint}
	}
	return latency(*d)
}

func latency(d time.Duration) Cell {
	return Cell{Text: unit.Latency(d), Value: figure.Millis(d), Known: true}
}

func badIf(bad bool) Tone {
	if bad {
		return Bad
	}
	return Plain
}

// percentile is one that is shown of the parts of a phase with faults: the name of its figure.
type percentile string

const (
	atP95 percentile = "p95"
	atP99 percentile = "p99"
)

func (p percentile) of(s result.Summary) time.Duration {
	if p == atP95 {
		return s.P95
	}
	return s.P99
}

// percentile is that of a part of the phase: of all rounds together if the fault is the only one of its phase, else the worst round's.
func (x faultOf) percentile(f *figure.Figures, p percentile, mode, part string, worst result.Summary) Cell {
	named, _ := figure.Named(string(p))
	if x.Alone {
		c := value(named, f.Total(mode, x.Phase+part))
		if c.Known {
			c.Text = unit.Latency(figure.Duration(c.Value))
		}
		if c.Mark != Unmarked {
			c.Text, c.Tone = unit.AtLeast+c.Text, Faint
		}
		return c
	}
	switch {
	case worst.Count == 0:
		return Cell{Text: unit.None, Tone: Faint}
	case worst.Count < named.Samples():
		c := latency(p.of(worst))
		c.Text, c.Mark, c.Tone = unit.AtLeast+c.Text, TooFew, Faint
		return c
	}
	return latency(p.of(worst))
}

// notes are how it is known that the fault took effect, how requests failed, and what the columns mean.
func (x faultOf) notes(f *figure.Figures) []Note {
	var lines []string
	first := x.Of[x.Modes[0]][0]
	lines = append(lines, fmt.Sprintf("Done by %s. Seen, with %s: %s. Slow is, for %s, what takes more than %s.",
		means(first.By), x.Modes[0], strings.TrimSuffix(first.Evidence, "."), x.Modes[0], unit.Latency(first.Impact.Slow)))
	for _, m := range x.Modes {
		sum := x.Sum(m)
		if sum.Errors > 0 {
			text := m + " failed: " + kinds(sum.Failed, ", ")
			if t := f.Total(m, x.Phase+figure.Inside); t != nil {
				text = joined(". First ", text, examples(t))
			}
			lines = append(lines, text+".")
		}
	}
	return prose(lines...)
}

// means names what did a fault.
func means(by string) string {
	if text := map[string]string{
		"process": "a signal to the process", "link": "the link in its path", "simulated": "the app's own driver (simulated)", "controls": "the app's lab controls",
	}[by]; text != "" {
		return text
	}
	return by
}

// dropEmpty takes the columns out of a table in which no cell has a value. The first stays.
func dropEmpty(t *Table) *Table {
	keep := func(i int) bool {
		if i == 0 {
			return true
		}
		for _, g := range t.Groups {
			if slices.ContainsFunc(g.Rows, func(row []Cell) bool { return row[i].Text != unit.None }) {
				return true
			}
		}
		return false
	}
	return t.pick(keep)
}
