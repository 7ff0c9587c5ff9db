// Package board has the lab's Grafana dashboards: one file each, and a list of them. It is pure; metric names come from otel/signal.
//
// They form a ladder, from what to why: Mode comparison, Stampede timeline, Request anatomy, Runtime. A panel links to the dashboard one
// rung below it, with the run, the mode and the time. World and A/B are of runs of their own kind; Generator and Telemetry health show whether the others
// can be believed.
//
// What compares modes are the report's own figures, which the generator exposes: a figure of a dashboard is found in the report. The app's
// series explain them.
package board

import (
	"loadlab/dashboards/model"
)

// UIDs of the dashboards: what links and bookmarks hold on to.
const (
	UIDModes     = "loadlab-modes"
	UIDStampede  = "loadlab-stampede"
	UIDAnatomy   = "loadlab-anatomy"
	UIDWorld     = "loadlab-world"
	UIDAB        = "loadlab-ab"
	UIDGenerator = "loadlab-generator"
	UIDRuntime   = "loadlab-runtime"
	UIDTelemetry = "loadlab-telemetry"
)

// UIDs of the data sources, as grafana/provisioning gives them.
const (
	UIDPrometheus = "loadlab-prometheus"
	UIDJaeger     = "loadlab-jaeger"
)

// tag is on every dashboard; the links between them go by it.
const tag = "loadlab"

// titleOf is the title of a dashboard.
func titleOf(uid string) string {
	switch uid {
	case UIDModes:
		return "Mode comparison"
	case UIDStampede:
		return "Stampede timeline"
	case UIDAnatomy:
		return "Request anatomy"
	case UIDWorld:
		return "World"
	case UIDAB:
		return "A/B"
	case UIDGenerator:
		return "Generator"
	case UIDRuntime:
		return "Runtime"
	default:
		return "Telemetry health"
	}
}

// File is a dashboard and the name of the file that holds it.
type File struct {
	Name      string
	Dashboard model.Dashboard
}

// All are the dashboards in the order in which they are read.
func All() []File {
	return []File{
		{"mode-comparison.json", Modes()},
		{"stampede-timeline.json", Stampede()},
		{"request-anatomy.json", Anatomy()},
		{"world.json", World()},
		{"ab.json", AB()},
		{"generator.json", Generator()},
		{"runtime.json", Runtime()},
		{"telemetry-health.json", Telemetry()},
	}
}

// dashboard returns what all dashboards have in common.
func dashboard(uid, topic, description string, variables ...model.Variable) model.Dashboard {
	return model.Dashboard{
		UID: uid, Title: titleOf(uid), Description: description, Tags: []string{tag, topic},
		SchemaVersion: model.SchemaVersion, Version: 1, Editable: false, GraphTooltip: 1, Timezone: "browser",
		Refresh: "5s", Time: model.TimeRange{From: "now-15m", To: "now"},
		Timepicker:  model.Timepicker{RefreshIntervals: []string{"1s", "5s", "10s", "30s", "1m"}},
		Templating:  model.Templating{List: append([]model.Variable{dataSourceVariable()}, variables...)},
		Annotations: model.Annotations{List: annotations(false, "")},
		Links: []model.Link{
			{
				Title: "Load lab", Type: "dashboards", Tags: []string{tag}, AsDropdown: true, KeepTime: true, IncludeVars: true,
				Icon: "external link",
			},
		},
	}
}

// source is the data source of every query: whichever the reader chose.
func source() model.DataSourceRef {
	return model.DataSourceRef{Type: "prometheus", UID: "${datasource}"}
}

// MayLack are, by the UID of their dashboard, the titles of panels that have nothing to show of a run in which nothing of theirs happened, or on a stack that does
// not know it.
func MayLack() map[string][]string {
	return map[string][]string{
		UIDModes: {
			"Its p99 over that of $baseline, and the interval of that", "CPU time of the app per request", "CPU time of the database per request", "CPU time of Redis per request",
			"Bytes from Redis per request", "Processors in use", "Requests a second for each of them", "Memory of a page in Redis",
		},
		UIDStampede: {"Recomputes an expiry in phase $phase", "Recomputes by second of phase $phase", "Requests that waited by second of phase $phase"},
		UIDAnatomy:  {"Recompute duration"},
		UIDWorld:    {"Inside and outside of faults", "What faults did", "Distance as measured"},
		UIDRuntime:  {"Servers and host"},
		UIDAB:       {"Verdict", "B over A, and the interval of that", "Arms", "By epoch: both arms", "By epoch: how much slower B is", "Every endpoint"},
	}
}
