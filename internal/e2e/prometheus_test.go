package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// twice has two rounds, so that ratios have intervals, and phases that are over before a scrape. The seed is one with which the shared phase, in which the
// app's last counts are scraped, comes last.
const twice = `
why: what a dashboard shows of a run is what its report says
app: {properties: 500, ttl: 300ms, grace: 5s, redis_budget: 1s}
rounds: 2
seed: 3
modes:
  ttl:          GET /api/properties/cached/ttl/
  singleflight: GET /api/properties/cached/singleflight/
  swr:          GET /api/properties/cached/swr/
phases:
  - {name: prime,  requests: 1, warmup: true, before: [flush]}
  - {name: expiry, rate: 150/s, for: 1200ms}
  - {name: burst,  burst: 30, before: [flush], app: {ttl: 1m}} # however slow the machine is, one request computes the page
  - {name: fault,  rate: 40/s, for: 1500ms, before: [flush], mix: {ttl: 1}, faults: [{at: 200ms, for: 900ms, database: slow, delay: 5ms}, {at: 1200ms, redis: flush}]}
  - {name: rest,   requests: 1, warmup: true, before: [{wait: 2500ms}], mix: {ttl: 1}}
gates:
  - errors() == 0
  - recomputes("swr", "burst") == 1
`

// reported is a report as loadgen writes it for programs.
type reported struct {
	Verdict string           `json:"verdict"`
	Figures []map[string]any `json:"figures"`
	Ratios  []map[string]any `json:"ratios"`
	Gates   []struct {
		Expr    string
		Verdict string
	} `json:"gates"`
}

// seen is a run that is over, its report, and the Prometheus that scraped it.
type seen struct {
	run        *run
	report     reported
	prometheus *promtest.Server
	from, to   time.Time
}

// A browser that opens the dashboards after a run, over the time of that run, gets the figures of its report: cell by cell, and exactly.
func TestReportInPrometheus(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	s, err := newSeen(ctx, t)
	testkit.Need(t, err, localserver.ErrMissing)
	t.Run("figures", s.testFigures)
	t.Run("dashboard", s.testDashboard)
	t.Run("baselines", s.testBaselines)
	t.Run("gates", s.testGates)
	t.Run("seconds", s.testSeconds)
	t.Run("counted by second", s.testCountedBySecond)
	t.Run("from zero", s.testFromZero)
	t.Run("quantiles", s.testQuantiles)
	t.Run("app", s.testApp)
	t.Run("expiries", s.testExpiries)
	t.Run("faults", s.testFaultBands)
	t.Run("drawn", s.testDrawn)
}

// newSeen runs the scenario.
func newSeen(ctx context.Context, t *testing.T) (*seen, error) {
	t.Helper()
	app, generator := newRelay(t), newRelay(t)
	p, err := promtest.Start(ctx, promtest.Options{
		Config: "../../otel/prometheus/prometheus.yml", Targets: map[string][]string{"app": {app.addr()}, "loadgen": {generator.addr()}},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	programs, err := built()
	if err != nil {
		return nil, err
	}
	if _, err := p.Await(ctx, "count(up) == 2"); err != nil {
		return nil, err
	}
	s := &seen{prometheus: p, from: time.Now()}
	if s.run, err = drive(ctx, t, programs, twice, "", app, generator); err != nil {
		return nil, err
	}
	if last := s.run.Cells[len(s.run.Cells)-1]; last.Phase != rest {
		return nil, fmt.Errorf("phase %s of %s came last, not %s: choose another seed", last.Phase, last.Mode, rest)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(programs, "loadgen"), "report", s.run.path, "--format", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("loadgen report: %w", err)
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&s.report); err != nil {
		return nil, fmt.Errorf("loadgen report: %w", err)
	}
	// The generator ends when its last figures were scraped; to store them may take Prometheus a moment more.
	_, err = p.Await(ctx, fmt.Sprintf("last_over_time(%s{%s=%q}[5m])", signal.LoadVerdict, signal.LabelRunID, s.run.ID))
	s.to = time.Now()
	return s, err
}

// ask asks for one moment, as a browser does for a table: the end of the run, with all of its time as the range.
func (s *seen) ask(t *testing.T, expr, phase, mode string) []promtest.Series {
	t.Helper()
	expanded, missing := model.Expand(expr, board.Values(s.run.ID, phase, mode, ttl, window, s.to.Sub(s.from)))
	if len(missing) > 0 {
		t.Fatalf("%s: no values for %q", expr, missing)
	}
	result, err := s.prometheus.Query(t.Context(), expanded, s.to)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// figure returns a figure of the report as Prometheus has it: times in seconds.
func (s *seen) figure(row map[string]any, name string) (float64, bool) {
	if ms, ok := row[name+"_ms"].(float64); ok {
		return ms / 1000, true
	}
	v, ok := row[name].(float64)
	return v, ok
}

// row returns the row of a mode in a phase.
func row(rows []map[string]any, of map[string]any) map[string]any {
	i := slices.IndexFunc(rows, func(r map[string]any) bool {
		for name, v := range of {
			if r[name] != v {
				return false
			}
		}
		return true
	})
	if i < 0 {
		return nil
	}
	return rows[i]
}

func (s *seen) value(t *testing.T, x promtest.Series) float64 {
	t.Helper()
	if len(x.Points) != 1 {
		t.Fatalf("%v has %d points, want 1", x.Labels, len(x.Points))
	}
	return x.Points[0].Value
}

// Every figure of the report is in Prometheus, each once, and nothing else is.
func (s *seen) testFigures(t *testing.T) {
	found := 0
	for _, x := range s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run"}[$__range])`, signal.LoadFigure, signal.LabelRunID), "", "") {
		l := x.Labels
		if strings.Contains(l[signal.LabelPhase], "/") {
			continue // a part of a phase, of which the report has no row of its own
		}
		of := row(s.report.Figures, map[string]any{"mode": l[signal.LabelMode], "phase": l[signal.LabelPhase]})
		want, ok := s.figure(of, l[signal.LabelFigure])
		if got := s.value(t, x); !ok || got != want {
			t.Errorf("%s of %s in %s: got %v, the report has %v (%t)", l[signal.LabelFigure], l[signal.LabelMode], l[signal.LabelPhase], got, want, ok)
		}
		found++
	}
	want := 0
	for _, r := range s.report.Figures {
		for name, v := range r {
			if _, ok := v.(float64); ok && name != "rounds" {
				want++
			}
		}
	}
	if found != want || want == 0 {
		t.Errorf("%d figures, the report has %d", found, want)
	}
	for _, x := range s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run"}[$__range])`, signal.LoadFigureAtLeast, signal.LabelRunID), "", "") {
		l := x.Labels
		if strings.Contains(l[signal.LabelPhase], "/") {
			continue
		}
		marked, _ := row(s.report.Figures, map[string]any{"mode": l[signal.LabelMode], "phase": l[signal.LabelPhase]})["too_few_samples"].([]any)
		if got, want := s.value(t, x) == 1, slices.Contains(marked, any(l[signal.LabelFigure]+"_ms")); got != want {
			t.Errorf("%s of %s in %s is a lower bound: got %t, want %t", l[signal.LabelFigure], l[signal.LabelMode], l[signal.LabelPhase], got, want)
		}
	}
}

// What Mode comparison asks for one moment, of one metric, is what the report has.
func (s *seen) testDashboard(t *testing.T) {
	all := strings.Join([]string{ttl, singleflight, "swr"}, "|")
	name := regexp.MustCompile(signal.LabelFigure + `="(\w+)"`)
	bounds := map[string]string{signal.BoundPoint: "ratio", signal.BoundLow: "low", signal.BoundHigh: "high"}
	bound := regexp.MustCompile(signal.LabelBound + `="(\w+)"`)
	cells := map[string]int{}
	for _, phase := range []string{"expiry", "burst"} {
		for _, q := range board.Modes().Queries() {
			of := name.FindStringSubmatch(q.Expr)
			if !q.Instant || of == nil || strings.Count(q.Expr, "loadgen_") != 1 {
				continue
			}
			for _, x := range s.ask(t, q.Expr, phase, all) {
				at := map[string]any{"mode": x.Labels[signal.LabelMode], "phase": phase}
				if p := x.Labels[signal.LabelPhase]; p != "" {
					at["phase"] = p
				}
				if strings.Contains(at["phase"].(string), "/") {
					continue
				}
				var want float64
				var ok bool
				if b := bound.FindStringSubmatch(q.Expr); b != nil {
					at["figure"] = of[1]
					want, ok = row(s.report.Ratios, at)[bounds[b[1]]].(float64)
				} else {
					want, ok = s.figure(row(s.report.Figures, at), of[1])
				}
				if got := s.value(t, x); !ok || got != want {
					t.Errorf("%s, %s of %v: got %v, the report has %v (%t)", q.Panel, q.RefID, at, got, want, ok)
				}
				cells[q.Panel]++
			}
		}
	}
	t.Logf("cells compared: %v", cells)
	for panel, least := range map[string]int{
		"p50 in phase $phase": 6, "p95 in phase $phase": 6, "p99 in phase $phase": 6, "Percentiles and their ratios to $baseline": 40, "Modes by phase": 100,
		"SQL queries per request": 6, "Memory of a page in Redis": 2, // swr's, which outlive their TTL
	} {
		if cells[panel] < least {
			t.Errorf("%s: %d cells were compared, want at least %d", panel, cells[panel], least)
		}
	}
}

// The scenario's first mode is the baseline unless another is chosen, of which there are ratios then.
func (s *seen) testBaselines(t *testing.T) {
	i := slices.IndexFunc(board.Modes().Templating.List, func(v model.Variable) bool { return v.Name == "baseline" })
	expr, _ := board.Modes().Templating.List[i].Query.(map[string]any)["query"].(string)
	expr = strings.TrimSuffix(strings.TrimPrefix(expr, "query_result("), ")")
	var order []string
	for _, x := range s.ask(t, expr, "", "") {
		order = append(order, x.Labels[signal.LabelMode])
	}
	if want := []string{ttl, singleflight, "swr"}; !slices.Equal(order, want) {
		t.Errorf("the variable offers %v, want %v", order, want)
	}
	for _, baseline := range order {
		ratios := s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run", %s=%q, %s="p50", %s="point", %s="burst"}[$__range])`, signal.LoadFigureRatio, signal.LabelRunID,
			signal.LabelBaseline, baseline, signal.LabelFigure, signal.LabelBound, signal.LabelPhase), "", "")
		if len(ratios) != 2 {
			t.Errorf("%d ratios to %s, want 2", len(ratios), baseline)
		}
	}
}

// The verdict of the run and of each gate were scraped before the generator ended.
func (s *seen) testGates(t *testing.T) {
	result := s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run"}[$__range]) == 1`, signal.LoadGate, signal.LabelRunID), "", "")
	if len(result) != len(s.report.Gates) || len(result) == 0 {
		t.Errorf("%d gates, the report has %d", len(result), len(s.report.Gates))
	}
	for _, g := range s.report.Gates {
		if !slices.ContainsFunc(result, func(x promtest.Series) bool {
			return x.Labels[signal.LabelGate] == g.Expr && x.Labels[signal.LabelVerdict] == g.Verdict
		}) {
			t.Errorf("no series of gate %s: %s", g.Expr, g.Verdict)
		}
	}
	verdict := s.ask(t, fmt.Sprintf(`last_over_time(%s{%s="$run"}[$__range]) == 1`, signal.LoadVerdict, signal.LabelRunID), "", "")
	if len(verdict) != 1 || verdict[0].Labels[signal.LabelVerdict] != s.report.Verdict {
		t.Errorf("got verdict %v, want %s", verdict, s.report.Verdict)
	}
}

// What is counted is there at 0 before it is counted, of the generator and of the app, so that no rate lacks the first burst.
func (s *seen) testFromZero(t *testing.T) {
	for _, metric := range []string{
		signal.LoadCompleted, signal.LoadScheduled, signal.LoadResponse + "_count", signal.HTTPServerDuration + "_count", signal.SQLTotal, signal.RecomputeTotal,
		signal.ExpirationsTotal, signal.ColdTotal, signal.CacheRequests, signal.CacheWaited,
	} {
		match := fmt.Sprintf("{%s=~%q}", signal.LabelMode, ttl+"|"+singleflight+"|swr")
		born := s.ask(t, fmt.Sprintf("min_over_time(%s%s[$__range])", metric, match), "", "")
		if len(born) == 0 {
			t.Errorf("no series of %s", metric)
		}
		for _, x := range born {
			if v := s.value(t, x); v != 0 {
				t.Errorf("%s%v is born at %v", metric, x.Labels, v)
			}
		}
	}
	// A phase of some milliseconds was seen, in each round.
	for _, phase := range []string{"prime", "expiry", "burst"} {
		got := s.ask(t, fmt.Sprintf(`count_over_time(%s{%s=%q}[$__range])`, signal.LoadPhase, signal.LabelPhase, phase), "", "")
		if len(got) != 6 {
			t.Errorf("%d of 6 turns of phase %s were seen", len(got), phase)
		}
	}
}

// A quantile of the generator's histogram over the run is that of the report, but for the width of its bucket.
func (s *seen) testQuantiles(t *testing.T) {
	bounds := signal.LoadBuckets()
	for _, r := range s.report.Figures {
		for _, q := range []struct {
			name string
			at   float64
		}{{"p50", .5}, {"p95", .95}} {
			of := fmt.Sprintf(`{%s="$run", %s=%q, %s=%q}[$__range]`, signal.LabelRunID, signal.LabelMode, r["mode"], signal.LabelPhase, r["phase"])
			all := s.ask(t, fmt.Sprintf(`sum(max_over_time(%s_count%s))`, signal.LoadResponse, of), "", "")
			if len(all) != 1 {
				t.Fatalf("%v: %d counts", r["mode"], len(all))
			}
			// The report's is that of the nearest rank, which Prometheus does not round: it is asked for the middle of that rank.
			n := s.value(t, all[0])
			at := (max(math.Floor(q.at*n+.5), 1) - .5) / n
			got := s.ask(t, fmt.Sprintf(`histogram_quantile(%g, sum by (le) (max_over_time(%s_bucket%s)))`, at, signal.LoadResponse, of), "", "")
			want, _ := s.figure(r, q.name)
			if len(got) != 1 {
				t.Fatalf("%s of %v: %d values", q.name, r["mode"], len(got))
			}
			if v := s.value(t, got[0]); v < floor(bounds, want*(1-near)) || v > ceil(bounds, want*(1+near)) {
				t.Errorf("%s of %s in %s: the histogram has %v, the report %v", q.name, r["mode"], r["phase"], v, want)
			}
		}
	}
}

// The app's own totals by mode are those of the report, background work included.
func (s *seen) testApp(t *testing.T) {
	for metric, counter := range map[string]string{
		signal.SQLTotal: "sql_queries", signal.RedisTotal: "redis_commands", signal.RequestsTotal: "requests", signal.RecomputeTotal: "recomputes",
		signal.ExpirationsTotal: "expirations", signal.ColdTotal: "cold",
	} {
		for _, mode := range []string{singleflight, "swr"} { // ttl has a last request after the last scrape
			var want int64
			for _, c := range s.run.Cells {
				if c.Mode == mode {
					want += c.Server.Counters[counter]
				}
			}
			got := s.ask(t, fmt.Sprintf("sum(max_over_time(%s{%s=%q}[$__range]))", metric, signal.LabelMode, mode), "", "")
			if len(got) != 1 || s.value(t, got[0]) != float64(want) {
				t.Errorf("%s of %s: got %v, run.json has %d %s", metric, mode, got, want, counter)
			}
		}
	}
	// 29 of the 30 of a burst waited for the one that recomputed the page, and were over before a scrape.
	if most := s.ask(t, fmt.Sprintf("max_over_time(%s{%s=%q}[$__range])", signal.CacheWaitersPeak, signal.LabelMode, singleflight), "", ""); len(most) != 1 ||
		s.value(t, most[0]) < 2 {
		t.Errorf("the most that waited at once: got %v", most)
	}
}
