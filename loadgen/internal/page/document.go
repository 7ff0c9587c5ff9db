package page

import (
	"html/template"
	"slices"
	"strings"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
)

// document is what the template writes.
type document struct {
	Title  string
	Policy string
	Style  template.CSS
	Script template.JS
	Data   template.JS   // JSON; empty if it is packed
	Packed template.HTML // the same, compressed, in base64

	Word, Tone, Sentence, Name, Why string
	Also                            []string
	About                           string // what was run, on what and when
	Doubt                           string // why figures are not to be relied on; empty if nothing is known against them
	Unjudged                        string // why no gate is judged, where that is so of all for one reason
	Head                            []report.Fact
	Gates, LeftOut                  []gateRow
	Live                            bool // it is shown while the run goes on
	Charts                          bool // something was measured by second
	Findings                        []findingRow
	Series                          []seriesData     // of a figure across runs
	Method                          string           // how changes in them are named
	First, Sections                 []report.Section // before the charts and after them

	styles map[string]palette.Style
}

// gateRow is a gate.
type gateRow struct {
	Word, Tone, Expr, Compared, Reason string

	Said bool // what was compared, or why it is not judged
}

// findingRow is a finding, and the trace that shows it.
type findingRow struct{ Text, Trace string }

func newDocument(r *report.Report) *document {
	d := &document{
		Title: tty.Clean(r.Run.Scenario.Name) + ": " + r.Word, Word: r.Word, Tone: toneOf(r.Word), Sentence: r.Sentence, Name: r.Run.Scenario.Name, Why: r.Run.Scenario.Why,
		Also: r.Also, Head: r.Head, styles: map[string]palette.Style{},
	}
	d.Charts = len(r.Run.Cells) > 0
	d.About, d.Doubt = aboutOf(r.Run), doubtOf(r)
	d.addStyles(modeNames(r.Run))
	d.Gates, d.LeftOut = gatesOf(r.Section(report.Gates).Gates)
	d.joinUnjudged(r.Section(report.Gates).Gates)
	d.addFindings(r.Sections, r.Run.Traces)
	d.add(r.Sections, report.Gates)
	return d
}

// newABDocument is the document of an A/B test.
func newABDocument(r *report.ABTest) *document {
	t := r.Test()
	d := &document{Title: tty.Clean(t.Scenario.Name) + ": " + r.Word, Word: r.Word, Tone: toneOf(r.Word), Name: t.Scenario.Name, Sentence: r.Sentence,
		Why: "A/B test: A is " + armOf(t.A) + ", B is " + armOf(t.B), Charts: len(t.Plan.Endpoints) > 0 || len(t.Traces) > 0}
	d.addFindings(r.Sections, t.Traces)
	d.add(r.Sections)
	return d
}

// addFindings adds what was found. A trace that is not kept is not named.
func (d *document) addFindings(sections []report.Section, traces []result.Trace) {
	for _, s := range sections {
		for _, x := range s.Findings {
			of := findingRow{Text: x.Text}
			if slices.ContainsFunc(traces, func(t result.Trace) bool { return t.ID == x.Trace }) {
				of.Trace = x.Trace
			}
			d.Findings = append(d.Findings, of)
		}
	}
}

// armOf is an arm as it was given.
func armOf(a ab.Arm) string { return strings.Join(append([]string{a.Name}, a.Args...), " ") }

// newComparison is the document of several runs.
func newComparison(c *report.Comparison, runs []*result.Run) *document {
	var names []string
	for _, run := range runs {
		names = append(names, run.ID)
	}
	d := &document{Title: tty.Clean(strings.Join(names, ", ")), Word: "COMPARED", Tone: "plain", Name: runs[0].Scenario.Name, Charts: true, styles: map[string]palette.Style{},
		Sentence: "stored runs beside each other: they were measured at different times, so that there is no verdict", Why: "The charts draw the first run thick, the others thin."}
	d.addStyles(modeNames(runs[0]))
	for _, s := range c.Sections { // which run is which, before it is drawn
		if s.ID != report.Findings {
			d.First = append(d.First, s)
		}
	}
	d.addFindings(c.Sections, nil)
	return d
}

// add adds sections, but for those that stand elsewhere.
func (d *document) add(sections []report.Section, but ...string) {
	for _, s := range sections {
		if !s.Data && s.ID != report.Findings && !slices.Contains(but, s.ID) {
			if s.ID == report.Matrix || s.ID == report.Capacity {
				d.First = append(d.First, s)
			} else {
				d.Sections = append(d.Sections, s.Parts()...)
			}
		}
	}
}

// modeNames are the names of the modes of a run.
func modeNames(run *result.Run) []string {
	var names []string
	for _, m := range run.Modes {
		names = append(names, m.Name)
	}
	return names
}

// addStyles has modes drawn beside their names.
func (d *document) addStyles(names []string) {
	for i, style := range palette.Of(names) {
		d.styles[names[i]] = style
	}
}

// gatesOf are the gates, those that do not hold first, and those that are left out.
func gatesOf(gates []result.Gate) (judged, leftOut []gateRow) {
	for _, g := range gates {
		word := strings.ToUpper(g.Verdict)
		if word == "" {
			word = strings.ToUpper(result.NotJudged)
		}
		row := gateRow{Word: word, Tone: toneOf(word), Expr: g.Expr, Compared: g.Compared, Reason: g.Reason, Said: true}
		if g.Verdict == result.LeftOut {
			leftOut = append(leftOut, row)
		} else {
			judged = append(judged, row)
		}
	}
	rank := map[string]int{"bad": 0, "doubtful": 1}
	slices.SortStableFunc(judged, func(a, b gateRow) int {
		of := func(g gateRow) int {
			if n, ok := rank[g.Tone]; ok {
				return n
			}
			return len(rank)
		}
		return of(a) - of(b)
	})
	return judged, leftOut
}

// toneOf is the class of a verdict.
func toneOf(word string) string {
	switch {
	case word == "PASS":
		return "good"
	case slices.Contains([]string{"FAIL", "INVALID", "GENERATOR-LIMITED"}, word):
		return "bad"
	case word == "DONE" || word == strings.ToUpper(result.LeftOut):
		return "plain"
	}
	return "doubtful"
}
