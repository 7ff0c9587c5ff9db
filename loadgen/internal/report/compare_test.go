package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// slower is the run of a build whose hits take half as long again and whose pages take a query more, on another machine.
func slower() *result.Run {
	run := resulttest.Base()
	run.ID, run.Machine.Cores, run.Stack.App = "20261123-100000-stampede", 4, "0123abc, go1.26.8"
	loads := resulttest.StampedeLoads()
	for i := range loads {
		loads[i].Fast = loads[i].Fast * 3 / 2
		loads[i].Sql += loads[i].Sql / 62
	}
	return resulttest.Fill(run, 3, loads)
}

func compare(t *testing.T, runs ...*result.Run) *report.Comparison {
	t.Helper()
	c, err := report.Compare(runs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompareGoldens(t *testing.T) {
	c := compare(t, resulttest.Stampede(t), slower())
	for _, width := range []int{80, 120} {
		var got bytes.Buffer
		if err := c.Text(&got, report.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(got.String(), "\n") {
			if n := uniseg.StringWidth(line); n > width {
				t.Errorf("at %d: line %d takes %d columns: %s", width, i+1, n, line)
			}
		}
		if width == 80 {
			testkit.Golden(t, "compare.80.txt", got.String())
		}
	}
	var got bytes.Buffer
	if err := c.Markdown(&got); err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, "compare.md", got.String())
}

// A run beside itself differs in nothing, and three runs stand beside the first.
func TestCompareAlike(t *testing.T) {
	run := resulttest.Stampede(t)
	var got bytes.Buffer
	if err := compare(t, run, run, slower()).Text(&got, report.Options{Width: 120}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"C / A", "machine:"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is not in\n%s", want, got.String())
		}
	}
	got.Reset()
	if err := compare(t, run, run).Text(&got, report.Options{Width: 120}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Nothing: machine", "1.00x [1.00, 1.00]", "are the same"} {
		if have := strings.Contains(got.String(), want); have == (want == "1.00x [1.00, 1.00]") {
			t.Errorf("%q: %t in\n%s", want, have, got.String())
		}
	}
}

// Runs with nothing in common are compared in nothing, and one whose histograms are broken cannot be.
func TestCompareNothing(t *testing.T) {
	other := resulttest.Base()
	other.Phases = []result.PhaseInfo{{Name: "else", Kind: "open"}}
	resulttest.Fill(other, 1, []resulttest.Load{{Mode: "ttl", Phase: "else", Requests: 10, Took: time.Second, Fast: time.Millisecond}})
	var got bytes.Buffer
	if err := compare(t, resulttest.Stampede(t), other).Text(&got, report.Options{Width: 80}); err != nil || !strings.Contains(got.String(), "no mode and phase in common") {
		t.Errorf("%v\n%s", err, got.String())
	}
	other.Cells[0].Seconds[0].Response = "garbage"
	if _, err := report.Compare([]*result.Run{resulttest.Stampede(t), other}); err == nil || !strings.HasPrefix(err.Error(), "run B: ") {
		t.Errorf("got %v", err)
	}
}
