package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// timesUnit shows 0.1 as 0.1×.
const timesUnit = "suffix:×"

// ofFigure is a figure of the report, of the run that is chosen.
func ofFigure(name string) promql.Metric {
	return promql.Metric{Name: signal.LoadFigure, Match: ofRun + ", " + byMode + ", " + signal.LabelFigure + `="` + name + `"`}
}

// ofRatio is a figure's ratio to the baseline that is chosen, or a bound of its interval. There is no ratio without one.
func ofRatio(figure, bound string) promql.Metric {
	return promql.Metric{Name: signal.LoadFigureRatio, Match: ofRun + ", " + byMode + ", " + signal.LabelFigure + `="` + figure + `", ` + signal.LabelBound + `="` + bound + `", ` +
		signal.LabelBaseline + `="$baseline"`}
}

// inPhase is a figure of the phase that is chosen, by mode.
func inPhase(m promql.Metric) string { return promql.Last(m.Where(ofPhase), signal.LabelMode) }

// Modes compares the modes: what each costs in one phase, side by side, and how many times the baseline that is.
func Modes() model.Dashboard {
	d := dashboard(UIDModes, "modes", "Which mode is best under the same load, by how much, and at what cost: the figures of the report.",
		append(ofARun(), phaseVariable(), baselineVariable(), modeVariable(), percentileVariable(), replicaVariable(), jaegerVariable())...)
	d.Time.From = "now-1h" // figures of a run are those that it ended with, so that a wide range costs no detail
	var l layout
	answer(&l)
	for _, name := range []string{"p50", "p95", "p99"} {
		l.add(8, 8, toStampede(bars(name+" in phase $phase", "s",
			"The "+name+" of the response time, from when a request was due, over all rounds: that of the report. A click leads to the timeline of the mode, or to its traces.",
			query{"sort(" + inPhase(ofFigure(name)) + ")", "{{mode}}", false})))
	}
	response := promql.Metric{Name: signal.LoadResponse, Match: ofRun + ", " + ofPhase + ", " + byMode + ", " + byReplica}
	l.add(24, 8, toStampede(everySecond(logarithmic(series("Response time in phase $phase, and traces", "s",
		"The chosen percentile over time. A diamond is a request whose trace was kept, at its own response time: click it to open the trace in Jaeger. Modes take turns, so "+
			"each is seen in its own; what compares them is above and below.",
		query{promql.Quantile("$percentile", response.In(promql.Step), signal.LabelMode), "{{mode}}", true})))))

	l.row("Against $baseline, in phase $phase")
	l.add(24, 9, ratios())

	l.row("What it costs, in phase $phase")
	costs(&l)

	l.row("Since the phase began, over all rounds")
	l.add(8, 7, repeated(matrix("$mode beside $baseline: response time by second of phase $phase", "s",
		"The chosen percentile of the requests that were due in each second since the phase began, beside that of the baseline.",
		signal.LabelSecond, signal.LabelMode, promql.Last(promql.Metric{
			Name: signal.LoadPhaseResponse, Match: ofRun + ", " + ofPhase + ", " + signal.LabelQuantile + `="$percentile", ` + signal.LabelMode + `=~"$mode|${baseline:regex}"`,
		}, signal.LabelSecond, signal.LabelMode)), 3))

	l.row("Every mode in every phase")
	l.add(24, 12, everyPhase())
	l.row("Gates")
	l.add(24, 8, gates())
	l.row("Distributions in phase $phase")
	l.add(8, 8, repeated(heatmap("Response times of $mode", "s",
		"Response times of one mode over time, a cell for each bucket and step; the brighter the more. Two bands are hits and misses.",
		query{promql.Growth(response), "", true}), 3))
	d.Panels = l.panels
	return d
}

// toStampede links a panel of Mode comparison, and each mode in it, to the timeline; and each mode to its traces.
func toStampede(p model.Panel) model.Panel {
	return traced(leads(UIDStampede, p, runTime, sameRun, samePhase))
}

// best is the mode with the least p99 in the phase, of those that answered: a mode that fails fast is not fast, and a p99 of few requests is no more than a bound.
func best() string {
	bound := promql.Last(promql.Metric{Name: signal.LoadFigureAtLeast, Match: ofFigure("p99").Match}.Where(ofPhase), signal.LabelMode)
	return "bottomk(1, " + inPhase(ofFigure("p99")) + " unless on (" + signal.LabelMode + ") " + bound + " == 1 unless on (" + signal.LabelMode + ") " +
		inPhase(ofFigure("error_ratio")) + " > 0.01)"
}

// answer is what the dashboard is opened for.
func answer(l *layout) {
	found := hinting("No run yet. Type: make scenario NAME=stampede STACK=compose", stat("Best at p99 in phase $phase", "s",
		"The mode whose p99 of the response time is the least, of those with at most 1% errors and enough requests for a p99. The phase is the one in which the modes differ most, unless another is chosen.",
		plain(), query{best(), "{{mode}}", false}))
	found.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	found.FieldConfig.Overrides = modeColours(false)
	l.add(8, 4, toStampede(found))

	ratio := func(bound string) string {
		return inPhase(ofRatio("p99", bound)) + " and on (" + signal.LabelMode + ") " + best()
	}
	times := hinting("No interval: it takes two rounds, and another mode than the baseline", stat("Its p99 over that of $baseline, and the interval of that", timesUnit,
		"0.1× is ten times faster. The interval has the true ratio in 95% of such runs, by rounds; there is none where the baseline itself is best.",
		plain(), query{ratio(signal.BoundPoint), "p99 of {{mode}} is", false}, query{ratio(signal.BoundLow), "at least", false}, query{ratio(signal.BoundHigh), "at most", false}))
	l.add(10, 4, times)

	l.add(3, 4, verdict("The verdict of the run, once its gates were judged.",
		promql.Last(promql.Metric{Name: signal.LoadVerdict, Match: ofRun}, signal.LabelVerdict)+" == 1"))
	run := stat("Run", "short", "The scenario and the stack of the run.", plain(), query{
		promql.Last(promql.Metric{Name: signal.RunInfo, Match: ofRun}, signal.LabelScenario, signal.LabelStack), "{{scenario}}, {{stack}}", false,
	})
	run.Options["textMode"] = "name"
	l.add(3, 4, run)
}

// ratios are the percentiles of each mode in the phase, with their ratios to the baseline and the intervals of those.
func ratios() model.Panel {
	var columns []column
	for _, name := range []string{"p50", "p95", "p99"} {
		columns = append(columns, column{title: name, unit: "s", expr: inPhase(ofFigure(name))},
			column{title: name + " ratio", unit: timesUnit, expr: inPhase(ofRatio(name, signal.BoundPoint))},
			column{title: "least", unit: timesUnit, expr: inPhase(ofRatio(name, signal.BoundLow))},
			column{title: "most", unit: timesUnit, expr: inPhase(ofRatio(name, signal.BoundHigh))})
		for i := range 2 { // titles are what the settings of a column go by
			columns[len(columns)-2+i].title = name + " " + columns[len(columns)-2+i].title
		}
	}
	return sortedBy("p99", false, table("Percentiles and their ratios to $baseline", "A ratio is the mode's figure over the baseline's, by rounds, and least and most are the "+
		"ends of its interval of 95%. Where both are below 1, the mode is faster. The report has the same.", []keyColumn{modeKey()}, columns))
}

// modeKey is the column of modes, from which links lead on.
func modeKey() keyColumn {
	return keyColumn{label: signal.LabelMode, title: "Mode", width: 130, links: []model.Link{
		link("Stampede timeline of ${__value.text}", UIDStampede, runTime, sameRun, samePhase, "var-mode=${__value.text:percentencode}"),
		{Title: "Traces of ${__value.text} in Jaeger", TargetBlank: true, URL: jaegerSearch("${__value.text:percentencode}")},
	}}
}

// costs is what the servers behind the app had to do for it.
func costs(l *layout) {
	for _, c := range []struct{ title, unit, figure, description string }{
		{"SQL queries per request", "none", "sql", "Queries over requests, refreshes in the background included. A page of 20 costs the naive loader 62."},
		{"Redis commands per request", "none", "redis", "Commands over requests, those of the background included."},
		{"CPU time of the app per request", "s", "cpu", "By the operating system's account, background work included."},
		{"CPU time of the database per request", "s", "db_cpu", "Of all its processes. SQLite runs inside the app."},
		{"CPU time of Redis per request", "s", "redis_cpu", "By the operating system's account."},
		{"Bytes from Redis per request", "bytes", "redis_bytes", "By the account of Redis."},
		{"Processors in use", "none", "cores", "CPU seconds a second of app, database and Redis together."},
		{"Requests a second for each of them", "reqps", "per_core", "What the mode gives for what it uses: completed requests a second for each of these processors."},
		{"Memory of a page in Redis", "bytes", "page_memory", "The mean of a sample, all overhead included."},
	} {
		l.add(8, 8, toStampede(bars(c.title, c.unit, c.description, query{"sort(" + inPhase(ofFigure(c.figure)) + ")", "{{mode}}", false})))
	}
}

// everyPhase is the report's table.
func everyPhase() model.Panel {
	var columns []column
	for _, c := range []struct{ title, unit, figure string }{
		{"Requests", "none", "requests"},
		{"Errors", "none", "errors"},
		{"Requests/s", "none", "rate"},
		{"p50", "s", "p50"},
		{"p95", "s", "p95"},
		{"p99", "s", "p99"},
		{"Greatest", "s", "max"},
		{"SQL/request", "none", "sql"},
		{"Redis/request", "none", "redis"},
		{"Hit ratio", "percentunit", "hit_ratio"},
		{"Recomputes", "none", "recomputes"},
		{"Oldest read", "s", "stale_max"},
	} {
		columns = append(columns, column{title: c.title, unit: c.unit, expr: promql.Last(ofFigure(c.figure), signal.LabelPhase, signal.LabelMode)})
	}
	return sortedBy("Phase", false, table("Modes by phase", "The figures of the report, of all rounds; recomputes are those of a round. Warm-up phases are in none.",
		[]keyColumn{{label: signal.LabelPhase, title: "Phase", width: 110}, modeKey()}, columns))
}

// gates are what the run was judged by.
func gates() model.Panel {
	judged := promql.Last(promql.Metric{Name: signal.LoadGate, Match: ofRun + ", " + signal.LabelVerdict + `!="left out"`}, signal.LabelGate, signal.LabelVerdict) + " == 1"
	p := table("Gates of the run", "Each gate with its verdict, once the run has ended. Those that name modes which the run is without are left out.",
		[]keyColumn{{label: signal.LabelVerdict, title: "Verdict", width: 130}, {label: signal.LabelGate, title: "Gate"}}, []column{{title: "Judged", unit: "short", expr: judged, hidden: true}})
	return sortedBy("Verdict", false, p)
}
