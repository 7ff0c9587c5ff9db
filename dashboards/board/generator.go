package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Generator shows the load from the outside, and whether the generator itself kept up.
func Generator() model.Dashboard {
	d := dashboard(UIDGenerator, "generator",
		"The load as the generator saw it: what was due, what was done, and whether the generator kept up.",
		append(ofARun(), modeVariable(), replicaVariable(), percentileVariable())...)
	var l layout
	l.add(24, 8, running())
	l.row("Totals, warm-up included")
	totals(&l)
	l.row("Load")
	loadPanels(&l)
	l.row("Bytes and connections")
	transferPanels(&l)
	l.row("Three clocks: response = due to done, service = sent to done, lag = due to sent")
	l.add(8, 9, clock("Response time", signal.LoadResponse, "What a user would have waited: from when the request was due."))
	l.add(8, 9, clock("Service time", signal.LoadService, "From when the request was sent. A closed loop would report only this."))
	l.add(8, 9, clock("Send lag", signal.LoadLag,
		"From when a request was due to when it was sent: the generator's own lateness, and the wait for a free connection."))
	l.add(24, 8, onStampede(everySecond(logarithmic(series("Response against the app's own figure", "s",
		"p99 from when a request was due, against the p99 that the app measured, of all modes together. What lies between the two is "+
			"queueing that the app cannot see.",
		query{promql.Quantile("0.99", promql.Metric{Name: signal.LoadResponse, Match: ofRun}.In(promql.Step)), "response", true},
		query{promql.Quantile("0.99", promql.Metric{Name: signal.HTTPServerDuration, Match: signal.LabelMode + `!="none"`}.In(promql.Step)), "in the app", true})))))

	l.row("Distributions")
	l.add(8, 8, repeated(heatmap("Response times: $mode", "s",
		"Response times of one mode over time, all phases, a cell for each bucket and step; the brighter the more.",
		query{promql.Growth(taken(signal.LoadResponse)), "", true}), 3))
	d.Panels = l.panels
	return d
}

// taken is a metric of requests that the chosen replicas took.
func taken(name string) promql.Metric { return ofLoad(name).Where(byReplica) }

// onStampede links a panel to the timeline of the same run.
func onStampede(p model.Panel) model.Panel { return leads(UIDStampede, p, sameTime, sameRun) }

// totals are the numbers that one looks for first.
func totals(l *layout) {
	l.add(6, 4, count("Requests", "Requests that came due in the time range.", plain(),
		query{promql.Increase(ofLoad(signal.LoadScheduled).In(promql.InRange)), "due", false},
		query{promql.Increase(taken(signal.LoadCompleted).In(promql.InRange)), "completed", false}))
	l.add(6, 4, stat("Peak rate", "reqps", "The most requests that came due in one second of the time range, and the most that were completed.", plain(),
		query{peak(ofLoad(signal.LoadScheduled)), "due", false},
		query{peak(taken(signal.LoadCompleted)), "completed", false}))
	l.add(6, 4, count("Failed", "Requests that failed or were never sent, in the time range.", steps("red", 1),
		query{promql.OrNothing(promql.Increase(taken(signal.LoadErrors).In(promql.InRange))), "failed", false}))
	l.add(6, 4, count("Actions", "What was done to the app before phases or during them, in the time range.", plain(),
		query{promql.OrNone(promql.Increase(promql.Metric{Name: signal.LoadActions, Match: ofRun}.In(promql.InRange), signal.LabelAction), signal.LabelAction), "{{action}}", false}))
}

// peak is the most that a counter grew in one second of the time range.
func peak(m promql.Metric) string {
	return "max_over_time((" + promql.Sum(m.Select()+" - "+m.Select()+" offset 1s") + ")[" + promql.InRange + ":1s])"
}

func loadPanels(l *layout) {
	by := signal.LabelMode
	l.add(8, 8, leads(UIDRuntime, everySecond(outlined(series("Offered and achieved", "short",
		"Requests that were due, and that were completed, from one point to the next, by mode: the line and the bars, of one colour. Apart: the target cannot keep up.",
		query{promql.Each(ofLoad(signal.LoadScheduled), by), "offered, {{mode}}", false},
		query{promql.Each(taken(signal.LoadCompleted), by), "{{mode}}", false}))), sameTime))
	l.add(8, 8, leads(UIDRuntime, atLeast(5, series("In flight", "short",
		"Requests that were due and not yet ended, those that wait for a connection included, by mode.",
		query{promql.Sum(ofLoad(signal.LoadInFlight).Select(), by), "{{mode}}", false})), sameTime))
	l.add(8, 8, leads(UIDRuntime, everySecond(counted(series("Errors by kind", "short",
		"Requests that failed, from one point to the next, by kind; unsent ones outwaited their timeout before they had a connection.",
		query{promql.OrNone(promql.Each(taken(signal.LoadErrors), signal.LabelKind), signal.LabelKind), "{{kind}}", false}))), sameTime))
}

// transferPanels are what goes over the wire, and how long it takes to have one.
func transferPanels(l *layout) {
	by := signal.LabelMode
	bytes := func(title, metric, description string) {
		l.add(6, 8, everySecond(series(title, "decbytes", description+", from one point to the next, by mode.", query{promql.Each(ofLoad(metric), by), "{{mode}}", false})))
	}
	bytes("Received", signal.LoadReceived, "Bytes of the bodies of responses")
	bytes("Sent", signal.LoadSent, "Bytes of the bodies of requests")
	connect := func(title, metric, description string) {
		l.add(6, 8, everySecond(logarithmic(series(title, "s", "The chosen percentile of how long "+description+", of requests that had no connection, by mode.",
			query{promql.Quantile("$percentile", ofLoad(metric).In(promql.Step), by), "{{mode}}", false}))))
	}
	connect("Connect", signal.LoadConnect, "it took to connect")
	connect("TLS handshake", signal.LoadTLS, "the handshake of TLS took")
}

// clock is one of the generator's three durations.
func clock(title, metric, description string) model.Panel {
	return leads(UIDRuntime, everySecond(logarithmic(series(title, "s", description+" The chosen percentile, by mode.",
		query{promql.Quantile("$percentile", taken(metric).In(promql.Step), signal.LabelMode), "{{mode}}", true}))), sameTime)
}

// running is what was driven when.
func running() model.Panel {
	expr := promql.Max(ofLoad(signal.LoadPhase).Select(), signal.LabelMode, signal.LabelPhase) + " == 1"
	p := panel(model.TypeStateTimeline, "Phases", "short",
		"Which phase ran when, a lane for each mode and phase. Modes take turns in an order that the scenario's seed shuffles.",
		targets("time_series", false, []query{{expr, "{{mode}}: {{phase}}", false}}))
	p.MaxDataPoints = 3600
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false, "insertNulls": 3000}
	p.FieldConfig.Overrides = modeColours(false)
	p.Options = map[string]any{
		"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
		"legend":  map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom"},
		"tooltip": map[string]any{"mode": "single"},
	}
	return onStampede(p)
}
