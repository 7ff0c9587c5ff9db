package report

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// errorKinds is how and why requests failed, and when.
func errorKinds(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Name: "mode", Title: "mode", Left: true}, {Name: "kind", Title: "kind", Left: true}, {Name: "code", Title: "code", Left: true},
		{Name: "count", Title: "errors"}, {Name: "share", Title: "share", Spare: true}, {Name: "first_at", Title: "first"}, {Name: "last_at", Title: "last", Spare: true},
		{Name: "example", Title: "first example", Left: true, Below: true}}}
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: p.Name}
		for _, m := range modes {
			g.Rows = append(g.Rows, failureRows(f.Run, m, f.Total(m, p.Name))...)
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: ErrorKinds, Heading: "Errors by kind", Table: t, Prose: prose("share: of the requests of the mode. first, last: when the first and the last " +
		"failed, in UTC, as a server's log has it.")}
}

// failureRows has a row for each way in which requests of a mode failed.
func failureRows(run *result.Run, mode string, t *figure.Total) [][]Cell {
	var rows [][]Cell
	for _, x := range sortedFailures(t) {
		share, _ := figure.Ratio(x.Count, t.Ledger.Scheduled)
		rows = append(rows, []Cell{{Text: mode, Tone: Bad}, {Text: x.Kind}, {Text: x.Cause()}, {Text: unit.Count(x.Count), Value: float64(x.Count), Known: true},
			{Text: unit.Percent(share), Value: share, Known: true}, moment(run, x, x.First), moment(run, x, x.Last), {Text: x.Example}})
	}
	return rows
}

// sortedFailures returns the failures of a total, the most frequent first.
func sortedFailures(t *figure.Total) []result.Failure {
	all := slices.Clone(t.Failures)
	result.SortFailures(all)
	return all
}

// moment is the time of day at which a request failed; empty in runs that have not kept it.
func moment(run *result.Run, x result.Failure, after time.Duration) Cell {
	if x.Last == 0 {
		return Cell{}
	}
	return Cell{Text: run.Started.Add(after).UTC().Format("15:04:05.000")}
}

// firstAndLast are when the first and the last request of a total failed, in UTC by RFC 3339; empty if none did, and in runs that have not kept it.
func firstAndLast(run *result.Run, t *figure.Total) (first, last string) {
	var from, to time.Duration
	for _, x := range t.Failures {
		if x.Last == 0 {
			continue
		}
		if to == 0 || x.First < from {
			from = x.First
		}
		to = max(to, x.Last)
	}
	if to == 0 {
		return "", ""
	}
	const millis = "2006-01-02T15:04:05.000Z07:00"
	return run.Started.Add(from).UTC().Format(millis), run.Started.Add(to).UTC().Format(millis)
}

// waysToFail lists failures by kind and cause, the most frequent first: "status 404 x 3, refused (no such host) x 1". It is empty without any.
func waysToFail(t *figure.Total) string {
	var parts []string
	for _, x := range sortedFailures(t) {
		parts = append(parts, x.String()+" x "+unit.Count(x.Count))
	}
	return strings.Join(parts, ", ")
}

// Causes is how and why requests of a run failed, in one line: "status 404 x 3, refused (no such host) x 1"; empty if none did.
func Causes(f *figure.Figures) string {
	t := f.Total("", "")
	if t == nil {
		return ""
	}
	return waysToFail(t)
}

// failedSentence is the same as a sentence, with the first example of the most frequent; empty if no request failed.
func failedSentence(t *figure.Total) string {
	if t == nil || t.Ledger.Errors() == 0 {
		return ""
	}
	share, _ := figure.Ratio(t.Ledger.Errors(), t.Ledger.Scheduled)
	text := fmt.Sprintf("%s of %s (%s) failed: %s", unit.Count(t.Ledger.Errors()), unit.Counted(t.Ledger.Scheduled, "request"), unit.Percent(share), waysToFail(t))
	all := sortedFailures(t)
	if len(all) == 0 { // what a worker that was lost knew of them is lost, too
		return strings.TrimSuffix(text, ": ") + "."
	}
	if most := all[0]; most.Example != "" && (most.Status == 0 || most.Code != "") {
		text += ". The first " + most.String() + " was: " + most.Example
	}
	return text + "."
}

// examples has the first example of each way in which requests of a total failed: "status 404: status 404 Not Found; ...".
func examples(t *figure.Total) string {
	var parts []string
	for _, x := range sortedFailures(t) {
		if x.Example != "" {
			parts = append(parts, x.String()+": "+x.Example)
		}
	}
	return strings.Join(parts, "; ")
}

// Redirects is a warning that responses were redirects which nobody followed; empty if none were.
func Redirects(f *figure.Figures) string {
	t := f.Total("", "")
	if t == nil {
		return ""
	}
	return redirects(t)
}

// redirects is a warning that responses were redirects which nobody followed; empty if none were. It would be a surprise that they count as completed.
func redirects(t *figure.Total) string {
	by := map[int]int64{}
	var all, responses int64
	for status, n := range t.Statuses {
		responses += n
		switch status {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			by[status] += n
			all += n
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s were redirects, and were not followed further (%s): --redirects 5 follows as many.", unit.Count(all), unit.Counted(responses, "response"), statuses(by))
}
