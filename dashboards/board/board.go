// Package board has the lab's Grafana dashboards: one file each, and a list of them. It is pure; metric names come from otel/signal.
//
// They form a ladder, from what to why: Mode comparison, Stampede timeline, Request anatomy, Runtime. A panel links to the dashboard one
// rung below it, with the mode and the time range. Generator and Telemetry health say whether the others can be believed.
package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// UIDs of the dashboards: what links and bookmarks hold on to.
const (
	UIDModes     = "loadlab-modes"
	UIDStampede  = "loadlab-stampede"
	UIDAnatomy   = "loadlab-anatomy"
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
		{"generator.json", Generator()},
		{"runtime.json", Runtime()},
		{"telemetry-health.json", Telemetry()},
	}
}

// dashboard returns what all dashboards have in common.
func dashboard(uid, topic, description string) model.Dashboard {
	return model.Dashboard{
		UID: uid, Title: titleOf(uid), Description: description, Tags: []string{tag, topic},
		SchemaVersion: model.SchemaVersion, Version: 1, Editable: false, GraphTooltip: 1, Timezone: "browser",
		Refresh: "5s", Time: model.TimeRange{From: "now-15m", To: "now"},
		Timepicker:  model.Timepicker{RefreshIntervals: []string{"1s", "5s", "10s", "30s", "1m"}},
		Templating:  model.Templating{List: []model.Variable{dataSourceVariable()}},
		Annotations: model.Annotations{List: []model.Annotation{phases()}},
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

func dataSourceVariable() model.Variable {
	return model.Variable{
		Name: "datasource", Label: "Data source", Description: "The Prometheus that scrapes the lab.",
		Type: "datasource", Query: "prometheus",
		Options: []any{}, Refresh: 1, Current: &model.Current{Text: "Prometheus", Value: UIDPrometheus},
	}
}

// byMode is the matcher of what is chosen in modeVariable.
const byMode = signal.LabelMode + `=~"$mode"`

// modeVariable lets the reader choose modes of the app. Requests that ask for no page have the mode none, which is none.
func modeVariable() model.Variable {
	return queryVariable("mode", "Mode", "The modes to show: named requests that a scenario compares.",
		labelValues(signal.HTTPServerDuration+"_count", signal.LabelMode), notNone, true)
}

// scenarioModeVariable lets the reader choose modes as the scenario names them.
func scenarioModeVariable() model.Variable {
	return queryVariable("mode", "Mode", "The modes to show, as the scenario names them.",
		labelValues(signal.LoadScheduled, signal.LabelMode), "", true)
}

// baselineVariable is the mode that ratios are taken to.
func baselineVariable() model.Variable {
	v := queryVariable("baseline", "Baseline", "The mode that the others are compared with.",
		labelValues(signal.HTTPServerDuration+"_count", signal.LabelMode), notNone, false)
	v.Current = &model.Current{Text: "naive", Value: "naive"}
	return v
}

// jobVariable lets the reader choose processes.
func jobVariable() model.Variable {
	return queryVariable("job", "Process", "The processes to show: what Prometheus scrapes.", labelValues("go_goroutines", "job"), "", true)
}

// notNone is Grafana's regular expression for every mode but none.
const notNone = "/^(?!none$).*/"

func labelValues(metric, label string) string { return "label_values(" + metric + ", " + label + ")" }

func queryVariable(name, label, description, query, regex string, all bool) model.Variable {
	ds := source()
	v := model.Variable{
		Name: name, Label: label, Description: description, Type: "query", DataSource: &ds, Definition: query, Regex: regex,
		Query:   map[string]any{"query": query, "refId": "variable-" + name, "qryType": 5}, // 5: a query in this classic form
		Options: []any{},
		Refresh: 2, Sort: 1, IncludeAll: all, Multi: all,
	}
	if all {
		v.Current = &model.Current{Text: []string{"All"}, Value: []string{"$__all"}}
	}
	return v
}

// phases marks what the generator was doing: a region for each phase of each mode.
func phases() model.Annotation {
	expr := promql.Max(signal.LoadPhase,
		signal.LabelScenario, signal.LabelRunID, signal.LabelMode, signal.LabelPhase, signal.LabelRound) + " == 1"
	return model.Annotation{
		Name: "Phases", DataSource: source(), Enable: true, IconColor: "rgba(120, 160, 220, 0.8)", Expr: expr, Step: "1s",
		TitleFormat: "{{" + signal.LabelPhase + "}}: {{" + signal.LabelMode + "}}",
		TextFormat:  "{{" + signal.LabelScenario + "}}, round {{" + signal.LabelRound + "}}, run {{" + signal.LabelRunID + "}}",
		TagKeys:     signal.LabelMode + "," + signal.LabelPhase,
		Target:      &model.AnnotationQuery{Expr: expr, Interval: "1s", RefID: "Phases"},
	}
}
