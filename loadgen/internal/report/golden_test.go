package report_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"loadlab/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// formats are all renderings, by the ending of their goldens.
var formats = map[string]func(io.Writer, *report.Report) error{
	"brief.80.txt":  short(80),
	"brief.120.txt": short(120),
	"brief.md":      func(w io.Writer, r *report.Report) error { return report.Markdown(w, r, report.Options{}) },
	"80.txt":        text(80, false),
	"120.txt":       text(120, false),
	"color.txt":     text(120, true),
	"md":            full(report.Markdown),
	"xml":           full(report.JUnit),
	"csv":           full(report.CSV),
	"json":          full(report.JSON),
}

func text(width int, color bool) func(io.Writer, *report.Report) error {
	return func(w io.Writer, r *report.Report) error {
		return report.Text(w, r, report.Options{Width: width, Color: color, Full: true, Path: "runs/20261122-230504-stampede/run.json"})
	}
}

// short is the text of a report that is not full.
func short(width int) func(io.Writer, *report.Report) error {
	return func(w io.Writer, r *report.Report) error {
		return report.Text(w, r, report.Options{Width: width, Path: "runs/20261122-230504-stampede/run.json"})
	}
}

// full is a format without options, but for that.
func full(format func(io.Writer, *report.Report, report.Options) error) func(io.Writer, *report.Report) error {
	return func(w io.Writer, r *report.Report) error { return format(w, r, report.Options{Full: true}) }
}

// of makes the report of a run.
func of(t testing.TB, run *result.Run) *report.Report {
	t.Helper()
	r, err := report.New(run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoldens(t *testing.T) {
	for name, fixture := range resulttest.All() {
		r := of(t, fixture(t))
		for ending, render := range formats {
			t.Run(name+"."+ending, func(t *testing.T) {
				var got bytes.Buffer
				if err := render(&got, r); err != nil {
					t.Fatal(err)
				}
				testkit.Golden(t, name+"."+ending, got.String())
			})
		}
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	for name, fixture := range resulttest.All() {
		r := of(t, fixture(t))
		for _, width := range []int{72, 80, 120} {
			var b bytes.Buffer
			if err := errors.Join(text(width, false)(&b, r), short(width)(&b, r)); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(b.String(), "\n") {
				if got := uniseg.StringWidth(line); got > width {
					t.Errorf("%s at %d: line %d takes %d columns: %s", name, width, i+1, got, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d: line %d ends in blanks: %q", name, width, i+1, line)
				}
			}
		}
	}
}

// TestColorIsAllThatColorAdds: a report piped into a file says the same.
func TestColorIsAllThatColorAdds(t *testing.T) {
	run := resulttest.Stampede(t)
	var plain, colored bytes.Buffer
	if err := text(120, false)(&plain, of(t, run)); err != nil {
		t.Fatal(err)
	}
	if err := text(120, true)(&colored, of(t, run)); err != nil {
		t.Fatal(err)
	}
	stripped := colored.String()
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("without escape sequences (-plain +colored):\n%s", diff)
	}
	if plain.String() == colored.String() {
		t.Error("got no colours")
	}
}

// TestNothingActsOnTheTerminal: names come from files and servers.
func TestNothingActsOnTheTerminal(t *testing.T) {
	run := resulttest.Stampede(t)
	evil := "x\x1b[2J\x07\u202e"
	run.Scenario.Name, run.Scenario.Why, run.Stack.Database, run.Commit = evil, evil, evil, evil
	run.Modes[0].Name, run.Phases[1].Load, run.Gates[0].Compared = evil, evil, evil
	run.Warnings = []string{evil}
	for i := range run.Cells {
		if run.Cells[i].Mode == "ttl" {
			run.Cells[i].Mode = evil
		}
	}
	for _, render := range []func(io.Writer, *report.Report) error{text(80, false), short(80), full(report.Markdown)} {
		var b bytes.Buffer
		if err := render(&b, of(t, run)); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
			t.Errorf("got control characters in:\n%q", b.String())
		}
	}
}

func TestMarkdownFitsAComment(t *testing.T) {
	run := resulttest.Stampede(t)
	for range 3000 {
		run.Gates = append(run.Gates, run.Gates[1])
	}
	var b bytes.Buffer
	if err := report.Markdown(&b, of(t, run), report.Options{}); err != nil {
		t.Fatal(err)
	}
	if n := b.Len(); n > report.MarkdownLimit || n < report.MarkdownLimit/2 {
		t.Errorf("got %d bytes, want nearly %d", n, report.MarkdownLimit)
	}
	if !strings.Contains(b.String(), "**Cut here**") || !strings.HasPrefix(b.String(), "### FAIL: stampede") {
		t.Errorf("got no word on what did not fit, or no verdict:\n%.200s", b.String())
	}
}

// A matrix of more modes than a page has room for is written in parts, and no mode is lost.
func TestAWideMatrixIsWrittenInParts(t *testing.T) {
	run := resulttest.Outage(t)
	cells, modes := run.Cells, run.Modes
	for i := range 5 {
		for _, m := range modes {
			m.Name += strings.Repeat("+", i+1)
			run.Modes = append(run.Modes, m)
		}
		for _, c := range cells {
			c.Mode += strings.Repeat("+", i+1)
			run.Cells = append(run.Cells, c)
		}
	}
	var b bytes.Buffer
	if err := short(80)(&b, of(t, run)); err != nil {
		t.Fatal(err)
	}
	_, matrix, _ := strings.Cut(b.String(), "\nOutages")
	if n := strings.Count(matrix, "redis-kill: redis kill"); n < 2 {
		t.Errorf("the matrix has %d parts, want several:\n%s", n, matrix)
	}
	for line := range strings.Lines(b.String()) {
		if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w > 80 {
			t.Errorf("%d columns: %s", w, line)
		}
	}
	for _, m := range run.Modes {
		if !strings.Contains(matrix, " "+m.Name) {
			t.Errorf("%s is in no part", m.Name)
		}
	}
}
