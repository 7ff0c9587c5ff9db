package e2e_test

import (
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/promtest"
	"loadlab/otel/signal"
)

// region is a stretch of time on a graph.
type region struct{ from, to time.Time }

// wide is the region with as much on either side as what is seen by scrapes may be off: what happens is in the next scrape, and a scrape in the next point.
func (r region) wide() region {
	return region{r.from.Add(-2 * time.Second), r.to.Add(2 * time.Second)}
}

func (r region) contains(o region) bool { return !o.from.Before(r.from) && !o.to.After(r.to) }

// regionsOf joins the points of an annotation's series as Grafana does: those above 0 that are no more than a step apart.
func regionsOf(points []promtest.Point, step time.Duration) []region {
	var all []region
	for _, p := range points {
		switch n := len(all); {
		case p.Value <= 0:
		case n > 0 && !p.Time.After(all[n-1].to.Add(step)):
			all[n-1].to = p.Time
		default:
			all = append(all, region{p.Time, p.Time})
		}
	}
	return all
}

// annotated asks for an annotation of a dashboard as a browser does, with a point each step, and returns its series.
func (s *seen) annotated(t *testing.T, d model.Dashboard, name string, step time.Duration) []promtest.Series {
	t.Helper()
	for _, a := range d.Annotations.List {
		if a.Name != name {
			continue
		}
		values := board.Values(s.run.ID, "fault", every(), ttl, window, s.to.Sub(s.from))
		values["__interval"] = step.String()
		expr, missing := model.Expand(a.Expr, values)
		if len(missing) > 0 || a.Expr != a.Target.Expr {
			t.Fatalf("annotation %s: no values for %q, or two expressions", name, missing)
		}
		result, err := s.prometheus.QueryRange(t.Context(), expr, s.from.Truncate(step), s.to.Add(step), step)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	t.Fatalf("%s has no annotation %s", d.Title, name)
	return nil
}

// An expiry is a region of the timeline, from when a page was found expired until there was a fresh one: each of run.json's is in one, and there is none without.
func (s *seen) testExpiries(t *testing.T) {
	result := s.annotated(t, board.Stampede(), "Expiries", time.Second)
	for _, mode := range []string{ttl, singleflight} { // those of swr are replaced in the background, which is in no herd
		var expiries []region
		for _, c := range s.run.Cells {
			if c.Mode != mode || c.Phase != "expiry" && c.Phase != "fault" {
				continue
			}
			for _, h := range c.Herds {
				from := s.run.Started.Add(c.Start + h.At)
				expiries = append(expiries, region{from, from.Add(h.First)})
			}
		}
		var drawn []region
		for _, x := range result {
			if x.Labels[signal.LabelMode] == mode {
				drawn = append(drawn, regionsOf(x.Points, time.Second)...)
			}
		}
		if len(expiries) < 4 || len(drawn) < 2 { // two rounds, several of 300 ms in each
			t.Errorf("%s: %d expiries, %d regions", mode, len(expiries), len(drawn))
		}
		covers(t, mode, drawn, expiries)
	}
}

// A fault is a region of the dashboards of which it is the subject, for as long as the report's band.
func (s *seen) testFaultBands(t *testing.T) {
	bands := map[string][]region{}
	for _, c := range s.run.Cells {
		for _, f := range c.Faults {
			end := f.Ended
			if f.Ended-f.Began < 300*time.Millisecond { // it happens at a moment, and its aftermath is looked at
				end = min(max(f.Ended, f.Began+time.Second), c.Took)
			}
			at := s.run.Started.Add(c.Start)
			bands[f.Text] = append(bands[f.Text], region{at.Add(f.Began), at.Add(end)})
		}
	}
	if len(bands) != 2 {
		t.Errorf("%d faults, want 2: %v", len(bands), bands)
	}
	for _, d := range []model.Dashboard{board.Stampede(), board.World()} {
		for _, step := range []time.Duration{time.Second, 5 * time.Second} { // a wide time range has fewer points, and loses none of them
			drawn := map[string][]region{}
			for _, x := range s.annotated(t, d, "Faults", step) {
				fault := x.Labels[signal.LabelFault]
				drawn[fault] = append(drawn[fault], regionsOf(x.Points, step)...)
			}
			for text, of := range bands {
				if len(drawn[text]) != len(of) || len(of) != 2 {
					t.Errorf("%s: %d regions of %s with a step of %v, run.json has %d", d.Title, len(drawn[text]), text, step, len(of))
				}
				if step == time.Second {
					covers(t, text, drawn[text], of)
				}
			}
		}
	}
}

// covers reports what is in no region, and regions that are none: a line, or one in which nothing is.
func covers(t *testing.T, what string, drawn, happened []region) {
	t.Helper()
	for _, h := range happened {
		found := false
		for _, d := range drawn {
			found = found || d.wide().contains(h)
		}
		if !found {
			t.Errorf("%s: none of %v is there for %v", what, drawn, h)
		}
	}
	for _, d := range drawn {
		found := false
		for _, h := range happened {
			found = found || d.wide().contains(h)
		}
		if !found || !d.to.After(d.from) {
			t.Errorf("%s: there is %v, in which nothing happened, or which is a line", what, d)
		}
	}
}
