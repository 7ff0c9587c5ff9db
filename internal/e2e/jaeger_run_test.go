package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// searched makes what each search of docs/traces.md is for. Every statement has a distance, so that a herd takes more than 100 ms.
const searched = `
why: every search of docs/traces.md finds something
app: {properties: 500, ttl: 500ms, grace: 10s, sqlite_rtt: 1ms}
rounds: 2
seed: 11
modes:
  ttl:  GET /api/properties/cached/ttl/
  lock: GET /api/properties/cached/lock/
  swr:  GET /api/properties/cached/swr/
  gone: GET /api/properties/999999/
phases:
  - {name: expiry, rate: 40/s, for: 1500ms, trace: all}
  - {name: burst,  burst: 10, before: [flush], trace: all}
  - {name: rest,   requests: 1, warmup: true, before: [{wait: 7s}], mix: {ttl: 1}}
`

// The lab's configuration is one that Jaeger runs with; the searches of docs/traces.md find what they are for; and what leads to a trace leads to one that is there.
// It is skipped where there is no Jaeger even if CI=true: no distribution has it. make test-pinned builds it.
func TestJaeger(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("jaeger")
	if testing.Short() || errors.Is(err, exec.ErrNotFound) {
		t.Skip("SKIPPED, NOT TESTED: jaeger not found: make test-pinned builds it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	j := &jaeger{addrs: map[string]string{}}
	t.Cleanup(j.client.CloseIdleConnections)
	for _, port := range []string{"4317", "4318", "8888", "8889", "13133", "16685", "16686"} {
		j.addrs[port] = testkit.FreeAddr(t)
	}
	app, generator := newRelay(t), newRelay(t)
	p, err := promtest.Start(ctx, promtest.Options{Config: prometheusFile, Targets: map[string][]string{
		"app": {app.addr()}, "loadgen": {generator.addr()}, "jaeger": {j.addrs["8888"]}, "spanmetrics": {j.addrs["8889"]},
	}})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	j.start(ctx, t, program, p.URL())
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	r, err := drive(ctx, t, programs, searched, "http://"+j.addrs["4318"], app, generator)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("searches", j.testSearches)
	t.Run("whole", j.testWhole)
	t.Run("services", j.testServices)
	t.Run("run's traces", func(t *testing.T) {
		for _, x := range r.Traces {
			if len(j.trace(t, x.ID)) == 0 {
				t.Errorf("trace %s of %s in %s, which run.json has, is not in Jaeger", x.ID, x.Mode, x.Phase)
			}
		}
		if len(r.Traces) == 0 {
			t.Error("the run kept no traces")
		}
	})
	t.Run("exemplars", func(t *testing.T) {
		for _, name := range []string{signal.HTTPServerDuration, signal.LoadResponse} {
			exemplars, err := p.Exemplars(t.Context(), name+"_bucket", begin, time.Now())
			if err != nil || len(exemplars) == 0 {
				t.Errorf("%s: got %d exemplars, %v", name, len(exemplars), err)
			}
			for _, e := range exemplars {
				if len(j.trace(t, e.Labels[signal.LogTraceID])) == 0 {
					t.Errorf("%s: the exemplar at %v leads to trace %q, which is not in Jaeger", name, e.Time, e.Labels[signal.LogTraceID])
				}
			}
		}
	})
	t.Run("monitor", func(t *testing.T) { j.testMonitor(t, p) })
	t.Run("limit", func(t *testing.T) { j.testLimit(t, r.Traces[0].ID) })
}

// testSearches types each line of the table of searches as Jaeger's page would send it.
func (j *jaeger) testSearches(t *testing.T) {
	_, table, _ := strings.Cut(string(testkit.ReadFile(t, "docs/traces.md")), "## Searches")
	table, _, _ = strings.Cut(table, "\n## ")
	quoted := regexp.MustCompile("`([^`]+)`")
	first := func(cell string) string {
		if found := quoted.FindStringSubmatch(cell); found != nil {
			return found[1]
		}
		return ""
	}
	n := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || first(cells[2]) == "" {
			continue
		}
		tags := map[string]string{}
		for pair := range strings.FieldsSeq(first(cells[4])) {
			name, value, _ := strings.Cut(pair, "=")
			tags[name] = value
		}
		if found := j.search(t, first(cells[2]), first(cells[3]), first(cells[5]), tags); len(found) == 0 {
			t.Errorf("nothing is found:%s: %s", cells[1], line)
		}
		n++
	}
	if n < 10 {
		t.Errorf("got %d searches, want those of the page", n)
	}
	if found := j.search(t, generatorService, "", "", map[string]string{signal.AttrMode: "ttl", signal.AttrPhase: "no such"}); len(found) > 0 {
		t.Errorf("got %d traces of a phase that there is not", len(found))
	}
}

// testWhole looks for all that a request is made of in one trace.
func (j *jaeger) testWhole(t *testing.T) {
	found := j.search(t, appService, signal.SpanCacheGet, "", map[string]string{signal.AttrCacheStrategy: "ttl", signal.AttrCacheResult: "miss"})
	if len(found) == 0 {
		t.Error("there is no trace of a miss")
	}
	for _, trace := range found {
		services, systems := map[string]bool{}, map[string]bool{}
		for _, s := range trace.Spans {
			services[trace.Processes[s.Process].Service] = true
			systems[s.tag("db.system.name")] = true
		}
		if !services[appService] || !services[generatorService] || !systems["redis"] || !systems["sqlite"] {
			t.Errorf("trace %s: got services %v and databases %v, want the generator, the app, SQL and Redis", trace.ID, services, systems)
		}
	}
}

// testServices asks for what the pages of services and of the service map show, by the old API and the new.
func (j *jaeger) testServices(t *testing.T) {
	var services []string
	j.data(t, "/api/services", nil, &services)
	slices.Sort(services)
	if !slices.Equal(services, []string{generatorService, appService}) {
		t.Errorf("got services %q, want those of the lab alone: Jaeger does not trace itself", services)
	}
	var v3 struct {
		Services []string `json:"services"`
	}
	if data, err := j.get(t.Context(), "16686", "/api/v3/services", nil); err != nil || json.Unmarshal(data, &v3) != nil || len(v3.Services) != 2 {
		t.Errorf("v3: got %s, %v", data, err)
	}
	var operations []string
	j.data(t, "/api/services/"+appService+"/operations", nil, &operations)
	if len(operations) == 0 {
		t.Error("the app has no operations")
	}
	for _, o := range operations {
		if strings.Contains(o, "healthz") || strings.Contains(o, "readyz") || strings.Contains(o, "metrics") {
			t.Errorf("%s is traced: an idle lab would push a run's traces out", o)
		}
	}
	var edges []struct {
		Parent, Child string
		CallCount     int
	}
	j.data(t, "/api/dependencies", url.Values{"endTs": {strconv.FormatInt(time.Now().UnixMilli(), 10)}, "lookback": {"3600000"}}, &edges)
	between := 0
	for _, e := range edges {
		if e.Parent != e.Child {
			between++
			if e.Parent != generatorService || e.Child != appService || e.CallCount == 0 {
				t.Errorf("the service map has %+v", e)
			}
		}
	}
	if between != 1 {
		t.Errorf("got %+v, want one edge between services", edges)
	}
	for _, page := range []string{"/search", "/trace/" + strings.Repeat("a", 32), "/dependencies", "/monitor"} {
		if _, err := j.get(t.Context(), "16686", page, nil); err != nil {
			t.Error(err)
		}
	}
}

// testMonitor asks for what the Monitor tab shows: span metrics that Jaeger counted, Prometheus scraped, and Jaeger asks for again.
func (j *jaeger) testMonitor(t *testing.T, p *promtest.Server) {
	for _, metric := range []string{"calls", "latencies"} {
		query := url.Values{
			"service": {appService}, "spanKind": {"server"}, "quantile": {"0.95"}, "lookback": {"60000"}, "step": {"1000"}, "ratePer": {"10000"}, "groupByOperation": {"true"},
			"endTs": {strconv.FormatInt(time.Now().UnixMilli(), 10)},
		}
		data, err := j.get(t.Context(), "16686", "/api/metrics/"+metric, query)
		if err != nil || !strings.Contains(string(data), "/api/properties/cached/:strategy/") || !strings.Contains(string(data), "doubleValue") {
			t.Errorf("%s: got %.300s, %v; want points of the cached page", metric, data, err)
		}
	}
	for expr, least := range map[string]float64{
		`sum({__name__=~"otelcol_receiver_accepted_spans(_total)?"})`: 100, `sum({__name__=~"otelcol_receiver_refused_spans(_total)?"}) or vector(0)`: 0,
	} {
		result, err := p.Query(t.Context(), expr, time.Time{})
		if err != nil || promtest.Empty(result) || result[0].Points[0].Value < least || least == 0 && result[0].Points[0].Value != 0 {
			t.Errorf("%s: got %+v, %v", expr, result, err)
		}
	}
}

// testLimit sends as many traces as are kept: the oldest of them is there, and the run's are not.
func (j *jaeger) testLimit(t *testing.T, old string) {
	var c jaegerConfig
	strictly(t, "otel/jaeger/config.yaml", &c)
	most := c.Extensions.Storage.Backends[c.Extensions.Query.Storage.Traces].Memory.MaxTraces
	id := func(i int) string { return fmt.Sprintf("%032x", i+1) }
	var spans []map[string]any
	for i := range most {
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		spans = append(spans, map[string]any{"traceId": id(i), "spanId": fmt.Sprintf("%016x", i+1), "name": "one", "startTimeUnixNano": now, "endTimeUnixNano": now})
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"scopeSpans": []any{map[string]any{"spans": spans}}}}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+j.addrs["4318"]+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if _, err := j.do(req); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the last trace is there", func() bool { return len(j.trace(t, id(most-1))) == 1 })
	if len(j.trace(t, id(0))) != 1 || len(j.trace(t, old)) != 0 {
		t.Errorf("of %d traces the first has %d spans, and one before them has %d; want 1 and none", most, len(j.trace(t, id(0))), len(j.trace(t, old)))
	}
}
