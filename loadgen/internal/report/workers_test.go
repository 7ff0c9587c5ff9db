package report_test

import (
	"bytes"
	"strings"
	"testing"
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
