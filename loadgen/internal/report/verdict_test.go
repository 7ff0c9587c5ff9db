package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

func TestVerdict(t *testing.T) {
	pass, fail, open := result.Gate{Verdict: result.Pass}, result.Gate{Verdict: result.Fail}, result.Gate{Verdict: result.NotJudged}
	left := result.Gate{Verdict: result.LeftOut}
	for _, tt := range []struct {
		what  string
		run   result.Run
		code  int
		first string
	}{
		{"no gates", result.Run{}, 0, "DONE  s: measured; the scenario has no gates to judge it by"},
		{"one gate", result.Run{Gates: []result.Gate{pass}}, 0, "PASS  s: its one gate holds"},
		{"two gates", result.Run{Gates: []result.Gate{pass, pass}}, 0, "PASS  s: all 2 gates hold"},
		{"a failure", result.Run{Gates: []result.Gate{pass, fail, open}}, 1, "FAIL  s: 1 of 3 gates failed"},
		{"not judged", result.Run{Gates: []result.Gate{pass, open}}, 3, "INCONCLUSIVE  s: 1 of 2 gates could not be judged"},
		{"a gate without a verdict", result.Run{Gates: []result.Gate{{}}}, 3, "INCONCLUSIVE  s: 1 of 1 gate could not be judged"},
		{"a gate left out", result.Run{Gates: []result.Gate{pass, left, pass}}, 0, "PASS  s: all 2 gates hold; 1 more is of a mode that is left out"},
		{"one gate and others left out", result.Run{Gates: []result.Gate{left, left, pass}}, 0, "PASS  s: its one gate holds; 2 more are of modes that are left out"},
		{"a failure, and a gate left out", result.Run{Gates: []result.Gate{fail, pass, left}}, 1, "FAIL  s: 1 of 2 gates failed; 1 more is of a mode that is left out"},
		{"an open gate, and one left out", result.Run{Gates: []result.Gate{open, left}}, 3, "INCONCLUSIVE  s: 1 of 1 gate could not be judged; 1 more is of a mode that is left out"},
		{"every gate left out", result.Run{Gates: []result.Gate{left, left}}, 3, "INCONCLUSIVE  s: no gate is judged: all are of modes that are left out"},
		{"every gate left out of an invalid run", result.Run{Gates: []result.Gate{left}, Invalid: []string{"no data"}}, 4, "INVALID  s: no data"},
		{"invalid", result.Run{Gates: []result.Gate{fail}, Invalid: []string{"no data"}}, 4, "INVALID  s: no data"},
		{"interrupted", result.Run{Gates: []result.Gate{fail}, Invalid: []string{"no data"}, Interrupted: true}, 130, "INTERRUPTED  s: stopped after 0s"},
	} {
		run := tt.run
		run.Scenario.Name = "s"
		if got := result.ExitCode(&run); got != tt.code {
			t.Errorf("%s: got exit code %d, want %d", tt.what, got, tt.code)
		}
		var b bytes.Buffer
		if err := report.Text(&b, of(t, &run), report.Options{Width: 120, Full: true}); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(b.String(), "\n"); !strings.HasPrefix(got, tt.first) {
			t.Errorf("%s: got first line %q, want %q", tt.what, got, tt.first)
		}
	}
}

// TestJUnit reads the XML as a CI does: counts that agree with the cases, and one result a case at most.
func TestJUnit(t *testing.T) {
	for _, tt := range []struct {
		fixture                          string
		tests, failures, errors, skipped int
	}{
		{"stampede", 4, 1, 0, 0}, {"passing", 4, 0, 0, 1}, {"invalid", 2, 0, 1, 1}, {"interrupted", 2, 0, 1, 1}, {"remote", 1, 0, 0, 0}, {"empty", 2, 0, 1, 1},
	} {
		var b bytes.Buffer
		if err := report.JUnit(&b, of(t, resulttest.All()[tt.fixture](t)), report.Options{}); err != nil {
			t.Fatal(err)
		}
		formed(t, tt.fixture, b.Bytes())
		var doc struct {
			XMLName                 xml.Name `xml:"testsuites"`
			Tests, Failures, Errors int      `xml:",attr"`
			Suites                  []struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
				Skipped  int `xml:"skipped,attr"`
				Cases    []struct {
					Name      string     `xml:"name,attr"`
					ClassName string     `xml:"classname,attr"`
					Failure   []struct{} `xml:"failure"`
					Error     []struct{} `xml:"error"`
					Skipped   []struct{} `xml:"skipped"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Suites) != 1 {
			t.Fatalf("%s: got %d suites, want 1", tt.fixture, len(doc.Suites))
		}
		s := doc.Suites[0]
		if s.Tests != tt.tests || s.Failures != tt.failures || s.Errors != tt.errors || s.Skipped != tt.skipped {
			t.Errorf("%s: got %d tests, %d failures, %d errors, %d skipped, want %+v", tt.fixture, s.Tests, s.Failures, s.Errors, s.Skipped, tt)
		}
		var failures, errors, skipped int
		for _, c := range s.Cases {
			failures, errors, skipped = failures+len(c.Failure), errors+len(c.Error), skipped+len(c.Skipped)
			if c.Name == "" || c.ClassName == "" || len(c.Failure)+len(c.Error)+len(c.Skipped) > 1 {
				t.Errorf("%s: case %+v has no name or two results", tt.fixture, c)
			}
		}
		if len(s.Cases) != s.Tests || failures != s.Failures || errors != s.Errors || skipped != s.Skipped {
			t.Errorf("%s: the counts say %d tests, %d failures, %d errors, %d skipped, the cases %d, %d, %d, %d",
				tt.fixture, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases), failures, errors, skipped)
		}
	}
}

// formed holds a document to what the schema junit-10.xsd of Jenkins' xunit plugin has of the elements that reports use: where each may stand, its attributes, those that it
// must have (with a ! before the name), and the form of times.
func formed(t *testing.T, name string, doc []byte) {
	t.Helper()
	result := []string{"message", "type"}
	schema := map[string]struct {
		in         []string
		attributes []string
	}{
		"testsuites": {[]string{""}, []string{"name", "time", "tests", "failures", "errors"}},
		"testsuite":  {[]string{"testsuites"}, []string{"!name", "!tests", "!failures", "!errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file"}},
		"properties": {[]string{"testsuite"}, nil},
		"property":   {[]string{"properties"}, []string{"!name", "!value"}},
		"testcase":   {[]string{"testsuite"}, []string{"!name", "time", "classname", "group"}},
		"failure":    {[]string{"testcase"}, result},
		"error":      {[]string{"testcase"}, result},
		"skipped":    {[]string{"testcase"}, result},
		"system-out": {[]string{"testsuite", "testcase"}, nil},
	}
	seconds := regexp.MustCompile(`^[0-9]+(\.[0-9]*)?$`)
	path := []string{""}
	for dec := xml.NewDecoder(bytes.NewReader(doc)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.StartElement:
			rule := schema[x.Name.Local]
			if !slices.Contains(rule.in, path[len(path)-1]) {
				t.Errorf("%s: <%s> in <%s>", name, x.Name.Local, path[len(path)-1])
			}
			has := map[string]bool{}
			for _, a := range x.Attr {
				has[a.Name.Local] = true
				if !slices.Contains(rule.attributes, a.Name.Local) && !slices.Contains(rule.attributes, "!"+a.Name.Local) || a.Name.Local == "time" && !seconds.MatchString(a.Value) {
					t.Errorf("%s: <%s %s=%q>", name, x.Name.Local, a.Name.Local, a.Value)
				}
			}
			for _, a := range rule.attributes {
				if must, ok := strings.CutPrefix(a, "!"); ok && !has[must] {
					t.Errorf("%s: <%s> without %s", name, x.Name.Local, must)
				}
			}
			path = append(path, x.Name.Local)
		}
	}
}

// TestCSV: a row for each mode and phase, each as long as the head.
func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := report.CSV(&b, of(t, resulttest.Stampede(t)), report.Options{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+3*3 || len(rows[0]) != 13+len(figure.Names()) {
		t.Errorf("got %d rows of %d, want 10 of %d", len(rows), len(rows[0]), 13+len(figure.Names()))
	}
}

// TestJSON reads the document as jq does: every figure is a number, under the name that CSV has.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.JSON(&b, of(t, resulttest.Stampede(t)), report.Options{}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Verdict string
		Figures []map[string]any
		Gates   []result.Gate
		Laws    []struct{ Phase, Mode, Agreement string }

		Predictions []struct {
			Phase, Mode, Figure, Agreement   string
			Predicted, Least, Most, Measured float64
			D                                float64 `json:"d_ms"`
			Alone                            float64 `json:"alone_ms"`
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Verdict != "FAIL" || len(doc.Figures) != 9 || len(doc.Gates) != 3 || len(doc.Laws) != 8 || len(doc.Predictions) != 8 || doc.Laws[0].Agreement != "agrees" {
		t.Errorf("got %+v", doc)
	}
	// Over 9 expiries a herd of 1 + 200/s x 24 ms each.
	if x := doc.Predictions[0]; x.Mode != "ttl" || x.Figure != "recomputes" || x.Measured != 57 || math.Abs(x.Predicted-52.2) > .1 || x.D != 24 || x.Alone != 14 ||
		x.Least < 20 || x.Least > 40 || x.Most < 65 || x.Most > 90 {
		t.Errorf("got the prediction %+v", x)
	}
	row := doc.Figures[3]
	if row["phase"] != "expiry" || row["mode"] != "ttl" || row["requests"] != 3600.0 || row["recomputes"] != 19.0 || row["p99_ms"].(float64) < 10 {
		t.Errorf("got %v", row)
	}
	if _, there := row["stale_max_ms"]; there {
		t.Error("got a figure that was not measured")
	}
}
