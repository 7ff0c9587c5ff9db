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
