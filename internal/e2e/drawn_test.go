package e2e_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/browsertest"
	"loadlab/internal/grafanatest"
	"loadlab/internal/promtest"
	"loadlab/otel/signal"
)

// drawnPhase is the phase that dashboards are drawn for.
const drawnPhase = "expiry"

// Each version of Grafana's parts draws the dashboards of a run without an error, every mode in its colour, and with the figures of the report; and all draw the same.
func (s *seen) testDrawn(t *testing.T) {
	versions := grafanatest.Versions(t)
	for _, f := range board.All() {
		t.Run(f.Dashboard.UID, func(t *testing.T) { s.testDrawnBoard(t, f.Dashboard, versions) })
	}
}

func (s *seen) testDrawnBoard(t *testing.T, d model.Dashboard, versions []grafanatest.Version) {
	t.Helper()
	browser, run := browsertest.Start(t), s.asked(t, d)
	draw := func(v grafanatest.Version, what string, of grafanatest.Dashboard, check func(*testing.T, []grafanatest.Shown)) {
		t.Run(v.Name+", "+what, func(t *testing.T) {
			panels, page := v.Draw(t, browser, of)
			page.Keep(d.UID + " " + v.Name + " " + what)
			for _, p := range panels {
				p.Check(t)
			}
			check(t, panels)
		})
	}
	var first []grafanatest.Shown
	for _, v := range versions {
		draw(v, "a run", run, func(t *testing.T, panels []grafanatest.Shown) {
			t.Helper()
			if d.UID == board.UIDModes {
				s.readModes(t, panels)
			}
			if first == nil {
				first = panels
			}
			for i, p := range panels {
				if got, want := fmt.Sprint(p.Cells, p.Fields), fmt.Sprint(first[i].Cells, first[i].Fields); got != want {
					t.Errorf("%s: %s, with %s %s", p.Title, got, versions[0].Name, want)
				}
			}
		})
		twelve := run.With(signal.LabelMode, ttl, "lock", "lease", "early", "early_lock", "failsafe", "negative", "invalidate", "objects", "l1")
		draw(v, "twelve modes", twelve, func(*testing.T, []grafanatest.Shown) {})
		draw(v, "no run", run.Empty(), func(t *testing.T, panels []grafanatest.Shown) {
			t.Helper()
			hint := map[string]string{board.UIDModes: "make scenario", board.UIDAB: "loadgen ab"}[d.UID]
			if !slices.ContainsFunc(panels, func(p grafanatest.Shown) bool { return strings.Contains(p.Text, hint) }) {
				t.Errorf("it does not say to type %q", hint)
			}
		})
	}
}

// readModes compares what is written on Mode comparison with the report.
func (s *seen) readModes(t *testing.T, panels []grafanatest.Shown) {
	t.Helper()
	of := func(title string) grafanatest.Shown {
		i := slices.IndexFunc(panels, func(p grafanatest.Shown) bool { return p.Title == title })
		if i < 0 {
			t.Fatalf("there is no panel %q", title)
		}
		return panels[i]
	}
	compared := 0
	same := func(panel, what, text string, want any) {
		value, ok := want.(float64)
		if !ok {
			t.Errorf("%s: %s is %q, the report has none", panel, what, text)
			return
		}
		if got, err := number(text); err != nil || math.Abs(got-value) > .005*math.Abs(value) {
			t.Errorf("%s: %s is %q, the report has %v (%v)", panel, what, text, value, err)
		}
		compared++
	}
	for _, figure := range []string{"p50", "p95", "p99"} {
		p := of(figure + " in phase " + drawnPhase)
		if len(p.Cells) != 3 {
			t.Errorf("%s has %v, want three modes", p.Title, p.Cells)
		}
		for _, c := range p.Cells {
			want, _ := s.figure(row(s.report.Figures, map[string]any{"mode": c.Name, "phase": drawnPhase}), figure)
			same(p.Title, c.Name, c.Text, want)
		}
	}
	for title, want := range map[string]string{"Verdict": s.report.Verdict, "Run": s.run.Scenario.Name + ", embedded"} {
		if cells := of(title).Cells; len(cells) != 1 || cells[0].Name != want && cells[0].Text != want {
			t.Errorf("%s is %v, want %s", title, cells, want)
		}
	}
	all := of("Modes by phase")
	columns := map[string][]string{}
	for _, f := range all.Fields {
		columns[f.Name] = f.Texts
	}
	for i, phase := range columns["Phase"] {
		if strings.Contains(phase, "/") {
			continue // a part of a phase, of which the report has no row of its own
		}
		r := row(s.report.Figures, map[string]any{"mode": columns["Mode"][i], "phase": phase})
		for title, figure := range map[string]string{
			"Requests": "requests", "Errors": "errors", "Requests/s": "rate", "p50": "p50", "p95": "p95", "p99": "p99", "Greatest": "max", "SQL/request": "sql", "Redis/request": "redis",
			"Hit ratio": "hit_ratio", "Recomputes": "recomputes",
		} {
			want, _ := s.figure(r, figure)
			same(all.Title, title+" of "+columns["Mode"][i]+" in "+phase, columns[title][i], want)
		}
	}
	ratios := of("Percentiles and their ratios to " + ttl)
	columns = map[string][]string{}
	for _, f := range ratios.Fields {
		columns[f.Name] = f.Texts
	}
	for i, mode := range columns["Mode"] {
		if mode == ttl {
			continue
		}
		for _, figure := range []string{"p50", "p95", "p99"} {
			r := row(s.report.Ratios, map[string]any{"mode": mode, "phase": drawnPhase, "figure": figure})
			for title, bound := range map[string]string{" ratio": "ratio", " least": "low", " most": "high"} {
				same(ratios.Title, figure+title+" of "+mode, columns[figure+title][i], r[bound])
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d texts were compared, want at least 100", compared)
	}
}

// number reads a number as Grafana writes it, times as seconds and shares as such.
func number(text string) (float64, error) {
	parts := regexp.MustCompile(`^(-?[\d.]+(?:e[+-]?\d+)?) ?(.*)$`).FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	scale, ok := map[string]float64{"": 1, "s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "min": 60, "%": .01, "×": 1, "K": 1e3}[parts[2]]
	if !ok {
		return 0, fmt.Errorf("unit of %q", text)
	}
	v, err := strconv.ParseFloat(parts[1], 64)
	return v * scale, err
}

// asked asks all that a dashboard asks, of the run and one of its phases, as a browser does.
func (s *seen) asked(t *testing.T, d model.Dashboard) grafanatest.Dashboard {
	t.Helper()
	values := board.Values(s.run.ID, drawnPhase, "("+ttl+"|"+singleflight+"|swr)", ttl, window, s.to.Sub(s.from))
	asked := grafanatest.Ask(d, func(q model.Target) []promtest.Series {
		expr, _ := model.Expand(q.Expr, values)
		result, err := s.prometheus.Show(t.Context(), expr, q.Instant, s.from, s.to)
		if err != nil {
			t.Fatal(err)
		}
		return result
	})
	return grafanatest.Dashboard{Asked: asked, Variables: values, From: s.from, To: s.to, Width: 1600, Dark: true}
}
