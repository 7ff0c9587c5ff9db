package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Generator shows the load from the outside, and whether the generator itself kept up.
func Generator() model.Dashboard {
	d := dashboard(UIDGenerator, "generator",
		"The load as the generator saw it: what was due, what was done, and whether the generator kept up.")
	d.Templating.List = append(d.Templating.List, scenarioModeVariable())
	var l layout
	l.add(24, 6, running())
	l.row("Load")
	loadPanels(&l)
	l.row("Three clocks: response = due to done, service = sent to done, lag = due to sent")
	l.add(8, 9, clock("Response time", signal.LoadResponse, "What a user would have waited: from when the request was due."))
	l.add(8, 9, clock("Service time", signal.LoadService, "From when the request was sent. A closed loop would report only this."))
	l.add(8, 9, clock("Send lag", signal.LoadLag,
		"From when a request was due to when it was sent: the generator's own lateness, and the wait for a free connection."))
	l.add(24, 8, below(UIDStampede, logarithmic(series("Response against the app's own figure", "s",
		"p99 from when a request was due, against the p99 that the app measured, of all modes together. What lies between the two is "+
			"queueing that the app cannot see.",
		query{promql.Quantile(.99, promql.Metric{Name: signal.LoadResponse}), "response", true},
		query{promql.Quantile(.99, promql.Metric{Name: signal.HTTPServerDuration, Match: signal.LabelMode + `!="none"`}), "in the app", true}))))

	l.row("Distributions")
	l.add(8, 8, below(UIDStampede, repeated(heatmap("Response times: $mode", "s",
		"Response times of one mode over time, a cell for each bucket and step; the brighter the more.",
		query{promql.Growth(ofMode(signal.LoadResponse)), "", true}), 3)))
	d.Panels = l.panels
	return d
}

func loadPanels(l *layout) {
	by := signal.LabelMode
	l.add(8, 8, below(UIDRuntime, series("Offered and achieved", "reqps",
		"Requests a second that were due, and that were completed, by mode. Apart: the target cannot keep up.",
		query{promql.Rate(ofMode(signal.LoadScheduled), by), "offered, {{mode}}", false},
		query{promql.Rate(ofMode(signal.LoadCompleted), by), "achieved, {{mode}}", false})))
	l.add(8, 8, below(UIDRuntime, series("In flight", "short",
		"Requests that were due and not yet ended, those that wait for a connection included, by mode.",
		query{promql.Sum(ofMode(signal.LoadInFlight).Select(), by), "{{mode}}", false})))
	l.add(8, 8, below(UIDRuntime, stacked(series("Errors by kind", "reqps",
		"Requests a second that failed, by kind; unsent ones outwaited their timeout before they had a connection.",
		query{promql.OrNone(promql.Rate(ofMode(signal.LoadErrors), signal.LabelKind), signal.LabelKind), "{{kind}}", false}))))
}

// clock is one of the generator's three durations.
func clock(title, metric, description string) model.Panel {
	m := ofMode(metric)
	return below(UIDRuntime, logarithmic(series(title, "s", description+" p99 and p50, by mode.",
		query{promql.Quantile(.99, m, signal.LabelMode), "p99, {{mode}}", true},
		query{promql.Quantile(.5, m, signal.LabelMode), "p50, {{mode}}", true})))
}

// running is what was driven when.
func running() model.Panel {
	expr := promql.Max(ofMode(signal.LoadPhase).Select(), signal.LabelMode, signal.LabelPhase) + " == 1"
	p := panel(model.TypeStateTimeline, "Phases", "short",
		"Which phase ran when, a lane for each mode and phase. Modes take turns in an order that the scenario's seed shuffles.",
		targets("time_series", false, []query{{expr, "{{mode}}: {{phase}}", false}}))
	p.MaxDataPoints = 3600
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic-by-name"}
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false, "insertNulls": 3000}
	p.Options = map[string]any{
		"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
		"legend":  map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom"},
		"tooltip": map[string]any{"mode": "single"},
	}
	return below(UIDStampede, p)
}
