package report_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/report"
)

func TestABGoldens(t *testing.T) {
	for name, test := range abtest.All() {
		r, err := report.NewABTest(test)
		if err != nil {
			t.Fatal(name, err)
		}
		if r.Word != test.Verdict {
			t.Errorf("%s: got %s, want %s", name, r.Word, test.Verdict)
		}
		for _, width := range []int{80, 120} {
			var got bytes.Buffer
			if err := r.Text(&got, report.Options{Width: width, Path: "runs/x/ab.json"}); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(got.String(), "\n") {
				if n := uniseg.StringWidth(line); n > width {
					t.Errorf("%s at %d: line %d takes %d columns: %s", name, width, i+1, n, line)
				}
			}
			if width == 80 && (name == "slower" || name == "work" || name == "open") {
				testkit.Golden(t, "ab."+name+".80.txt", got.String())
			}
		}
	}
}

// abReport is that of the made-up test of that name.
func abReport(t *testing.T, name string) *report.ABTest {
	t.Helper()
	r, err := report.NewABTest(abtest.All()[name])
	if err != nil {
		t.Fatal(name, err)
	}
	return r
}

func TestABFormatGoldens(t *testing.T) {
	endings := map[string]string{"markdown": "md", "junit": "xml"}
	for name := range abtest.All() {
		for _, f := range report.ABFormats() {
			ending, ok := endings[f.Name]
			if !ok {
				continue // text is above, at the widths of terminals
			}
			t.Run(name+"."+ending, func(t *testing.T) {
				var got bytes.Buffer
				if err := f.Write(&got, abReport(t, name), report.Options{Path: "runs/x/ab.json"}); err != nil {
					t.Fatal(err)
				}
				testkit.Golden(t, "ab."+name+"."+ending, got.String())
			})
		}
	}
}

// What became of each case of JUnit, by the verdict.
func TestABJUnitCases(t *testing.T) {
	type outcome struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name    string   `xml:"name,attr"`
			Error   *outcome `xml:"error"`
			Failure *outcome `xml:"failure"`
			Skipped *outcome `xml:"skipped"`
		} `xml:"testcase"`
	}
	for name, want := range map[string][]string{
		"same":        {"verdict: passed", "gate 0: ttl warm: passed", "ttl warm p50: passed", "ttl warm p95: passed"},
		"slower":      {"verdict: failed", "gate 0: ttl warm: passed", "ttl warm p50: failed", "ttl warm p95: failed", "phase burst: skipped", "ttl warm p99: skipped"},
		"work":        {"verdict: failed", "gate 0: ttl warm: failed"},
		"noise":       {"verdict: skipped", "gate 0: ttl warm: passed", "ttl warm p50: skipped", "ttl warm p95: skipped"},
		"nothing":     {"verdict: skipped", "gate 0: ttl warm: passed"},
		"broken":      {"verdict: in error", "gate 0: ttl warm: skipped", "ttl warm p50: skipped", "ttl warm p95: skipped"},
		"interrupted": {"verdict: in error", "gate 0: ttl warm: skipped", "ttl warm p50: skipped", "ttl warm p95: skipped"},
	} {
		var b bytes.Buffer
		if err := abReport(t, name).JUnit(&b); err != nil {
			t.Fatal(name, err)
		}
		var doc struct {
			Suites []suite `xml:"testsuite"`
		}
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil || len(doc.Suites) != 1 {
			t.Fatalf("%s: %d suites, %v", name, len(doc.Suites), err)
		}
		s := doc.Suites[0]
		var got []string
		count := map[string]int{}
		for _, c := range s.Cases {
			became, x := "passed", &outcome{}
			for word, y := range map[string]*outcome{"in error": c.Error, "failed": c.Failure, "skipped": c.Skipped} {
				if y != nil {
					became, x = word, y
				}
			}
			got = append(got, c.Name+": "+became)
			count[became]++
			if became != "passed" && x.Message == "" {
				t.Errorf("%s: %s is %s without a reason", name, c.Name, became)
			}
			if text := strings.TrimSpace(x.Text); became == "failed" && (!strings.HasSuffix(text, ".") || !strings.Contains(text, "B ")) {
				t.Errorf("%s: %s: %q is no sentence", name, c.Name, text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if s.Tests != len(want) || s.Failures != count["failed"] || s.Errors != count["in error"] || s.Skipped != count["skipped"] {
			t.Errorf("%s: counted %d, %d, %d and %d, want %d and %v", name, s.Tests, s.Failures, s.Errors, s.Skipped, len(want), count)
		}
	}
}

// A report that is too long is cut between its sections, says so, and is valid UTF-8.
func TestABMarkdownIsCut(t *testing.T) {
	test := abtest.All()["slower"]
	test.Scenario.Name, test.Invalid = strings.Repeat("ä", 50_000), []string{strings.Repeat("<ö", 50_000)}
	for i := range 1000 {
		test.Ungated = append(test.Ungated, ab.Ungated{Name: fmt.Sprintf("phase %d | <ü>", i), Reason: "a burst is over at once"})
	}
	r, err := report.NewABTest(test)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := r.Markdown(&whole, report.Options{MaxBytes: 1 << 20}); err != nil || strings.Contains(whole.String(), "Cut here") {
		t.Fatalf("%v, or cut at %d bytes", err, whole.Len())
	}
	sizes := map[int]bool{}
	for limit := report.MarkdownLeast; limit < whole.Len(); limit += 9973 {
		var b bytes.Buffer
		if err := r.Markdown(&b, report.Options{MaxBytes: limit, Path: "runs/x/ab.json"}); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		sizes[len(got)] = true
		head, note, cut := strings.Cut(got, "\n\n**Cut here**")
		if !cut || !strings.Contains(note, "ab.json") || len(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("at %d: %d bytes, cut %t\n%.300s", limit, len(got), cut, got)
		}
		if !strings.HasPrefix(whole.String(), head+"\n\n") || strings.Count(head, "<details>") != strings.Count(head, "</details>") {
			t.Errorf("at %d: not cut between sections: ... %q", limit, head[max(0, len(head)-100):])
		}
	}
	if !strings.HasPrefix(whole.String(), "### INVALID: ä") || len(sizes) < 2 {
		t.Errorf("cut to %d sizes, of %.100s", len(sizes), whole.String())
	}
}
