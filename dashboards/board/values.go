package board

import (
	"strconv"
	"time"
)

// Values are values for all variables of the dashboards, to ask their expressions outside Grafana: one mode, every process, the window
// that an expression over time looks back, and the time range.
func Values(mode, baseline string, window, span time.Duration) map[string]string {
	return map[string]string{
		"mode": mode, "baseline": baseline, "job": ".+", "datasource": UIDPrometheus,
		"__rate_interval": promDuration(window), "__range": promDuration(span), "__interval": "1s",
	}
}

// promDuration writes a duration as PromQL reads it.
func promDuration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }
