package board

import (
	"strconv"
	"time"
)

// Values are values for all variables of the dashboards, to ask their expressions outside Grafana: of one run, one phase and one mode, with every process
// and replica, the window that an expression over time looks back, and the time range. Graphs have a point a second.
func Values(run, phase, mode, baseline string, window, span time.Duration) map[string]string {
	return map[string]string{
		varRun: run, varPhase: phase, varMode: mode, varAppMode: mode, varBaseline: baseline, varReplica: ".*", varPercentile: "0.99", varJob: ".+", varArm: ".+",
		"datasource": UIDPrometheus, "__rate_interval": promDuration(window), "__range": promDuration(span), "__interval": "1s",
	}
}

// promDuration writes a duration as PromQL reads it.
func promDuration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }
