package e2e_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// endpoint is where something listens.
type endpoint struct {
	Endpoint string `yaml:"endpoint"`
}

// jaegerConfig is what the lab uses of Jaeger's configuration.
type jaegerConfig struct {
	Service struct {
		Extensions []string `yaml:"extensions"`
		Pipelines  map[string]struct {
			Receivers  []string `yaml:"receivers"`
			Processors []string `yaml:"processors"`
			Exporters  []string `yaml:"exporters"`
		} `yaml:"pipelines"`
		Telemetry struct {
			Resource map[string]string `yaml:"resource"`
			Metrics  struct {
				Level   string `yaml:"level"`
				Readers []struct {
					Pull struct {
						Exporter struct {
							Prometheus struct {
								Host string `yaml:"host"`
								Port int    `yaml:"port"`
							} `yaml:"prometheus"`
						} `yaml:"exporter"`
					} `yaml:"pull"`
				} `yaml:"readers"`
			} `yaml:"metrics"`
			Logs struct {
				Level string `yaml:"level"`
			} `yaml:"logs"`
		} `yaml:"telemetry"`
	} `yaml:"service"`
	Extensions struct {
		Health struct {
			UseV2 bool     `yaml:"use_v2"`
			HTTP  endpoint `yaml:"http"`
		} `yaml:"healthcheckv2"`
		Query struct {
			Storage struct {
				Traces  string `yaml:"traces"`
				Metrics string `yaml:"metrics"`
			} `yaml:"storage"`
			HTTP endpoint `yaml:"http"`
			GRPC endpoint `yaml:"grpc"`
		} `yaml:"jaeger_query"`
		Storage struct {
			Backends map[string]struct {
				Memory struct {
					MaxTraces int `yaml:"max_traces"`
				} `yaml:"memory"`
			} `yaml:"backends"`
			MetricBackends map[string]struct {
				Prometheus struct {
					Endpoint          string `yaml:"endpoint"`
					NormalizeCalls    bool   `yaml:"normalize_calls"`
					NormalizeDuration bool   `yaml:"normalize_duration"`
				} `yaml:"prometheus"`
			} `yaml:"metric_backends"`
		} `yaml:"jaeger_storage"`
	} `yaml:"extensions"`
	Receivers struct {
		OTLP struct {
			Protocols map[string]endpoint `yaml:"protocols"`
		} `yaml:"otlp"`
	} `yaml:"receivers"`
	Processors struct {
		Batch struct {
			Timeout string `yaml:"timeout"`
		} `yaml:"batch"`
	} `yaml:"processors"`
	Connectors struct {
		SpanMetrics struct {
			Flush     string `yaml:"metrics_flush_interval"`
			Histogram struct {
				Explicit struct {
					Buckets []string `yaml:"buckets"`
				} `yaml:"explicit"`
			} `yaml:"histogram"`
		} `yaml:"spanmetrics"`
	} `yaml:"connectors"`
	Exporters struct {
		Storage struct {
			Traces string `yaml:"trace_storage"`
		} `yaml:"jaeger_storage_exporter"`
		Prometheus endpoint `yaml:"prometheus"`
	} `yaml:"exporters"`
}

// Jaeger listens on all interfaces of its container, on the ports that the others look for it on; its pipelines name parts that there
// are; and it keeps as many traces as its memory allows.
func TestJaegerConfig(t *testing.T) {
	t.Parallel()
	var c jaegerConfig
	strictly(t, "otel/jaeger/config.yaml", &c)
	e := c.Extensions
	own := c.Service.Telemetry.Metrics.Readers[0].Pull.Exporter.Prometheus
	for what, got := range map[string]string{
		"0.0.0.0:4317": c.Receivers.OTLP.Protocols["grpc"].Endpoint, "0.0.0.0:4318": c.Receivers.OTLP.Protocols["http"].Endpoint,
		"0.0.0.0:16686": e.Query.HTTP.Endpoint, "0.0.0.0:13133": e.Health.HTTP.Endpoint, "0.0.0.0:8889": c.Exporters.Prometheus.Endpoint,
	} {
		if got != what {
			t.Errorf("got %q, want %s", got, what)
		}
	}
	if own.Host != "0.0.0.0" || own.Port != 8888 || !e.Health.UseV2 || c.Connectors.SpanMetrics.Flush != "5s" {
		t.Errorf("own metrics on %s:%d, health v2 %t, span metrics every %s", own.Host, own.Port, e.Health.UseV2, c.Connectors.SpanMetrics.Flush)
	}
	traces, ok := e.Storage.Backends[e.Query.Storage.Traces]
	if !ok || c.Exporters.Storage.Traces != e.Query.Storage.Traces || traces.Memory.MaxTraces < 1000 || traces.Memory.MaxTraces > 5000 {
		t.Errorf("traces: stored in %q, read from %q with at most %d", c.Exporters.Storage.Traces, e.Query.Storage.Traces, traces.Memory.MaxTraces)
	}
	if got := e.Storage.MetricBackends[e.Query.Storage.Metrics].Prometheus.Endpoint; got != "http://prometheus:9090" {
		t.Errorf("metrics: got %q, want the lab's Prometheus", got)
	}
	if !slices.Equal(c.Service.Extensions, []string{"jaeger_storage", "jaeger_query", "healthcheckv2"}) {
		t.Errorf("got extensions %q, want all that are configured", c.Service.Extensions)
	}
	in, out := c.Service.Pipelines["traces"], c.Service.Pipelines["metrics/spanmetrics"]
	if !slices.Equal(in.Receivers, []string{"otlp"}) || !slices.Equal(in.Exporters, []string{"jaeger_storage_exporter", "spanmetrics"}) ||
		!slices.Equal(out.Receivers, []string{"spanmetrics"}) || !slices.Equal(out.Exporters, []string{"prometheus"}) {
		t.Errorf("got pipelines %+v, want spans stored and counted, and the counts exported", c.Service.Pipelines)
	}
}

// The Monitor tab can tell a hit, which takes 0.4 ms, from a faster one and from a slower one, and a herd of seconds from a longer one.
func TestJaegerBuckets(t *testing.T) {
	t.Parallel()
	var c jaegerConfig
	strictly(t, "otel/jaeger/config.yaml", &c)
	var bounds []time.Duration
	for _, text := range c.Connectors.SpanMetrics.Histogram.Explicit.Buckets {
		bound, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		bounds = append(bounds, bound)
	}
	if !slices.IsSorted(bounds) || len(bounds) > 25 {
		t.Errorf("got %d buckets %s, want at most 25, ascending", len(bounds), bounds)
	}
	for _, took := range []time.Duration{400 * time.Microsecond, 5 * time.Millisecond, 100 * time.Millisecond, 5 * time.Second} {
		at, _ := slices.BinarySearch(bounds, took)
		if at == 0 || at == len(bounds) || bounds[at] > 2*bounds[at-1] {
			t.Errorf("a span of %s: no bucket of %s ends at most at twice its begin", took, bounds)
		}
	}
}

// docs/traces.md names tags, operations and services that there are.
func TestTracesPage(t *testing.T) {
	t.Parallel()
	page := string(testkit.ReadFile(t, "docs/traces.md"))
	known := string(testkit.ReadFile(t, "otel/signal/signal.go"))
	tags := regexp.MustCompile(`lab\.[a-z_]+(\.[a-z_]+)*`).FindAllString(page, -1)
	if len(tags) < 20 {
		t.Errorf("got the tags %q, want those of the searches", tags)
	}
	for _, tag := range tags {
		if !strings.Contains(known, `"`+tag+`"`) {
			t.Errorf("there is no attribute %s", tag)
		}
	}
	for _, name := range []string{appService, generatorService, signal.SpanCacheGet, signal.SpanCacheRefresh, signal.SpanCacheRecompute} {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("want a word on %s", name)
		}
	}
	for r := range api.CacheResults {
		if name := api.CacheResult(r).String(); name != "none" && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("want the result %s", name)
		}
	}
}
