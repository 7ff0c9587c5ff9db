package e2e_test

import (
	"context"
	"fmt"
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

// away is an outage of the scenario outage, on two replicas that are some distance away from their database.
const away = `
why: what befell the servers is on the dashboard
app: {properties: 500, ttl: 500ms, grace: 10s}
world: {replicas: 2, database: {rtt: 200us}}
rounds: 1
modes: {ttl: GET /api/properties/cached/ttl/?loader=batched}
phases:
  - {name: prime,      requests: 3, warmup: true, before: [flush]}
  - {name: redis-kill, rate: 60/s, for: 4s, during: {price_change: 300ms}, faults: [{at: 500ms, for: 1500ms, redis: kill}]}
`

// Every expression of World has data of a run with an outage and replicas, over the time of the run, as a browser asks.
func TestWorldInPrometheus(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	app, generator := newRelay(t), newRelay(t)
	p, err := promtest.Start(ctx, promtest.Options{
		Config: "../../otel/prometheus/prometheus.yml", Targets: map[string][]string{"app": {app.addr()}, "loadgen": {generator.addr()}},
	})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Await(ctx, "count(up) == 2"); err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	r, err := drive(ctx, t, programs, away, "", app, generator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Await(ctx, fmt.Sprintf("last_over_time(%s{%s=%q}[5m])", signal.LoadVerdict, signal.LabelRunID, r.ID)); err != nil {
		t.Fatal(err)
	}
	to := time.Now()
	// A mode that is made of a strategy and a loader is there before its first request.
	for _, metric := range []string{signal.RequestsTotal, signal.SQLTotal, signal.CacheRequests, signal.HTTPServerDuration + "_count"} {
		born, err := p.Query(ctx, fmt.Sprintf(`min_over_time(%s{%s="ttl+batched"}[%dms])`, metric, signal.LabelMode, to.Sub(from).Milliseconds()), to)
		if err != nil || len(born) == 0 {
			t.Fatalf("%s: %v, %v", metric, born, err)
		}
		for _, x := range born {
			if x.Points[0].Value != 0 {
				t.Errorf("%s%v is born at %v", metric, x.Labels, x.Points[0].Value)
			}
		}
	}
	for _, d := range []model.Dashboard{board.World(), board.Runtime()} {
		for _, q := range d.Queries() {
			expr, missing := model.Expand(q.Expr, board.Values(r.ID, "redis-kill", ttl, ttl, window, to.Sub(from)))
			if len(missing) > 0 {
				t.Fatalf("%s %s: no values for %q", q.Panel, q.RefID, missing)
			}
			var result []promtest.Series
			if q.Instant {
				result, err = p.Query(ctx, expr, to)
			} else {
				result, err = p.QueryRange(ctx, expr, from, to, time.Second)
			}
			if err != nil {
				t.Fatalf("%s %s: %v", q.Panel, q.RefID, err)
			}
			if promtest.Empty(result) && !strings.Contains(q.Expr, `"recover"`) { // a busy machine may not be as before in time
				t.Errorf("%s: %s %s has no data: %s", q.Dashboard, q.Panel, q.RefID, expr)
			}
		}
	}
}
