package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// The failure of a gate is a sentence in JUnit; of a gate on errors, it says which they were. What a run of an earlier version compared stays as it was written.
func TestJUnitSaysWhyAGateFailed(t *testing.T) {
	for _, tt := range []struct{ expr, compared, reason, want string }{
		{"errors() == 0", "errors() is 33, not 0", "", "errors() is 33, not 0. 33 of 2,003 requests (1.6%) failed: status 404 x 18, status 500 x 12, timeout (reading the response) x 3."},
		{"p99() < 10*ms", "p99() is 12.1 ms, not less than 10 ms", "", "p99() is 12.1 ms, not less than 10 ms."},
		{`p99("a") <= 0.5 * p99("b")`, "p99(a) = 12.1 ms <= 0.5 * p99(b) = 8 ms", "", "p99(a) = 12.1 ms <= 0.5 * p99(b) = 8 ms."},
		{"sql() == 1 or sql() > 5", "sql() is 2, not 1; sql() is 2, not more than 5", "", "sql() is 2, not 1; sql() is 2, not more than 5."},
		{"p99() < 10*ms", "", "no samples", "no samples."},
	} {
		run := resulttest.Failing(t)
		run.Gates = []result.Gate{{Expr: tt.expr, Verdict: result.Fail, Compared: tt.compared, Reason: tt.reason}}
		var got bytes.Buffer
		if err := report.JUnit(&got, of(t, run), report.Options{}); err != nil {
			t.Fatal(err)
		}
		if want := `<failure message="` + strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(tt.want) + `" type="gate">`; !strings.Contains(got.String(), want) {
			t.Errorf("%s: no %s in\n%s", tt.expr, want, got.String())
		}
	}
}

// A gate on the errors of one mode fails for what became of that mode's requests, not another's.
func TestJUnitSaysWhyAModesGateFailed(t *testing.T) {
	run := resulttest.Failing(t)
	post, cell := run.Modes[0], run.Cells[0]
	post.Name, cell.Mode = "POST", "POST"
	cell.Failures = []result.Failure{{Kind: "check", Code: "json page", Count: 33, Example: "page is 1, want 3"}}
	run.Modes, run.Cells = append(run.Modes, post), append(run.Cells, cell)
	run.Gates = []result.Gate{
		{Expr: `errors("GET", "load", "4xx") == 0`, Verdict: result.Fail, Compared: "errors(GET, load, 4xx) is 18, not 0"},
		{Expr: `errors("POST") == 0`, Verdict: result.Fail, Compared: "errors(POST) is 33, not 0"},
		{Expr: `errors("POST") == errors("GET") - 1`, Verdict: result.Fail, Compared: "errors(POST) is 33, not errors(GET) - 1, which is 32"},
	}
	var got bytes.Buffer
	if err := report.JUnit(&got, of(t, run), report.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"not 0. 33 of 2,003 requests (1.6%) failed: status 404 x 18, status 500 x 12, timeout (reading the response) x 3.",
		"not 0. 33 of 2,000 requests (1.7%) failed: check (json page) x 33. The first check (json page) was: page is 1, want 3.",
		"is 32. 66 of 4,003 requests (1.6%) failed: ",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in\n%s", want, got.String())
		}
	}
}

// Redirects that nobody followed are completed requests, and the report says what they were.
func TestRedirectsAreNamed(t *testing.T) {
	run := resulttest.Failing(t)
	run.Cells[1].Statuses = map[int]int64{200: 1, 302: 1, 304: 1}
	run.Cells[1].Took = time.Second
	var got bytes.Buffer
	if err := report.Text(&got, of(t, run), report.Options{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if want := "warning  1 of 2,000 responses were redirects, and were not followed further (302 x 1): --redirects 5 follows as many."; !strings.Contains(got.String(), want) {
		t.Errorf("no %q in\n%s", want, got.String())
	}
}
