package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
)

// JUnit's elements, as Jenkins, GitLab and GitHub's actions read them.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Error   *junitResult `xml:"error"`
		Failure *junitResult `xml:"failure"`
		Skipped *junitResult `xml:"skipped"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the verdict for a CI that shows tests. The run is a test, in error if it is invalid or was interrupted, and each gate
// is one: failed, passed, or skipped where it was not judged.
func JUnit(w io.Writer, r *Report, _ Options) error {
	run := r.Run
	s := junitSuite{Name: "loadlab " + run.Scenario.Name, Time: seconds(run.Took), Timestamp: run.Started.UTC().Format("2006-01-02T15:04:05")}
	for _, x := range r.Head {
		s.Properties = append(s.Properties, junitProperty{x.Name, x.Text})
	}
	class := "loadlab." + run.Scenario.Name
	validity := junitCase{Class: class, Name: "the run is valid", Time: seconds(run.Took)}
	switch result.ExitCode(run) {
	case result.ExitInterrupted, result.ExitInvalid:
		validity.Error = &junitResult{Message: r.Sentence, Type: strings.ToLower(r.Word), Text: strings.Join(run.Reasons(), "\n")}
	}
	s.Cases = append(s.Cases, validity)
	if len(run.Gates) == 0 && run.NoneSucceeded() && validity.Error == nil {
		s.Cases = append(s.Cases, junitCase{Class: class, Name: "a request succeeds", Time: "0", Failure: &junitResult{Message: r.Failed, Type: "requests", Text: r.Failed}})
	}
	for _, g := range r.Section(Gates).Gates {
		c := junitCase{Class: class, Name: g.Expr, Time: "0"}
		detail := joined("; ", g.Compared, g.Reason)
		switch {
		case g.Verdict == result.Pass && validity.Error == nil:
		case g.Verdict == result.Fail && validity.Error == nil:
			message := strings.TrimSuffix(detail, ".") + "."
			if strings.Contains(g.Expr, "error") {
				message = joined(" ", message, r.failedIn(g.Expr))
			}
			c.Failure = &junitResult{Message: message, Type: "gate", Text: fmt.Sprintf("%s:%d: %s\n%s", run.Scenario.File, g.Line, g.Expr, detail)}
		default:
			if validity.Error != nil {
				detail = joined("; ", "not judged", g.Reason)
			}
			c.Skipped = &junitResult{Message: detail}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Out = strings.Join(out(r), "\n")
	return writeJUnit(w, s)
}

// failedIn is how requests failed of the mode that an expression names; of all if it names none, or several.
func (r *Report) failedIn(expr string) string {
	failed, named := r.Failed, 0
	for mode, text := range r.failed {
		if strings.Contains(expr, strconv.Quote(mode)) || strings.Contains(expr, "'"+mode+"'") {
			failed, named = text, named+1
		}
	}
	if named > 1 {
		return r.Failed
	}
	return failed
}

// writeJUnit counts the cases of the suite by what became of them, and writes it.
func writeJUnit(w io.Writer, s junitSuite) error {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		switch {
		case c.Error != nil:
			s.Errors++
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	suites := junitSuites{Name: "loadlab", Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Time: s.Time, Suites: []junitSuite{s}}
	data, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(data)+"\n")
	return err
}

// out is what a person should read beside the cases: how requests failed, and the notes.
func out(r *Report) []string {
	var lines []string
	if r.Failed != "" {
		lines = append(lines, r.Failed)
	}
	for _, n := range r.Section(Notes).Prose {
		lines = append(lines, n.Text)
	}
	return lines
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
