package main

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
)

// Which formats a stored A/B test has, and what is refused of it.
func TestReportOfAnABTest(t *testing.T) {
	workplace(t)
	test := abtest.All()["slower"]
	for range 1000 {
		test.Ungated = append(test.Ungated, test.Ungated[0])
	}
	if err := ab.Write("ab.json", test); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{"text": "FAIL  B is slower: ", "markdown": "### FAIL: stampede\n", "junit": "<?xml version="} {
		if r := loadgen(t, "report", "ab.json", "--format", format); r.code != 0 || !strings.HasPrefix(r.stdout, want) || r.stderr != "" {
			t.Errorf("%s: %s", format, r)
		}
	}
	for _, format := range []string{"csv", "json"} {
		if r := loadgen(t, "report", "ab.json", "--format", format); r.code != exitUsage || r.stdout != "" ||
			!strings.Contains(r.stderr, `--format is "`+format+`": an A/B test is written as text, markdown, junit or html`) {
			t.Errorf("%s: %s", format, r)
		}
	}
	if r := loadgen(t, "report", "ab.json", "--format", "markdown", "--max-bytes", "10000"); r.code != 0 || len(r.stdout) > 10_000 ||
		!utf8.ValidString(r.stdout) || !strings.Contains(r.stdout, "**Cut here**") || !strings.Contains(r.stdout, "`ab.json`") {
		t.Error(r)
	}
	for want, args := range map[string][]string{
		"--max-bytes is of --format markdown": {"--format", "junit", "--max-bytes", "20000"},
		"--max-bytes is 9999: 10000 or more":  {"--format", "markdown", "--max-bytes", "9999"},
		`--format is "pdf"`:                   {"--format", "pdf"},
	} {
		if r := loadgen(t, append([]string{"report", "ab.json"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %s", args, r)
		}
	}
	if err := os.WriteFile("ab.json", []byte(`{"kind": "ab", "schema": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := loadgen(t, "report", "ab.json", "--format", "junit"); r.code != exitUsage || !strings.Contains(r.stderr, "schema 9") {
		t.Error(r)
	}
}
