package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// World shows what surrounds the app and what befell it: how far its servers are, faults, outages and the breaker, replicas.
func World() model.Dashboard {
	d := dashboard(UIDWorld, "world", "What surrounds the app, and what befell it: distance, faults, outages, the breaker, replicas.",
		append(ofARun(), phaseVariable(), modeVariable(), percentileVariable(), jaegerVariable())...)
	d.Annotations.List = annotations(false, ofRun+", "+ofPhase+", "+byMode)
	faults := &d.Annotations.List[len(d.Annotations.List)-1]
	faults.Enable = true // they are the subject
	var l layout
	l.row("Faults, and what they did to requests")
	faultPanels(&l)
	l.row("The app's dependencies")
	dependencyPanels(&l)
	l.row("Distance")
	distancePanels(&l)
	l.row("Replicas")
	replicaPanels(&l)
	d.Panels = l.panels
	return d
}

func faultPanels(l *layout) {
	fault := promql.Max(ofLoad(signal.LoadFault).Select(), signal.LabelFault)
	lanes := panel(model.TypeStateTimeline, "Faults", "short", "What befell which server when.",
		targets("time_series", false, []query{{promql.OrNone(fault, signal.LabelFault), "{{fault}}", false}}))
	lanes.MaxDataPoints = 3600
	lanes.FieldConfig.Defaults.Color = map[string]any{"mode": "thresholds"}
	one := 1.0
	lanes.FieldConfig.Defaults.Thresholds = &model.Thresholds{Mode: "absolute", Steps: []model.Threshold{{Color: "transparent"}, {Color: "red", Value: &one}}}
	lanes.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 70, "lineWidth": 0, "spanNulls": false, "insertNulls": 3000}
	lanes.Options = map[string]any{
		"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.8,
		"legend": map[string]any{"showLegend": false, "displayMode": "list", "placement": "bottom"}, "tooltip": map[string]any{"mode": "single"},
	}
	l.add(24, 5, lanes)
	l.add(12, 8, onStampede(everySecond(logarithmic(series("Response time", "s",
		"The chosen percentile of the response time, from when a request was due, by mode.",
		query{promql.Quantile("$percentile", ofLoad(signal.LoadResponse).In(promql.Step), signal.LabelMode), "{{mode}}", true})))))
	l.add(12, 8, everySecond(counted(series("Failed requests", "short",
		"Requests that failed, from one point to the next, by kind.",
		query{promql.OrNone(promql.Each(ofLoad(signal.LoadErrors), signal.LabelKind), signal.LabelKind), "{{kind}}", false}))))
	part := promql.Metric{Name: signal.LoadFigure, Match: ofRun + ", " + byMode + ", " + signal.LabelPhase + `=~".+/(inside|outside)"`}
	var columns []column
	for _, c := range []struct{ title, unit, figure string }{
		{"Requests", "none", "requests"}, {"Errors", "none", "errors"}, {"p50", "s", "p50"}, {"p99", "s", "p99"},
	} {
		columns = append(columns, column{title: c.title, unit: c.unit, expr: promql.Last(part.Where(signal.LabelFigure+`="`+c.figure+`"`), signal.LabelPhase, signal.LabelMode)})
	}
	keys := []keyColumn{{label: signal.LabelPhase, title: "Phase", width: 110}, modeKey()}
	l.add(10, 8, sortedBy("Phase", false, table("Inside and outside of faults", "The report's figures of the time that faults lasted, and of the rest of the phase.", keys, columns)))
	columns = nil
	for _, c := range []struct{ title, unit, figure string }{
		{"Without cache", "none", "degraded"}, {"To detect", "s", "detect"}, {"To degrade", "s", "degrade"}, {"To recover", "s", "recover"}, {"Calls to it", "reqps", "attempts"},
	} {
		columns = append(columns, column{title: c.title, unit: c.unit, expr: promql.Last(ofFigure(c.figure), signal.LabelPhase, signal.LabelMode)})
	}
	l.add(14, 8, sortedBy("Phase", false, table("What faults did", "The report's figures of phases with faults: responses without the cache, and how long it took to notice the fault, to live with it, and to be as before.",
		keys, columns)))
}

func dependencyPanels(l *layout) {
	by := signal.LabelDependency
	each := func(name string) string { return promql.Each(promql.Metric{Name: name}, by) }
	l.add(8, 8, everySecond(series("Outages", "short", "1 while a dependency does not answer, as the app knows it.",
		query{promql.Max(signal.OutageActive, by), "{{dependency}}", false})))
	l.add(8, 8, everySecond(series("Breaker", "short", "1 while the breaker is open: requests are spared the calls.",
		query{promql.Max(signal.BreakerState, by), "{{dependency}}", false})))
	l.add(8, 8, everySecond(counted(series("Calls to a dead dependency", "short",
		"Calls and probes that it did not answer, and calls that the open breaker spared, from one point to the next.",
		query{each(signal.OutageAttempts), "in vain, {{dependency}}", false}, query{each(signal.BreakerSkipped), "spared, {{dependency}}", false}))))
}

func distancePanels(l *layout) {
	measured := promql.Metric{Name: signal.LoadDistance, Match: ofRun}
	byServer := func(title string, m promql.Metric) column {
		return column{title: title, unit: "s", expr: promql.Last(m, signal.LabelPhase, signal.LabelServer)}
	}
	l.add(24, 7, sortedBy("Phase", false, table("Distance as measured", "How far away each server is in each phase, by pings of the app before the first phase in which it was so: that of the report's head, which "+
		"joins phases with the same.",
		[]keyColumn{{label: signal.LabelPhase, title: "Phase", width: 160}, {label: signal.LabelServer, title: "Server", width: 130}}, []column{
			byServer("Median", measured.Where(signal.LabelQuantile+`="0.5"`)), byServer("p99", measured.Where(signal.LabelQuantile+`="0.99"`)),
			byServer("Asked for", promql.Metric{Name: signal.LoadRTT, Match: ofRun}),
		})))
	redis := promql.Metric{Name: signal.DBOperationDuration, Match: ofRedis}.In(promql.Step)
	queries := promql.Metric{Name: signal.DBOperationDuration, Match: ofSQL}.In(promql.Step)
	wait := promql.Metric{Name: signal.DBConnectionWait}.In(promql.Step)
	l.add(8, 8, everySecond(series("Round trip to Redis", "s",
		"Median and tenth percentile of single round trips. The tenth percentile is near the distance alone: what is left of a trip when Redis has nothing to do.",
		query{promql.Quantile("0.5", redis), "p50", false}, query{promql.Quantile("0.1", redis), "p10", false})))
	l.add(8, 8, everySecond(series("SQL query", "s",
		"Median and tenth percentile of single queries, the wait for a connection included. The tenth percentile is near the distance to the database.",
		query{promql.Quantile("0.5", queries), "p50", false}, query{promql.Quantile("0.1", queries), "p10", false})))
	l.add(8, 8, everySecond(series("Wait for a database connection", "s",
		"Mean and p99. A connection is held for as long as a query travels.",
		query{promql.Mean(wait), "mean", false}, query{promql.Quantile("0.99", wait), "p99", false})))
}

func replicaPanels(l *layout) {
	by := signal.LabelReplica
	done := ofLoad(signal.LoadCompleted).Where(by + `!=""`)
	l.add(8, 8, everySecond(counted(series("Requests by replica", "short",
		"Requests that each replica completed, from one point to the next. There are none where the app is one process.",
		query{promql.OrNone(promql.Each(done, by), by), "replica {{replica}}", false}))))
	l.add(8, 8, everySecond(counted(series("Failed requests by replica", "short",
		"Requests that failed at each replica, from one point to the next.",
		query{promql.OrNone(promql.Each(ofLoad(signal.LoadErrors).Where(by+`!=""`), by), by), "replica {{replica}}", false}))))
	l.add(8, 8, everySecond(atLeast(2, series("Replicas that Prometheus reaches", "short",
		"Processes of the app that answered the last scrape.",
		query{promql.Sum(promql.Metric{Name: "up", Match: job + `="app"`}.Select()), "replicas", false}))))
}
