package report

import (
	"fmt"
	"io"
	"strings"

	"loadlab/loadgen/internal/tty"
)

// Options say what a text report is written for.
type Options struct {
	Width int    // of the terminal; 0 is 80
	Color bool   // whether it takes ANSI colours
	Path  string // where run.json is; empty if it is nowhere
}

// Text writes the report for people at a terminal: the verdict first, then what was run on what, the modes by phase, predictions,
// staleness, errors, notes and the gates.
func Text(w io.Writer, run *Run, o Options) error {
	f, err := NewFigures(run)
	if err != nil {
		return err
	}
	p := &page{w: w, width: o.Width, colors: o.Color}
	if p.width <= 0 {
		p.width = 80
	}
	writeVerdict(p, run)
	writeHead(p, run)
	writeTables(p, f)
	writeSpent(p, f)
	writePredictions(p, f)
	writeRepeated(p, f)
	writeStaleness(p, f)
	writeErrors(p, f)
	writeNotes(p, f)
	writeGates(p, run)
	if o.Path != "" {
		p.write("\n")
		p.item("run.json", 10, tty.Faint, o.Path)
		if len(run.Traces) > 0 {
			p.item("traces", 10, tty.Faint, "loadgen trace "+o.Path+" draws the slowest request; --list lists the "+counted(int64(len(run.Traces)), "trace")+" that were kept")
		}
	}
	return p.err
}

func verdictColor(word string) tty.Color {
	switch word {
	case "PASS":
		return tty.Green
	case "FAIL", "INVALID", "GENERATOR-LIMITED":
		return tty.Red
	case "DONE":
		return tty.Plain
	}
	return tty.Yellow
}

func writeVerdict(p *page, run *Run) {
	word, sentence := headline(run)
	p.item(word+"  ", 0, verdictColor(word), run.Scenario.Name+": "+sentence)
	// The headline has the first of them.
	for _, reasons := range [][]string{run.Invalid, run.Limited} {
		for _, reason := range reasons[min(1, len(reasons)):] {
			p.item(word+"  ", 0, verdictColor(word), "also: "+reason)
		}
	}
	p.write("\n")
}

// fact is one line of the head.
type fact struct{ name, text string }

// facts say what was run, on what, and when: what has to be the same for two runs to be compared.
func facts(run *Run) []fact {
	s := run.Stack
	stack := []string{}
	for _, x := range []string{s.Database, s.Cache} {
		if x != "" {
			stack = append(stack, x)
		}
	}
	if s.Rows > 0 {
		stack = append(stack, counted(int64(s.Rows), "row"))
	}
	if s.Replicas > 1 {
		stack = append(stack, counted(int64(s.Replicas), "replica"))
	}
	if s.Target != "" {
		stack = append(stack, s.Target)
	}
	m := run.Machine
	var rounds []string
	rounds = append(rounds, counted(int64(len(run.Modes)), "mode"), counted(int64(run.Scenario.Rounds), "round"))
	all := []fact{
		{"scenario", joined(": ", run.Scenario.Name, run.Scenario.Why)},
		{"stack", joined(": ", s.Kind, strings.Join(stack, ", "))},
		{"app", joined("; ", s.App, config(s.Config))},
		{"machine", joined(", ", m.CPU, cores(m.Cores), m.OS, m.Go)},
		{"commit", run.Commit},
		{"load", fmt.Sprintf("%s, seed %d", strings.Join(rounds, ", "), run.Seed)},
		{"when", fmt.Sprintf("%s, took %s", run.Started.UTC().Format("2006-01-02 15:04:05 UTC"), length(run.Took))},
	}
	known := all[:0]
	for _, x := range all {
		if x.text != "" {
			known = append(known, x)
		}
	}
	return known
}

func writeHead(p *page, run *Run) {
	for _, x := range facts(run) {
		p.item(x.name, 10, tty.Faint, x.text)
	}
}

// writeTables writes the modes by phase: in one table where the page is wide enough, in two where it is not.
func writeTables(p *page, f *Figures) {
	if f.total("", "") == nil {
		p.title("Nothing was measured")
		return
	}
	fields := f.fields()
	p.title("Modes by phase")
	if g := f.grid(fields, inBoth); g.width() <= p.width {
		g.write(p)
	} else {
		f.grid(fields, inLatency).write(p)
		p.title("What they cost")
		f.grid(fields, inCost).write(p)
	}
	p.write("\n")
	for _, s := range legend(f, fields) {
		p.item(indent, 0, tty.Plain, s)
	}
}

// grid lays the fields of some part out, a section for each phase.
func (f *Figures) grid(fields []field, of part) *grid {
	g := &grid{}
	var used []field
	for _, x := range fields {
		if x.part&of != 0 {
			g.columns, used = append(g.columns, x.column), append(used, x)
		}
	}
	for _, p := range f.run.Phases {
		if f.total("", p.Name) == nil {
			continue
		}
		g.section(phaseTitle(p))
		for _, m := range f.run.Modes {
			if f.total(m.Name, p.Name) == nil {
				continue
			}
			var cells []cell
			for _, x := range used {
				cells = append(cells, x.say(f, m.Name, p.Name))
			}
			g.row(cells...)
		}
	}
	return g
}

// phaseTitle names a phase and says what its load was.
func phaseTitle(p Phase) string {
	s := joined(": ", p.Name, p.Load)
	if p.Mix {
		s += ", shared by the modes"
	}
	return s
}

// legend explains the columns that are there, to somebody who sees the table for the first time.
func legend(f *Figures, fields []field) []string {
	lines := []string{"Times run from when a request was due to its last byte, so a request that had to wait to be sent is charged for it."}
	var says []string
	for _, x := range fields {
		switch x.above {
		case "p99 vs":
			first := f.run.Modes[0].Name
			says = append(says, fmt.Sprintf("p99 vs %s: a mode's p99 divided by the p99 of %s in the same phase", first, first))
		case "SQL":
			says = append(says, "SQL and Redis: queries and commands per request")
			if t := f.total("", ""); t.counters() != nil {
				says[len(says)-1] += ", background work included"
			}
		case "hit":
			says = append(says, "hit ratio: answered from the cache, stale pages included")
		case "recomputes":
			says = append(says, "recomputes: how often a page was computed anew in a round")
		}
	}
	if f.gaps(fields) {
		says = append(says, none+": not measured")
	}
	if len(says) > 0 {
		lines = append(lines, strings.Join(says, "; ")+".")
	}
	var warm []string
	for _, p := range f.run.Phases {
		if p.Warmup {
			warm = append(warm, p.Name)
		}
	}
	if len(warm) > 0 {
		lines = append(lines, "In none of these figures: warm-up ("+strings.Join(warm, ", ")+").")
	}
	return lines
}
