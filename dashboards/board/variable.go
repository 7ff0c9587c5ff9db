package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Names of the variables.
const (
	varRun        = "run"
	varPhase      = "phase"
	varMode       = "mode"
	varAppMode    = "app_mode"
	varBaseline   = "baseline"
	varReplica    = "replica"
	varPercentile = "percentile"
	varFrom       = "run_from"
	varTo         = "run_to"
	varArm        = "arm"
	varJob        = "job"
	varJaeger     = "jaeger"
)

// Matchers of what is chosen.
const (
	ofRun     = signal.LabelRunID + `="$run"`
	ofPhase   = signal.LabelPhase + `="$phase"`
	byMode    = signal.LabelMode + `=~"$mode"`
	byAppMode = signal.LabelMode + `=~"$app_mode"`
	byReplica = signal.LabelReplica + `=~"$replica"`
)

func dataSourceVariable() model.Variable {
	return model.Variable{
		Name: "datasource", Label: "Data source", Description: "The Prometheus that scrapes the lab.",
		Type: "datasource", Query: "prometheus",
		Options: []any{}, Refresh: 1, Current: &model.Current{Text: "Prometheus", Value: UIDPrometheus},
	}
}

// ofARun are the variables of dashboards that show a run: which, and, not to be seen, from when to when it was, for links.
func ofARun() []model.Variable {
	run := queryVariable(varRun, "Run", "The scenario run to show; the newest of the time range unless one is chosen.",
		labelValues(signal.RunInfo, signal.LabelRunID))
	run.Sort = descending // its name begins with its time
	return []model.Variable{
		run,
		edge(varFrom, "When the run began.", "min(min_over_time"),
		edge(varTo, "When the run was last seen.", "1 + max(max_over_time"),
	}
}

// edge is a hidden variable with a time of the run in milliseconds, as links have times.
func edge(name, description, of string) model.Variable {
	seen := promql.Metric{Name: signal.RunInfo, Match: ofRun}
	v := queryVariable(name, name, description, "query_result(floor(1000 * ("+of+"(timestamp("+seen.Select()+")["+promql.InRange+":1s])))))")
	v.Regex, v.Hide = `/\} (\d+)/`, hidden
	return v
}

// phaseVariable is the phase in which the modes differ most at p99: the one that matters, unless another is chosen. By the difference alone that would be the phase with the
// slowest requests, and by the ratio alone one of short requests in which a mode had a bad moment; so it is by their product. Warm-up phases have no figures.
func phaseVariable() model.Variable {
	p99 := promql.Metric{Name: signal.LoadFigure, Match: ofRun + ", " + signal.LabelFigure + `="p99", ` + signal.LabelPhase + `!~".+/(inside|outside)"`} // of faults
	most, least := promql.Last(p99, signal.LabelPhase), promql.LastLeast(p99, signal.LabelPhase)
	spread := "(" + most + " - " + least + ") * " + most + " / " + least
	v := queryVariable(varPhase, "Phase", "The phase to show. First comes the one in which the modes differ most at p99; warm-up phases are in no figure.",
		"query_result(sort_desc("+spread+"))")
	v.Regex, v.Sort = `/phase="([^"]+)"/`, unsorted
	return v
}

// modeVariable lets the reader choose modes as the scenario names them.
func modeVariable() model.Variable {
	return many(queryVariable(varMode, "Mode", "The modes to show, as the scenario names them.",
		labelValues(signal.LoadMode+"{"+ofRun+"}", signal.LabelMode)), ".+")
}

// appModeVariable is what the app calls the modes that are chosen. Requests that ask for no page have the mode none, which is none.
func appModeVariable() model.Variable {
	v := many(queryVariable(varAppMode, "Mode of the app", "The modes that are chosen, as the app counts them.",
		labelValues(signal.LoadMode+"{"+ofRun+", "+byMode+"}", signal.LabelAppMode)), "")
	v.Hide = hidden
	return v
}

// oneModeVariable lets the reader choose one mode of the app, of those that were asked for; first comes the one that was most.
func oneModeVariable() model.Variable {
	requests := promql.Increase(promql.Metric{Name: signal.RequestsTotal, Match: signal.LabelMode + `!="none"`}.In(promql.InRange), signal.LabelMode)
	v := queryVariable(varMode, "Mode", "The mode to show, as the app counts it; first comes the one with the most requests.", "query_result(sort_desc("+requests+" > 0))")
	v.Regex, v.Sort = `/mode="([^"]+)"/`, unsorted
	return v
}

// baselineVariable is the mode that the ratios are taken to: the scenario's first, which comes first, until another is chosen. Ratios to another are there when
// the run has ended.
func baselineVariable() model.Variable {
	places := promql.Last(promql.Metric{Name: signal.LoadMode, Match: ofRun}, signal.LabelMode)
	v := queryVariable(varBaseline, "Baseline", "The mode that the others are compared with: the first of the scenario unless another is chosen, which takes a run that has ended.",
		"query_result(sort("+places+"))")
	v.Regex, v.Sort = `/[{,]mode="([^"]+)"/`, unsorted
	return v
}

// replicaVariable lets the reader choose replicas of the app. Series of a run that has but one have no such label.
func replicaVariable() model.Variable {
	return many(queryVariable(varReplica, "Replica", "The replicas of the app whose requests are shown.",
		labelValues(signal.LoadResponse+"_count{"+ofRun+"}", signal.LabelReplica)), ".*")
}

// percentileVariable is the percentile of graphs over time.
func percentileVariable() model.Variable {
	option := func(text, value string) map[string]any {
		return map[string]any{"text": text, "value": value, "selected": text == "p99"}
	}
	return model.Variable{
		Name: varPercentile, Label: "Percentile", Description: "The percentile that graphs over time show.", Type: "custom",
		Query: "p50 : 0.5, p95 : 0.95, p99 : 0.99", Options: []any{option("p50", "0.5"), option("p95", "0.95"), option("p99", "0.99")},
		Current: &model.Current{Selected: true, Text: "p99", Value: "0.99"},
	}
}

// jobVariable lets the reader choose processes.
func jobVariable() model.Variable {
	return many(queryVariable(varJob, "Process", "The processes to show: what Prometheus scrapes.", labelValues("go_goroutines", job)), ".+")
}

// jaegerVariable is where a browser finds Jaeger, by what the run exposes: Grafana puts variables of its environment into no dashboard.
func jaegerVariable() model.Variable {
	v := queryVariable(varJaeger, "Jaeger", "Where a browser finds Jaeger: --jaeger, or LOADLAB_JAEGER_URL, of the run.", labelValues(signal.LoadLinks+"{"+ofRun+"}", signal.LabelJaeger))
	v.Hide = hidden
	return v
}

func labelValues(metric, label string) string { return "label_values(" + metric + ", " + label + ")" }

// How Grafana sorts the options of a variable, and hides it.
const (
	unsorted   = 0
	ascending  = 1
	descending = 2
	hidden     = 2
)

func queryVariable(name, label, description, query string) model.Variable {
	ds := source()
	return model.Variable{
		Name: name, Label: label, Description: description, Type: "query", DataSource: &ds, Definition: query,
		Query:   map[string]any{"query": query, "refId": "variable-" + name, "qryType": 5}, // 5: a query in this classic form
		Options: []any{}, Refresh: 2, Sort: ascending,
	}
}

// many lets the reader choose several, and all of them, for which a regular expression may stand.
func many(v model.Variable, all string) model.Variable {
	v.IncludeAll, v.Multi, v.AllValue = true, true, all
	v.Current = &model.Current{Text: []string{"All"}, Value: []string{"$__all"}}
	return v
}
