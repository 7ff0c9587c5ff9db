package report

import (
	"time"

	"loadlab/loadgen/internal/hist"
)

// figure takes one figure of a total, and says whether it has one.
type figure func(t *total) (float64, bool)

// statistic is one number of a distribution.
type statistic struct {
	name string
	of   func(*hist.Histogram) time.Duration
}

func statistics() []statistic {
	return []statistic{
		{"p50", func(h *hist.Histogram) time.Duration { return h.Quantile(0.50) }},
		{"p90", func(h *hist.Histogram) time.Duration { return h.Quantile(0.90) }},
		{"p95", func(h *hist.Histogram) time.Duration { return h.Quantile(0.95) }},
		{"p99", func(h *hist.Histogram) time.Duration { return h.Quantile(0.99) }},
		{"mean", (*hist.Histogram).Mean},
		{"max", (*hist.Histogram).Max},
	}
}

// clock is one of the three distributions of a total; the response time needs no prefix.
type clock struct {
	prefix string
	of     func(*total) *hist.Histogram
}

func clocks() []clock {
	return []clock{
		{"", func(t *total) *hist.Histogram { return t.response }},
		{"service_", func(t *total) *hist.Histogram { return t.service }},
		{"lag_", func(t *total) *hist.Histogram { return t.lag }},
	}
}

// scalar is a figure that is no statistic of a distribution.
type scalar struct {
	name, unit string
	of         figure
}

func scalars() []scalar {
	return []scalar{
		{"rate", "/s", (*total).rate},
		{"requests", "", func(t *total) (float64, bool) { return float64(t.ledger.Scheduled), true }},
		{"completed", "", func(t *total) (float64, bool) { return float64(t.ledger.Completed), true }},
		{"errors", "", func(t *total) (float64, bool) { return float64(t.ledger.Errors()), true }},
		{"error_ratio", "", func(t *total) (float64, bool) { return ratio(t.ledger.Errors(), t.ledger.Scheduled) }},
		{"sql", "", (*total).sql},
		{"redis", "", (*total).redis},
		{"recomputes", "", (*total).recomputes},
		{"recomputes_per_expiry", "", (*total).perExpiry},
		{"hit_ratio", "", (*total).hits},
		{"stale_max", "ms", func(t *total) (float64, bool) {
			s, ok := t.staleness()
			return millis(s.Max), ok
		}},
		{"stale_ratio", "", func(t *total) (float64, bool) {
			s, ok := t.staleness()
			if !ok {
				return 0, false
			}
			return ratio(s.Stale, s.Reads)
		}},
	}
}

// Names are the names of all figures: p50, p90, p95, p99, mean and max of the response time, the same of the service time (service_p50)
// and of the send lag (lag_p50), and rate, requests, errors, error_ratio, sql, redis, ...
func Names() []string {
	var names []string
	for _, c := range clocks() {
		for _, s := range statistics() {
			names = append(names, c.prefix+s.name)
		}
	}
	for _, s := range scalars() {
		names = append(names, s.name)
	}
	return names
}

// lookup returns the figure of that name and its unit, or nil.
func lookup(name string) (of figure, unit string) {
	for _, s := range scalars() {
		if s.name == name {
			return s.of, s.unit
		}
	}
	for _, c := range clocks() {
		for _, s := range statistics() {
			if c.prefix+s.name == name {
				return func(t *total) (float64, bool) {
					h := c.of(t)
					return millis(s.of(h)), h.Count() > 0
				}, "ms"
			}
		}
	}
	return nil, ""
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
