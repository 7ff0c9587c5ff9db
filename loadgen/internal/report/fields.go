package report

import (
	"time"

	"loadlab/loadgen/internal/tty"
)

// part says which of two tables a field is in where a page is too narrow for one.
type part int

const (
	inLatency part = 1 << iota
	inCost
	inBoth = inLatency | inCost
)

// field is one column of the table of modes by phase: what it says of one mode in one phase.
type field struct {
	column
	part part
	say  func(f *Figures, mode, phase string) cell
}

// fields are the columns that have something to say, in order. The ratio to the first mode is only there if there are two modes.
func (f *Figures) fields() []field {
	all := []field{
		{column{title: "mode", left: true}, inBoth, func(_ *Figures, mode, _ string) cell { return cell{text: mode} }},
		{column{title: "requests"}, inCost, number("requests", amount)},
		{column{title: "errors"}, inLatency, errorCount},
		{column{title: "req/s"}, inLatency, number("rate", digits)},
		{column{title: "p50"}, inLatency, number("p50", inMillis)},
		{column{title: "p95"}, inLatency, number("p95", inMillis)},
		{column{title: "p99"}, inLatency, number("p99", inMillis)},
		{column{title: "max"}, inLatency, number("max", inMillis)},
	}
	if len(f.run.Modes) > 1 {
		all = append(all, field{column{above: "p99 vs", title: tty.Snip(tty.Clean(f.run.Modes[0].Name), 12)}, inLatency, ratioToFirst})
	}
	for _, c := range []field{
		{column{above: "SQL", title: "/req"}, inCost, number("sql", amount)},
		{column{above: "Redis", title: "/req"}, inCost, number("redis", amount)},
		{column{above: "hit", title: "ratio"}, inCost, number("hit_ratio", percent)},
		{column{above: "recomputes", title: "/round"}, inCost, number("recomputes", amount)},
	} {
		if f.speaks(c) {
			all = append(all, c)
		}
	}
	return all
}

// speaks reports whether a field has a value for any mode in any phase.
func (f *Figures) speaks(of field) bool {
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			if of.say(f, m, p).text != none {
				return true
			}
		}
	}
	return false
}

// gaps reports whether a field has no value for some mode in a phase that it took part in.
func (f *Figures) gaps(fields []field) bool {
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			for _, x := range fields {
				if f.total(m, p) != nil && x.say(f, m, p).text == none {
					return true
				}
			}
		}
	}
	return false
}

// number says a figure by its name.
func number(name string, format func(float64) string) func(*Figures, string, string) cell {
	return func(f *Figures, mode, phase string) cell {
		x, _, err := f.Value(name, mode, phase)
		if err != nil {
			return cell{none, tty.Faint}
		}
		return cell{text: format(x)}
	}
}

func inMillis(x float64) string { return Latency(time.Duration(x * float64(time.Millisecond))) }

func errorCount(f *Figures, mode, phase string) cell {
	c := number("errors", amount)(f, mode, phase)
	if c.text != "0" && c.text != none {
		c.color = tty.Red
	}
	return c
}

// ratioToFirst is the mode's p99 over that of the first mode in the same phase.
func ratioToFirst(f *Figures, mode, phase string) cell {
	x, ok := f.ratioToFirst("p99", mode, phase)
	if !ok {
		return cell{none, tty.Faint}
	}
	return cell{text: times(x)}
}

// ratioToFirst is a mode's figure over that of the first mode in the same phase, if both have samples.
func (f *Figures) ratioToFirst(name, mode, phase string) (float64, bool) {
	x, _, err := f.Value(name, mode, phase)
	first, _, err1 := f.Value(name, f.run.Modes[0].Name, phase)
	if err != nil || err1 != nil || first <= 0 {
		return 0, false
	}
	return x / first, true
}
