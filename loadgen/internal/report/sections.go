package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/unit"
)

// timeSpent is what slow requests spent their time on.
func timeSpent(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Title: "mode", Left: true}, {Title: "response time", Wrap: true, Left: true}}}
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: p.Name}
		for _, m := range modes {
			total := f.Total(m, p.Name)
			if b, ok := total.SpentAt(0.99); ok && b.Reported() {
				mark := ""
				if !hasP99(total) {
					mark = unit.AtLeast
				}
				g.Rows = append(g.Rows, []Cell{{Text: m}, {Text: mark + shares(b)}})
			}
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: TimeSpent, Full: true, Heading: "Where the time goes at p99: the mean of the requests of about that response time", Table: t,
		Prose: prose("the app: its own work, and waiting for a recompute of another request; network: both kernels, and the server's queue before " +
			"its handler, included.")}
}

// minShare is the share of a response time below which a part of it is left out.
const minShare = 0.02

// shares renders the parts of the mean response of a bucket, greatest first.
func shares(b result.Bucket) string {
	n := time.Duration(b.Count)
	mean := b.Response / n
	type share struct {
		name string
		time time.Duration
	}
	all := []share{
		{"SQL", b.SQL / n}, {"waiting for a connection of the pool", b.Wait / n}, {"Redis", b.Redis / n},
		{"the app", b.App / n}, {"network", b.Network / n}, {"send lag", b.Lag / n},
	}
	slices.SortStableFunc(all, func(a, b share) int { return cmp.Compare(b.time, a.time) })
	var parts []string
	for _, s := range all {
		if s.time > 0 && float64(s.time) >= minShare*float64(mean) {
			parts = append(parts, s.name+" "+unit.Latency(s.time))
		}
	}
	return fmt.Sprintf("%s = %s", unit.Latency(mean), strings.Join(parts, " + "))
}

// laws has predictions beside measurements.
func laws(f *figure.Figures) Section {
	tones := map[law.Agreement]Tone{law.Agrees: Good, law.Differs: Bad, law.Unknown: Doubtful}
	t := &Table{Columns: []Column{
		{Title: "agreement", Left: true, Least: len(law.Differs)}, {Title: "mode", Left: true}, {Title: "law and measurement", Wrap: true, Left: true},
	}}
	bounds := false
	for _, x := range law.Predictions(f) {
		bounds = bounds || x.Figure == law.StaleMax
		if n := len(t.Groups); n == 0 || t.Groups[n-1].Name != x.Phase {
			t.Groups = append(t.Groups, Group{Name: x.Phase, Title: x.Phase})
		}
		g := &t.Groups[len(t.Groups)-1]
		g.Rows = append(g.Rows, []Cell{{Text: string(x.Agreement), Tone: tones[x.Agreement]}, {Text: x.Mode}, {Text: x.Text}})
	}
	if len(t.Groups) == 0 {
		return Section{}
	}
	stale := ""
	if bounds {
		stale = " How stale a page is has a bound, whatever chance does, and its D is the longest recompute, than which the slowest response is no shorter."
	}
	return Section{ID: Laws, Full: true, Heading: "What each strategy's law predicts, and what was measured", Table: t,
		Prose: prose("The numbers before \"measured\" are from where to where chance takes a correct strategy: any prediction of a run is wrong about one with a " +
			"probability of " + unit.Percent(law.Alpha) + ". λ is the rate of requests, N the requests of a burst, D how long a page was missing: from the " +
			"first who found it so until the first recompute was stored." + stale)}
}

// predictions are the same, for programs.
func predictions(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Name: "mode"}, {Name: "figure"}, {Name: "relation"}, {Name: "predicted"}, {Name: "least"}, {Name: "most"},
		{Name: "measured"}, {Name: "d_ms"}, {Name: "alone_ms"}, {Name: "agreement"}}}
	for _, x := range law.Predictions(f) {
		if n := len(t.Groups); n == 0 || t.Groups[n-1].Name != x.Phase {
			t.Groups = append(t.Groups, Group{Name: x.Phase})
		}
		number := func(v float64, known bool) Cell {
			return Cell{Value: v, Known: known && !math.IsInf(v, 0)}
		}
		known := x.Agreement != law.Unknown
		g := &t.Groups[len(t.Groups)-1]
		g.Rows = append(g.Rows, []Cell{{Text: x.Mode}, {Text: x.Figure}, {Text: x.Relation}, number(x.Predicted, known), number(x.Least, known),
			number(x.Most, known), number(x.Measured, true), number(figure.Millis(x.D), x.D > 0), number(figure.Millis(x.Alone), x.Alone > 0),
			{Text: string(x.Agreement)}})
	}
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: Predictions, Heading: "Predictions", Data: true, Table: t}
}

// queries has the N+1 queries of each mode, from the kept trace with the most of them.
func queries(f *figure.Figures) Section {
	s := Section{ID: Queries, Full: true}
	for _, mode := range f.Modes() {
		most, text := 0, ""
		for i := range f.Run.Traces {
			t := &f.Run.Traces[i]
			if t.Mode != mode {
				continue
			}
			if q := trace.FindQueries(t.Spans); q.Repeated() > most {
				most, text = q.Repeated(), q.String()
			}
		}
		if text != "" {
			s.Facts = append(s.Facts, Fact{Name: mode, Text: text})
		}
	}
	if len(s.Facts) > 0 {
		s.Heading = "N+1: queries of one shape that one request repeats"
	}
	return s
}

// staleness is how old the pages were that readers got.
func staleness(f *figure.Figures) Section {
	t := &Table{Columns: []Column{
		{Title: "mode", Left: true}, {Above: "price", Title: "changes"}, {Above: "versioned", Title: "reads"}, {Above: "stale", Title: "reads"},
		{Above: "share", Title: "stale"}, {Above: "stalest", Title: "read"},
	}}
	count := func(n int64) Cell { return Cell{Text: unit.Count(n), Value: float64(n), Known: true} }
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: p.Name}
		for _, m := range modes {
			s, ok := f.Total(m, p.Name).Staleness()
			if !ok {
				continue
			}
			share, _ := figure.Ratio(s.Stale, s.Reads)
			g.Rows = append(g.Rows, []Cell{{Text: m}, count(s.Writes), count(s.Reads), count(s.Stale),
				{Text: unit.Percent(share), Value: share, Known: true}, {Text: unit.Latency(s.Max), Value: figure.Millis(s.Max), Known: true}})
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: Staleness, Full: true, Heading: "Staleness", Table: t, Prose: prose("A read is stale if its page is older than a price change that was " +
		"committed before the read was sent. stalest read: the longest that a page was still served after such a commit.")}
}

// kinds lists failures by kind, the most frequent first.
func kinds(failed map[string]int64, sep string) string {
	names := sortedKinds(failed)
	for i, kind := range names {
		names[i] = unit.Count(failed[kind]) + " " + kind
	}
	return strings.Join(names, sep)
}

func sortedKinds(failed map[string]int64) []string {
	names := slices.Collect(maps.Keys(failed))
	names = slices.DeleteFunc(names, func(kind string) bool { return failed[kind] == 0 })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(failed[b], failed[a]), cmp.Compare(a, b)) })
	return names
}

// statuses lists responses by status code: "200 x 1,988, 500 x 12".
func statuses(by map[int]int64) string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d x %s", status, unit.Count(by[status])))
	}
	return strings.Join(parts, ", ")
}

// alone reports whether a run has one mode in one phase, as a hit has: there is nothing to compare.
func alone(f *figure.Figures) bool { return len(f.Modes()) == 1 && len(f.Phases()) == 1 }

// hasP99 reports whether there are enough responses for a p99; otherwise the slowest stands in its place.
func hasP99(t *figure.Total) bool { return t.Ledger.Completed >= hist.Samples(0.99) }

// notes are what a reader must know before trusting the figures: the ledger, the generator's own lag, warnings, what did not run.
func notes(f *figure.Figures) Section {
	s := Section{ID: Notes}
	var warnings []string
	if t := f.Total("", ""); t != nil {
		s.Prose, warnings = ledgerNotes(f, t)
	}
	for i := range s.Prose {
		s.Prose[i].Brief = alone(f) // they are all there is to know of it
	}
	for _, w := range append(warnings, f.Run.Warnings...) {
		s.Prose = append(s.Prose, Note{Text: w, Warning: true})
	}
	if len(s.Prose) > 0 {
		s.Heading = "Notes"
	}
	return s
}

func ledgerNotes(f *figure.Figures, t *figure.Total) (normal []Note, warnings []string) {
	ledger := unit.Counted(t.Ledger.Scheduled, "request") + " scheduled = " + unit.Count(t.Ledger.Completed) + " completed"
	if t.Ledger.Errors() > 0 {
		ledger += " + " + kinds(t.Ledger.Failed, " + ")
	}
	if t.Ledger.Balanced() {
		normal = append(normal, Note{Text: "Ledger: " + ledger + "."})
	} else {
		warnings = append(warnings, "The ledger does not balance: "+strings.Replace(ledger, " = ", " is not ", 1)+".")
	}
	if len(t.Statuses) > 0 {
		normal = append(normal, Note{Text: "Responses by status: " + statuses(t.Statuses) + "."})
	}
	if text := redirects(t); text != "" {
		warnings = append(warnings, text)
	}
	if t.Lag.Count() > 0 {
		normal = append(normal, Note{Text: fmt.Sprintf("Send lag (from due to sent; part of the times above): p50 %s, p99 %s, max %s.",
			lag(t, "lag_p50"), lag(t, "lag_p99"), lag(t, "lag_max"))})
	}
	if t.Ledger.Bytes+t.Ledger.Wrote > 0 {
		normal = append(normal, Note{Text: transferred(t)})
	}
	if t.Clamped > 0 {
		warnings = append(warnings, fmt.Sprintf("Times (response, service, lag) beyond 60 s, the greatest that is recorded, and counted as that: %s.", unit.Count(t.Clamped)))
	}
	var missing []string
	for _, p := range f.Phases() {
		if f.Total("", p) == nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		warnings = append(warnings, "Not run: "+strings.Join(missing, ", ")+".")
	}
	return normal, warnings
}

// lag renders one figure of the send lag, with its mark.
func lag(t *figure.Total, name string) string {
	x, _ := figure.Named(name)
	c := value(x, t)
	text := unit.Latency(figure.Duration(c.Value))
	if c.Mark != Unmarked {
		return unit.AtLeast + text
	}
	return text
}

func gates(f *figure.Figures) Section {
	if len(f.Run.Gates) == 0 {
		return Section{}
	}
	return Section{ID: Gates, Heading: "Gates", Gates: f.Run.Gates}
}
