package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/tty"
)

func (a Agreement) color() tty.Color {
	switch a {
	case Agrees:
		return tty.Green
	case Differs:
		return tty.Red
	case Unknown:
	}
	return tty.Yellow
}

const variablesLegend = "λ is the rate of requests, D the shortest recompute that was seen, N the requests of a burst."

func writePredictions(p *page, f *Figures) {
	predictions := f.Predictions()
	if len(predictions) == 0 {
		return
	}
	p.title("Recomputes: what each strategy's law predicts, and what was measured")
	names := 0
	for _, x := range predictions {
		names = max(names, tty.Width(tty.Clean(x.Mode)))
	}
	phase := ""
	for _, x := range predictions {
		if x.Phase != phase {
			phase = x.Phase
			p.write(p.paint(tty.Bold, tty.Snip(tty.Clean(phase), p.width)) + "\n")
		}
		lead := fmt.Sprintf("%s%-7s%s", indent, x.Agreement, gap)
		mode := tty.Snip(tty.Clean(x.Mode), 20)
		lead += mode + strings.Repeat(" ", max(min(names, 20)-tty.Width(mode), 0)) + gap
		p.item(lead, 0, x.Agreement.color(), x.Text)
	}
	p.write("\n")
	p.item(indent, 0, tty.Plain, variablesLegend)
}

// staleCell is what a mode in a phase showed of staleness.
type staleCell struct {
	mode, phase string
	Stale
}

func (f *Figures) stale() []staleCell {
	var all []staleCell
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			if t := f.total(m, p); t != nil {
				if s, ok := t.staleness(); ok {
					all = append(all, staleCell{m, p, s})
				}
			}
		}
	}
	return all
}

func writeStaleness(p *page, f *Figures) {
	cells := f.stale()
	if len(cells) == 0 {
		return
	}
	p.title("Staleness")
	g := &grid{columns: []column{{title: "mode", left: true}, {above: "price", title: "changes"}, {above: "versioned", title: "reads"},
		{above: "stale", title: "reads"}, {above: "share", title: "stale"}, {above: "stalest", title: "read"}}}
	phase := ""
	for _, c := range cells {
		if c.phase != phase {
			phase = c.phase
			g.section(phase)
		}
		share, _ := ratio(c.Stale.Stale, c.Reads)
		g.row(cell{text: c.mode}, cell{text: count(c.Writes)}, cell{text: count(c.Reads)}, cell{text: count(c.Stale.Stale)},
			cell{text: percent(share)}, cell{text: Latency(c.Max)})
	}
	g.write(p)
	p.write("\n")
	p.item(indent, 0, tty.Plain, "A read is stale if its page is older than a price change that was committed before the read was sent. "+
		"stalest read: the longest that a page was still served after such a commit.")
}

// failure is how one mode failed in one phase.
type failure struct{ mode, phase, text string }

func (f *Figures) failures() []failure {
	var all []failure
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			if t := f.total(m, p); t != nil && t.ledger.Errors() > 0 {
				share, _ := ratio(t.ledger.Errors(), t.ledger.Scheduled)
				all = append(all, failure{m, p, fmt.Sprintf("%s of %s (%s): %s", count(t.ledger.Errors()),
					counted(t.ledger.Scheduled, "request"), percent(share), kinds(t.ledger.Failed, ", "))})
			}
		}
	}
	return all
}

func writeErrors(p *page, f *Figures) {
	failures := f.failures()
	if len(failures) == 0 {
		return
	}
	p.title("Errors by kind")
	for _, x := range failures {
		p.item(indent+tty.Clean(x.mode)+", "+tty.Clean(x.phase)+":  ", 0, tty.Red, x.text)
	}
}

// kinds lists failures by kind, the most frequent first.
func kinds(failed map[string]int64, sep string) string {
	var names []string
	for kind, n := range failed {
		if n != 0 {
			names = append(names, kind)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if failed[a] != failed[b] {
			return int(max(min(failed[b]-failed[a], 1), -1))
		}
		return strings.Compare(a, b)
	})
	for i, kind := range names {
		names[i] = count(failed[kind]) + " " + kind
	}
	return strings.Join(names, sep)
}

// notes are what a reader must know before trusting the figures: the ledger, the generator's own lag, warnings, what did not run.
func notes(f *Figures) (normal, warnings []string) {
	t := f.total("", "")
	if t == nil {
		return nil, f.run.Warnings
	}
	ledger := counted(t.ledger.Scheduled, "request") + " scheduled = " + count(t.ledger.Completed) + " completed"
	if t.ledger.Errors() > 0 {
		ledger += " + " + kinds(t.ledger.Failed, " + ")
	}
	if t.ledger.Balanced() {
		normal = append(normal, "Ledger: "+ledger+".")
	} else {
		warnings = append(warnings, "The ledger does not balance: "+strings.Replace(ledger, " = ", " is not ", 1)+".")
	}
	if t.lag.Count() > 0 {
		normal = append(normal, fmt.Sprintf("Send lag (from due to sent; part of the times above): p50 %s, p99 %s, max %s.",
			Latency(t.lag.Quantile(0.5)), Latency(t.lag.Quantile(0.99)), Latency(t.lag.Max())))
	}
	var missing []string
	for _, p := range f.Phases() {
		if f.total("", p) == nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		warnings = append(warnings, "Not run: "+strings.Join(missing, ", ")+".")
	}
	return normal, append(warnings, f.run.Warnings...)
}

func writeNotes(p *page, f *Figures) {
	normal, warnings := notes(f)
	if len(normal)+len(warnings) == 0 {
		return
	}
	p.title("Notes")
	for _, s := range normal {
		p.item(indent, 0, tty.Plain, s)
	}
	for _, s := range warnings {
		p.item(indent+"warning  ", 0, tty.Yellow, s)
	}
}

func writeGates(p *page, run *Run) {
	if len(run.Gates) == 0 {
		return
	}
	p.title("Gates")
	column := len(indent) + len(gap)
	for _, g := range run.Gates {
		column = max(column, len(indent)+len(g.verdict())+len(gap))
	}
	for _, g := range run.Gates {
		p.item(indent+tty.Clean(g.verdict())+gap, column, verdictColor(g.verdict()), g.Expr)
		for _, s := range []string{g.Compared, g.Reason} {
			if s != "" {
				p.item(strings.Repeat(" ", column), column, tty.Plain, s)
			}
		}
	}
}

// joined joins the strings that are not empty.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// config renders the app's configuration in a fixed order.
func config(c map[string]string) string {
	var parts []string
	for k, v := range c {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func cores(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n) + " cores"
}
