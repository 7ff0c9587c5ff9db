package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Telemetry shows whether the telemetry itself can be believed: dropped spans, failed scrapes, missing exemplars.
func Telemetry() model.Dashboard {
	d := dashboard(UIDTelemetry, "telemetry", "Whether the other dashboards can be believed: spans dropped, scrapes missed, exemplars kept.")
	var l layout
	dropped, exported := promql.Metric{Name: signal.SpansDropped}, promql.Metric{Name: signal.SpansExported}
	l.add(6, 5, count("Spans dropped",
		"Spans lost in the time range, by process: the queue was full, or Jaeger did not take them. Any means that traces may be torn.",
		steps("red", 1), query{promql.Increase(dropped.In(promql.InRange), job), "{{job}}", false}))
	l.add(6, 5, count("Spans exported",
		"Spans that Jaeger took in the time range, by process.",
		steps("green", 1), query{promql.Increase(exported.In(promql.InRange), job), "{{job}}", false}))
	l.add(12, 5, scraped())

	l.row("Traces")
	l.add(8, 8, series("Spans", "ops",
		"Spans a second that were exported and dropped, by process.",
		query{promql.Rate(exported, job), "exported, {{job}}", false}, query{promql.Rate(dropped, job), "dropped, {{job}}", false}))
	l.add(8, 8, series("Spans in Jaeger", "ops",
		"Spans a second that Jaeger accepted and refused.",
		query{promql.Rate(received("accepted")), "accepted", false}, query{promql.Rate(received("refused")), "refused", false}))
	requests := promql.Count(promql.Metric{Name: signal.HTTPServerDuration})
	l.add(8, 8, series("Spans per request", "short",
		"Spans exported for each request that the app answered, sampled or not: how much of the load is traced.",
		query{promql.Div(promql.Rate(exported.Where(job+`="app"`)), requests), "spans per request", false}))

	l.row("Metrics")
	l.add(8, 8, series("Scrape duration", "s",
		"How long a scrape took, by process. The interval is 1 s: a scrape that takes longer is a gap in every graph.",
		query{promql.Max("scrape_duration_seconds", job), "{{job}}", false}))
	l.add(8, 8, series("Samples per scrape", "short",
		"Samples in each scrape, by process.",
		query{promql.Sum("scrape_samples_scraped", job), "{{job}}", false}))
	l.add(8, 8, series("Exemplars", "ops",
		"Exemplars a second that Prometheus stored: the diamonds that lead to traces. None while a scenario samples requests: its exemplar "+
			"storage is off.",
		query{promql.Rate(promql.Metric{Name: "prometheus_tsdb_exemplar_exemplars_appended_total"}), "stored", false}))

	l.row("Runs")
	l.add(24, 7, runs())
	d.Panels = l.panels
	return d
}

// received is Jaeger's count of spans that reached it. Whether its name has the suffix depends on the collector inside it.
func received(outcome string) promql.Metric {
	return promql.Metric{Match: `__name__=~"otelcol_receiver_` + outcome + `_spans(_total)?"`}
}

// scraped is who answers Prometheus.
func scraped() model.Panel {
	up := 1.0
	p := stat("Scraped", "short",
		"Whether Prometheus reached each process at the last scrape. The generator is there only while a scenario runs.",
		[]model.Threshold{{Color: "red"}, {Color: "green", Value: &up}}, query{promql.Max("up", job), "{{job}}", false})
	p.FieldConfig.Defaults.Mappings = []any{map[string]any{"type": "value", "options": map[string]any{
		"0": map[string]any{"text": "no", "index": 0}, "1": map[string]any{"text": "yes", "index": 1},
	}}}
	return p
}

// runs are the scenario runs of the time range, with links to each in its own time.
func runs() model.Panel {
	keys := []string{signal.LabelRunID, signal.LabelScenario, signal.LabelStack, signal.LabelGitSHA}
	seen := func(function string) string {
		return "1000 * floor(" + function + " by (" + signal.LabelRunID + ", " + signal.LabelScenario + ", " + signal.LabelStack + ", " + signal.LabelGitSHA + ") (" +
			function + "_over_time(timestamp(" + signal.RunInfo + ")[" + promql.InRange + ":1s])))"
	}
	to := func(uid string) model.Link {
		return link(titleOf(uid), uid, "from=${__data.fields.Begin.numeric}&to=${__data.fields.End.numeric}", "var-run=${__value.text:percentencode}")
	}
	return sortedBy("Run", true, table("Scenario runs", "The runs whose metrics are in the time range, and the commit that the generator was built from. A click on a run leads to its pictures.",
		[]keyColumn{
			{label: keys[0], title: "Run", links: []model.Link{to(UIDModes), to(UIDStampede), to(UIDGenerator), to(UIDWorld)}},
			{label: keys[1], title: "Scenario"}, {label: keys[2], title: "Stack"}, {label: keys[3], title: "Commit"},
		},
		[]column{{title: "Begin", unit: "dateTimeAsIso", expr: seen("min")}, {title: "End", unit: "dateTimeAsIso", expr: seen("max") + " + 1000"}}))
}
