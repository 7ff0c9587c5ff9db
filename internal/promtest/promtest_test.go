package promtest_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/goleak"

	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

const config = "../../otel/prometheus/prometheus.yml"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a Prometheus, or skips the test where it is not installed.
func start(t *testing.T, o promtest.Options) *promtest.Server {
	t.Helper()
	p, err := promtest.Start(t.Context(), o)
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// target serves a histogram as the lab exposes it: both forms, and an exemplar. Each scrape finds ten more observations of 20 ms.
func target(t *testing.T) string {
	t.Helper()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: signal.HTTPServerDuration, Buckets: signal.HTTPBuckets(),
		NativeHistogramBucketFactor: signal.NativeBucketFactor, NativeHistogramMaxBucketNumber: signal.NativeMaxBuckets,
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(h)
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			h.(prometheus.ExemplarObserver).ObserveWithExemplar(.02, prometheus.Labels{signal.LogTraceID: traceID})
		}
		metrics.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// Either form of a histogram has what the other would have had, and exemplars come with both.
func TestServer(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		t.Run(map[bool]string{false: "classic", true: "native"}[native], func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			p := start(t, promtest.Options{Config: config, Native: native, Targets: map[string][]string{"app": {target(t)}, "prometheus": nil}})
			if err := p.AwaitUp(ctx); err != nil {
				t.Fatal(err)
			}
			await := func(expr string) promtest.Point {
				result, err := p.Await(ctx, expr)
				if err != nil {
					t.Fatal(err)
				}
				return result[0].Points[0]
			}
			name := signal.HTTPServerDuration
			buckets := name + "_bucket"
			if native {
				buckets = name
			}
			quantile := await("histogram_quantile(0.5, sum by (le) (rate(" + buckets + "[4s])))").Value
			low, high := .01, .025 // the classic bucket
			if native {
				low, high = .02/1.1, .02*1.1
			}
			if quantile < low || quantile > high {
				t.Errorf("median: got %g, want %g to %g", quantile, low, high)
			}
			if native {
				got := await("rate(" + name + "[4s])").Histogram
				if got == nil || math.Abs(got.Sum/got.Count-.02) > 1e-9 || len(got.Buckets) != 1 || got.Buckets[0].Count != got.Count {
					t.Errorf("histogram: got %+v, want all in one bucket, with a mean of 0.02", got)
				}
			}
			exemplars, err := p.Exemplars(ctx, buckets, time.Now().Add(-time.Minute), time.Now().Add(time.Minute))
			if err != nil || len(exemplars) == 0 || exemplars[0].Labels[signal.LogTraceID] != traceID || exemplars[0].Value != .02 {
				t.Errorf("exemplars: got %+v, %v; want trace %s of 0.02 s", exemplars, err, traceID)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	p := start(t, promtest.Options{Config: config, Targets: map[string][]string{"prometheus": {}}})
	if err := p.AwaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	got, err := p.QueryRange(t.Context(), "vector(2)", now.Add(-2*time.Second), now, time.Second)
	if err != nil || len(got) != 1 || len(got[0].Points) != 3 || got[0].Points[2].Value != 2 || !got[0].Points[2].Time.Equal(now) {
		t.Errorf("range: got %+v, %v; want three times 2, the last at %s", got, err, now)
	}
	got, err = p.Query(t.Context(), "scalar(vector(3))", now)
	if err != nil || len(got) != 1 || got[0].Points[0].Value != 3 {
		t.Errorf("scalar: got %+v, %v; want 3", got, err)
	}
	got, err = p.Query(t.Context(), "vector(0) / 0", now)
	if err != nil || !promtest.Empty(got) {
		t.Errorf("not a number: got %+v, %v; want what counts as empty", got, err)
	}
	if _, err = p.Query(t.Context(), "sum(", now); err == nil || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("bad expression: got %v, want Prometheus' own words", err)
	}
	names, err := p.Names(t.Context())
	if err != nil || !slices.Contains(names, "up") {
		t.Errorf("names: got %d of them, %v; want up among them", len(names), err)
	}
}

func TestDownIsNamed(t *testing.T) {
	t.Parallel()
	p := start(t, promtest.Options{Config: config, Targets: map[string][]string{"app": {"127.0.0.1:1"}, "prometheus": nil}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := p.AwaitUp(ctx); err == nil || !strings.Contains(err.Error(), "not scraped: app") {
		t.Errorf("got %v, want the job that is down", err)
	}
}

func TestUnknownJob(t *testing.T) {
	t.Parallel()
	c, err := promtest.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.For(promtest.Version{Major: 3, Minor: 13}, map[string][]string{"apps": {"127.0.0.1:1"}}); err == nil {
		t.Error("got no error for targets of a job that the configuration does not have")
	}
}

func TestStrictConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, []byte("global:\n  scrape_intervall: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := promtest.ReadConfig(path); err == nil || !strings.Contains(err.Error(), "scrape_intervall") {
		t.Errorf("got %v, want the unknown key", err)
	}
}

// What an older Prometheus does not know is left out for it; for the version that the lab runs nothing is.
func TestConfigFor(t *testing.T) {
	t.Parallel()
	c, err := promtest.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		version         promtest.Version
		native, classic bool
	}{
		{promtest.Version{Major: 2, Minor: 42}, false, false},
		{promtest.Version{Major: 3, Minor: 1}, false, true},
		{promtest.Version{Major: 3, Minor: 13}, true, true},
	} {
		got, err := c.For(test.version, map[string][]string{"app": {"127.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		data, err := got.YAML()
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if has := strings.Contains(text, "scrape_native_histograms: true"); has != test.native {
			t.Errorf("%s: native histograms asked for: %t, want %t", test.version, has, test.native)
		}
		if has := strings.Contains(text, "always_scrape_classic_histograms: true"); has != test.classic {
			t.Errorf("%s: classic histograms asked for: %t, want %t", test.version, has, test.classic)
		}
		if !strings.Contains(text, "127.0.0.1:1") || strings.Contains(text, "jaeger") {
			t.Errorf("%s: want the given target alone:\n%s", test.version, text)
		}
	}
}
