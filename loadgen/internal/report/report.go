// Package report turns a run into sections, once, and writes them in several formats. A section is data: a heading, facts, a table of typed
// cells, prose, gates. A format is a walk over the sections, and one line in Formats: no format knows figures, laws or traces.
//
// It is pure: it knows neither the network nor the clock, and every output is a function of a result.Run alone.
package report

import (
	"io"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/result"
)

// Report is a run as every format writes it.
type Report struct {
	Run      *result.Run
	Word     string            // the verdict: PASS, FAIL, INCONCLUSIVE, INVALID, GENERATOR-LIMITED, INTERRUPTED or DONE
	Sentence string            // the verdict in one sentence
	Also     []string          // further reasons for it
	Failed   string            // how many requests failed, and how, in one sentence; empty if none did
	failed   map[string]string // the same of each mode
	Head     []Fact            // what was run, on what, and when
	Sections []Section
}

// Identifiers of sections, for formats that pick some.
const (
	Findings    = "findings"
	Modes       = "modes"
	Figures     = "figures" // every figure of every mode and phase, for programs
	TimeSpent   = "time"
	HTTPPhases  = "phases" // of a request, of clients that were asked for them
	Laws        = "laws"
	Predictions = "predictions" // the same as numbers, for programs
	Queries     = "queries"
	Staleness   = "staleness"
	ErrorKinds  = "errors"
	Notes       = "notes"
	Gates       = "gates"
	Matrix      = "matrix" // of modes and faults
	Faults      = "fault"  // one section for each
	Capacity    = "capacity"
	Replicas    = "replicas"
	Workers     = "workers"

	ReplicaFigures = "replica_figures" // of each mode, for programs
	Ratios         = "ratios"          // of percentiles of modes, with intervals, for programs

	Intervals       = "how_sure"
	IntervalFigures = "intervals" // of figures of each mode and phase, for programs
)

// Section is one part of a report. What it does not have is empty.
type Section struct {
	ID      string
	Heading string
	Data    bool // it is for programs: formats for people leave it out
	Detail  bool // few read it: a format that can fold it does
	Full    bool // it is in a full report alone
	Facts   []Fact
	Table   *Table
	Prose   []Note
	Gates   []result.Gate
	// Findings are sentences made from the figures.
	Findings []finding.Finding
}

// Fact is a name and a text.
type Fact struct {
	Name, Text string
	Tone       Tone
	Full       bool // it is in a full report alone
}

// Note is a paragraph.
type Note struct {
	Text    string
	Warning bool
	Brief   bool // it is in a short report too, as warnings are
}

// Tone is whether a text is good or bad news. Formats that have colours show it.
type Tone int

// Tones.
const (
	Plain Tone = iota
	Good
	Bad
	Doubtful
	Faint
)

// Table is a table whose rows stand in groups.
type Table struct {
	Columns []Column
	Groups  []Group
	// Second and Third are the headings of the columns in figure.InCost and figure.InUse where the page is too narrow for all: those of the second
	// are in one table with those of the third where there is room. Empty if a table is never split.
	Second, Third string
}

// Column is one column.
type Column struct {
	Name         string // of the figure, with its unit: p99_ms; empty if the column is none
	Above, Title string // the title, in one or two lines
	Left         bool   // aligned; numbers are aligned right
	Part         figure.Part
	Wrap         bool // a text of any length: the last column of a table that is a list
	Below        bool // a text of any length that a terminal has below the row: the last column
	Least        int  // width in columns of a terminal
	Spare        bool // left out where a page is too narrow
	Brief        bool // it is in a short report too
}

// Group is rows with a title across them.
type Group struct {
	Name, Title string
	Rows        [][]Cell
}

// Cell is one value: as people read it, and as a number where it is one.
type Cell struct {
	Text  string
	Value float64
	Known bool // Value is meaningful
	Mark  Mark
	Tone  Tone
}

// Mark is how a value differs from what its column promises.
type Mark int

// Marks.
const (
	Unmarked Mark = iota
	TooFew        // a quantile of fewer samples than it takes
	AtBound       // the greatest time that is recorded: the true one may be greater
)

// New makes the report of run. It fails on a histogram that cannot be read.
func New(run *result.Run) (*Report, error) {
	f, err := figure.New(run)
	if err != nil {
		return nil, err
	}
	r := &Report{Run: run, Head: head(run), Failed: failedSentence(f.Total("", "")), failed: map[string]string{}}
	for _, m := range run.Modes {
		r.failed[m.Name] = failedSentence(f.Total(m.Name, ""))
	}
	r.Word, r.Sentence = headline(run)
	for _, reasons := range [][]string{run.Invalid, run.Limited} {
		r.Also = append(r.Also, reasons[min(1, len(reasons)):]...) // the sentence has the first
	}
	for _, part := range parts() {
		for _, s := range part(f) {
			if s.Heading != "" {
				r.Sections = append(r.Sections, s)
			}
		}
	}
	return r, nil
}

// parts make the sections, in the order in which they are read. A section without a heading is left out.
func parts() []func(*figure.Figures) []Section {
	one := func(section func(*figure.Figures) Section) func(*figure.Figures) []Section {
		return func(f *figure.Figures) []Section { return []Section{section(f)} }
	}
	return []func(*figure.Figures) []Section{
		one(findings), one(modes), one(figures), one(ratioFigures), one(intervalFigures), one(replicas), one(replicaFigures), one(workers), matrix, one(timeSpent), one(httpPhases), one(laws), one(predictions), one(queries), one(staleness), faults, one(errorKinds), one(intervals), one(notes), one(gates), one(capacity),
	}
}

// Section returns the section with that identifier; a section without anything in it if there is none.
func (r *Report) Section(id string) Section {
	for _, s := range r.Sections {
		if s.ID == id {
			return s
		}
	}
	return Section{ID: id}
}

// findings are the sentences that a reader would have to find in the tables himself.
func findings(f *figure.Figures) Section { return whatWasFound(finding.Of(f)) }

// whatWasFound is a section of findings; nothing if there are none.
func whatWasFound(all []finding.Finding) Section {
	s := Section{ID: Findings, Findings: all}
	if len(all) > 0 {
		s.Heading = "What was found"
	}
	return s
}

// findingText is a finding with the trace that shows it.
func findingText(x finding.Finding) string {
	if x.Trace == "" {
		return x.Text
	}
	return x.Text + " (trace " + x.Trace[:min(shortID, len(x.Trace))] + ")"
}

// Options are those of a format: Width and Color of text, MaxBytes of Markdown, Full of both.
type Options struct {
	Full     bool   // all sections; otherwise the verdict, the findings, and the tables that a stranger needs
	Width    int    // of the terminal; 0 is 80
	Color    bool   // whether it takes ANSI colours
	Grafana  string // URL of the run's dashboard; empty if it has none
	Path     string // where run.json or ab.json is; empty if it is nowhere
	MaxBytes int    // how long Markdown may be, at least MarkdownLeast; 0 is MarkdownLimit
}

// Format is one way to write a report of the kind R.
type Format[R any] struct {
	Name  string
	Write func(w io.Writer, r R, o Options) error
}

// Formats are all formats of a run, the one for people first.
func Formats() []Format[*Report] {
	return []Format[*Report]{
		{"text", Text},
		{"markdown", Markdown},
		{"junit", JUnit},
		{"csv", CSV},
		{"json", JSON},
	}
}

// ABFormats are all formats of an A/B test, by the names that they have for a run. For programs there is ab.json itself.
func ABFormats() []Format[*ABTest] {
	return []Format[*ABTest]{
		{"text", func(w io.Writer, r *ABTest, o Options) error { return r.Text(w, o) }},
		{"markdown", func(w io.Writer, r *ABTest, o Options) error { return r.Markdown(w, o) }},
		{"junit", func(w io.Writer, r *ABTest, _ Options) error { return r.JUnit(w) }},
	}
}
