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
type faultOf struct {
	phase, text string
	modes       []string
	of          map[string][]result.Fault // by mode, one a round
	alone       bool                      // it is the only one of its phase
}

// faultsOf returns the faults of a run, in the order of its phases.
func faultsOf(f *figure.Figures) []faultOf {
	var all []faultOf
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		first := len(all)
		for _, m := range modes {
			for _, x := range f.Total(m, p.Name).Faults {
				i := slices.IndexFunc(all[first:], func(o faultOf) bool { return o.text == x.Text })
				if i < 0 {
					i = len(all) - first
					all = append(all, faultOf{phase: p.Name, text: x.Text, of: map[string][]result.Fault{}})
				}
				o := &all[first+i]
				if len(o.of[m]) == 0 {
					o.modes = append(o.modes, m)
				}
				o.of[m] = append(o.of[m], x)
			}
		}
		for i := range all[first:] {
			all[first+i].alone = len(all)-first == 1
		}
	})
	return all
}

// faults has a section for each fault: what it did to each mode.
func faults(f *figure.Figures) []Section {
	var sections []Section
	all := faultsOf(f)
	for _, x := range all {
		t := &Table{Second: "When it was felt: " + x.text, Columns: faultColumns()}
		g := Group{Name: x.phase, Title: x.phase}
		for _, m := range x.modes {
			g.Rows = append(g.Rows, x.row(f, m))
		}
		t.Groups = append(t.Groups, g)
		sections = append(sections, Section{
			ID: Faults, Heading: fmt.Sprintf("Fault: %s, in phase %s", x.text, x.phase), Table: dropEmpty(t), Prose: x.notes(f),
		})
	}
	if len(all) == 0 {
		return nil
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
	sum := sumUp(x.of[mode])
	cells := []Cell{
		{Text: mode},
		x.p99(f, mode, figure.Outside, sum.outside), x.p99(f, mode, figure.Inside, sum.inside),
		{Text: unit.Count(sum.errors) + " of " + unit.Count(sum.requests), Value: float64(sum.errors), Known: true, Tone: badIf(sum.errors > 0)},
		{Text: unit.Count(sum.degraded), Value: float64(sum.degraded), Known: true},
		lasted(sum.detect, unit.None), lasted(sum.degrade, "all of it"), lasted(sum.recover, "not seen"),
	}
	calls := Cell{Text: unit.None, Tone: Faint}
	if sum.lasted > 0 && sum.attempts >= 0 {
		v := float64(sum.attempts) / sum.lasted.Seconds()
		calls = Cell{Text: unit.Digits(v), Value: v, Known: true}
	}
	stalest := Cell{Text: unit.None, Tone: Faint}
	if sum.stalest > 0 {
		stalest = latency(sum.stalest)
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

// p99 is that of a part of the phase: of all rounds together if the fault is the only one of its phase, else the worst round's.
func (x faultOf) p99(f *figure.Figures, mode, part string, worst result.Summary) Cell {
	p99, _ := figure.Named("p99")
	if x.alone {
		c := value(p99, f.Total(mode, x.phase+part))
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
	case worst.Count < p99.Samples():
		c := latency(worst.P99)
		c.Text, c.Mark, c.Tone = unit.AtLeast+c.Text, TooFew, Faint
		return c
	}
	return latency(worst.P99)
}

// faultSum is a fault over its rounds: sums of counts, and the longest of times.
type faultSum struct {
	requests, errors, degraded, attempts int64
	inside, outside                      result.Summary // of the round with the greatest p99
	detect, degrade, recover             *time.Duration
	lasted, stalest                      time.Duration
	failed                               map[string]int64
}

func sumUp(rounds []result.Fault) faultSum {
	s := faultSum{failed: map[string]int64{}, degrade: new(time.Duration), recover: new(time.Duration)}
	for _, x := range rounds {
		i := x.Impact
		s.requests += i.Inside.Requests
		s.errors += i.Inside.Errors()
		s.degraded += i.Inside.Degraded
		for kind, n := range i.Inside.Failed {
			s.failed[kind] += n
		}
		s.inside, s.outside = worse(s.inside, i.Inside.Response), worse(s.outside, i.Outside.Response)
		if i.Detect != nil && (s.detect == nil || *i.Detect > *s.detect) {
			s.detect = i.Detect
		}
		s.degrade, s.recover = longer(s.degrade, i.Degrade), longer(s.recover, i.Recover)
		s.lasted += x.Ended - x.Began
		s.stalest = max(s.stalest, i.Inside.Stalest)
		if i.Attempts < 0 || s.attempts < 0 {
			s.attempts = -1
		} else {
			s.attempts += i.Attempts
		}
	}
	return s
}

func worse(a, b result.Summary) result.Summary {
	if b.Count > 0 && (a.Count == 0 || b.P99 > a.P99) {
		return b
	}
	return a
}

// longer returns the longer of two times; nil is one that has no end.
func longer(a, b *time.Duration) *time.Duration {
	if a == nil || b == nil {
		return nil
	}
	if *b > *a {
		return b
	}
	return a
}

// notes are how it is known that the fault took effect, how requests failed, and what the columns mean.
func (x faultOf) notes(f *figure.Figures) []Note {
	var lines []string
	first := x.of[x.modes[0]][0]
	lines = append(lines, fmt.Sprintf("Done by %s. Seen, with %s: %s. Slow is, for %s, what takes more than %s.",
		means(first.By), x.modes[0], strings.TrimSuffix(first.Evidence, "."), x.modes[0], unit.Latency(first.Impact.Slow)))
	for _, m := range x.modes {
		sum := sumUp(x.of[m])
		if sum.errors > 0 {
			text := m + " failed: " + kinds(sum.failed, ", ")
			if t := f.Total(m, x.phase+figure.Inside); t != nil {
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
	slim := &Table{Second: t.Second}
	for i, c := range t.Columns {
		if keep(i) {
			slim.Columns = append(slim.Columns, c)
		}
	}
	for _, g := range t.Groups {
		of := Group{Name: g.Name, Title: g.Title}
		for _, row := range g.Rows {
			var cells []Cell
			for i, c := range row {
				if keep(i) {
					cells = append(cells, c)
				}
			}
			of.Rows = append(of.Rows, cells)
		}
		slim.Groups = append(slim.Groups, of)
	}
	return slim
}
