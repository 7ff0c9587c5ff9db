package ab

import (
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// Verdicts, as reports and ab.json have them.
const (
	Pass         = "PASS"
	Fail         = "FAIL"
	Inconclusive = "INCONCLUSIVE"
	Invalid      = "INVALID"
	Interrupted  = "INTERRUPTED"
)

// Decision is what a test came to.
type Decision struct {
	Verdict string
	Reason  string         // one sentence
	Grew    []string       // what gate 0 found: "naive warm: sql"; nil if it found nothing
	Latency stats.Decision // its zero value if there was nothing to judge
	Used    int            // epochs that count
	Dropped int
}

// Open reports whether another epoch may change the decision.
func (d Decision) Open() bool {
	return d.Verdict == Inconclusive && d.Latency.Verdict != stats.Inconclusive
}

// ExitCode is the verdict as a process returns it.
func (d Decision) ExitCode() int {
	switch d.Verdict {
	case Pass:
		return result.ExitPass
	case Fail:
		return result.ExitFail
	case Inconclusive:
		return result.ExitInconclusive
	case Interrupted:
		return result.ExitInterrupted
	}
	return result.ExitInvalid
}

// StatsPlan is the plan in the terms of package stats.
func (p Plan) StatsPlan() stats.Plan {
	plan := stats.Plan{Beta: p.Beta, Tolerance: p.Tolerance, Seed: p.Seed}
	for _, l := range p.Looks {
		plan.Looks = append(plan.Looks, stats.Look(l))
	}
	for _, e := range p.Endpoints {
		plan.Endpoints = append(plan.Endpoints, stats.Endpoint{Name: e.Name(), Margin: e.Margin})
	}
	return plan
}

// Decide comes to the decision from what is in t.
func (t *Test) Decide() (Decision, error) {
	d := Decision{}
	for _, e := range t.Epochs {
		if len(e.Dropped) > 0 {
			d.Dropped++
		} else {
			d.Used++
		}
	}
	for _, w := range t.Work {
		grew := w.Grew()
		if t.Running { // each has data of its own, and so pages of other lengths
			grew = slices.DeleteFunc(grew, func(name string) bool { return name == CounterBytes })
		}
		if len(grew) > 0 {
			d.Grew = append(d.Grew, w.Mode+" "+w.Phase+": "+strings.Join(grew, ", "))
		}
	}
	if err := t.judge(&d); err != nil {
		return Decision{}, err
	}
	switch {
	case t.Interrupted:
		d.Verdict, d.Reason = Interrupted, "stopped before its end; what is measured is not judged"
	case len(t.Invalid) > 0:
		d.Verdict, d.Reason = Invalid, t.Invalid[0]
	case len(d.Grew) > 0:
		d.Verdict, d.Reason = Fail, "B does more work for the same requests: "+strings.Join(d.Grew, "; ")
	case d.Used == 0:
		d.Verdict, d.Reason = Inconclusive, "no epoch was measured"
	case len(t.Plan.Endpoints) == 0:
		d.Verdict, d.Reason = Invalid, "nothing has enough requests to be judged: give it more load"
	default:
		d.latency()
	}
	return d, nil
}

// judge gives the figures to the sequential test.
func (t *Test) judge(d *Decision) (err error) {
	if d.Used == 0 || len(t.Plan.Endpoints) == 0 {
		return nil
	}
	rows := make([][]float64, len(t.Plan.Endpoints))
	for _, e := range t.Epochs {
		if len(e.Dropped) > 0 {
			continue
		}
		for m := range rows {
			rows[m] = append(rows[m], e.D[m])
		}
	}
	d.Latency, err = stats.Judge(t.Plan.StatsPlan(), rows)
	return err
}

// latency is the verdict of the sequential test.
func (d *Decision) latency() {
	switch d.Latency.Verdict {
	case stats.Pass:
		d.Verdict, d.Reason = Pass, "B is shown to be within the margin of A everywhere"
	case stats.Fail:
		var names []string
		for _, f := range d.Latency.Findings {
			if f.Slower {
				names = append(names, f.Name)
			}
		}
		d.Verdict, d.Reason = Fail, "B is slower: "+strings.Join(names, ", ")
	case stats.Inconclusive:
		d.Verdict, d.Reason = Inconclusive, fmt.Sprintf("B is neither shown to be slower nor to be within the margins after %d epochs", d.Latency.Epochs)
	default:
		d.Verdict, d.Reason = Inconclusive, fmt.Sprintf("it ended after %d epochs, before a look that decides", d.Used)
	}
}
