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

// A session is compared with sessions, and its steps with nothing; they are modes of the table, and not of the head.
func TestSessionsAreComparedWithSessions(t *testing.T) {
	run := resulttest.Base()
	run.Modes = []result.Mode{
		{Name: "visit", Steps: 1}, {Name: "visit/list", Session: "visit"}, {Name: "other", Steps: 1}, {Name: "other/list", Session: "other"}, {Name: "plain"},
	}
	run.Phases = []result.PhaseInfo{{Name: "p", Kind: "open", Load: "20/s"}}
	var loads []resulttest.Load
	for i, m := range run.Modes {
		loads = append(loads, resulttest.Load{Mode: m.Name, Phase: "p", Requests: 200, Took: 10 * time.Second, Fast: time.Duration(1+i) * 20 * time.Millisecond})
	}
	r := of(t, resulttest.Fill(run, 3, loads))
	ratios := map[string]bool{}
	table := r.Section(report.Modes).Table
	for _, row := range table.Groups[0].Rows {
		for i, c := range table.Columns {
			if c.Title == "visit" {
				ratios[row[0].Text] = row[i].Known
			}
		}
	}
	for mode, want := range map[string]bool{"visit": true, "other": true, "visit/list": false, "other/list": false, "plain": false} {
		if got, there := ratios[mode]; !there || got != want {
			t.Errorf("%s: ratio %t, column %t, want %t", mode, got, there, want)
		}
	}
	var b bytes.Buffer
	if err := report.Text(&b, r, report.Options{Width: 120, Full: true}); err != nil || !strings.Contains(b.String(), "3 modes") {
		t.Errorf("%v, want 3 modes in\n%s", err, b.String())
	}
}
