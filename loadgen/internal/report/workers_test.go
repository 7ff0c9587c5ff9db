package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// TestWorkersOfPods checks that on a page of 80 columns each worker has a line, without a blank one, and what tells its pod apart: its name is long.
func TestWorkersOfPods(t *testing.T) {
	run := resulttest.Stampede(t)
	run.Workers = nil
	for i, uid := range []string{"0e1f9d52-6c1b-4a43-9d0a-4b4f6c4e7f10", "77aa41c3-12d4-4f0e-8a55-0d5e9a2b1c3d"} {
		run.Workers = append(run.Workers, result.Worker{Index: i, UID: uid, Host: "loadgen-a-scenario-of-a-long-name-7kqzt-" + string(rune('0'+i))})
	}
	for width, host := range map[int]bool{80: false, 160: true} {
		var b bytes.Buffer
		if err := report.Text(&b, of(t, run), report.Options{Width: width, Full: true}); err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(b.String(), "Workers: what each was like, over all phases\n")
		table, _, _ = strings.Cut(table, "\n\n")
		lines := strings.Split(table, "\n")
		if len(lines) != 4 || !strings.Contains(lines[1], "uid") || !strings.Contains(lines[2], "0e1f9d52") || !strings.Contains(lines[3], "77aa41c3") {
			t.Fatalf("at %d columns:\n%s\nwant two lines of titles and one for each worker, with its uid", width, table)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width {
				t.Errorf("wider than %d columns: %q", width, line)
			}
		}
		if strings.Contains(table, "7kqzt-1") != host {
			t.Errorf("at %d columns hosts are shown: %t\n%s", width, !host, table)
		}
	}
}

// TestWorkersAreCutOff checks that every format for people has how often the connection of a worker was cut, and whether its figures are complete.
func TestWorkersAreCutOff(t *testing.T) {
	run := resulttest.Stampede(t)
	run.Workers = []result.Worker{
		{Index: 0, UID: "a"}, {Index: 1, UID: "b", Cuts: 1, CutMax: 1200 * time.Millisecond, Lost: true}, {Index: 2, UID: "c", Cuts: 2, CutMax: 340 * time.Millisecond},
		{Index: 3, UID: "d", Cuts: 12, CutMax: time.Second},
	}
	r := of(t, run)
	for _, format := range report.Formats() {
		if format.Name != "text" && format.Name != "markdown" {
			continue
		}
		var b bytes.Buffer
		if err := format.Write(&b, r, report.Options{Width: 120}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range []string{
			"Worker 1 was cut off once, 1.20 s at most.", "Worker 2 was cut off twice, 340 ms at most; its load went on, and its figures are complete.", "Worker 3 was cut off 12 times, 1.00 s at most; its",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q", format.Name, want)
			}
		}
		if strings.Contains(text, "Worker 0 was") {
			t.Errorf("%s: worker 0 was not cut off", format.Name)
		}
	}
}
