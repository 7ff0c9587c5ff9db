package board

import (
	"loadlab/app/api"
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// failed is the matcher of answers that are errors.
const failed = signal.LabelStatus + `=~"[45].."`

// timesUnit shows 0.1 as 0.1×.
const timesUnit = "suffix:×"

func ofMode(name string) promql.Metric { return promql.Metric{Name: name, Match: byMode} }

// latency is how long the chosen modes took to answer, as the app saw it.
func latency() promql.Metric { return ofMode(signal.HTTPServerDuration) }

// Modes compares the modes: what each costs, side by side, and how many times the baseline that is.
func Modes() model.Dashboard {
	d := dashboard(UIDModes, "modes", "What each mode costs under the same load: latency, SQL, Redis, hits and errors.")
	d.Templating.List = append(d.Templating.List, modeVariable(), baselineVariable())
	by := signal.LabelMode
	var l layout
	l.add(24, 2, text("", "No data yet? `make scenario NAME=stampede STACK=compose` drives every mode with the same load. "+
		"Click a point with a white dot to open its trace; the title of a panel leads one level down."))
	l.add(24, 9, below(UIDStampede, glance()))

	l.row("Latency: what a request took in the app")
	l.add(8, 9, percentile("p50", .5))
	l.add(8, 9, percentile("p95", .95))
	l.add(8, 9, percentile("p99", .99))

	l.row("Load and outcome")
	all := promql.Count(latency(), by)
	errors := promql.Div(promql.OrZero(promql.Count(latency().Where(failed), by), all), all)
	l.add(8, 8, below(UIDGenerator, series("Requests", "reqps",
		"Requests a second that the app answered, by mode.",
		query{all, "{{mode}}", false})))
	l.add(8, 8, below(UIDGenerator, series("Errors", "percentunit",
		"Share of answers with status 4xx or 5xx, by mode. 0 is a measured 0.",
		query{errors, "{{mode}}", false})))
	l.add(8, 8, below(UIDStampede, series("Hit ratio", "percentunit",
		"Share of cached requests that the cache answered, fresh or stale, by mode.",
		query{hitRatio(promql.PerStep), "{{mode}}", false})))

	l.row("Cost: what a request asked of the servers behind the app")
	l.add(12, 8, below(UIDAnatomy, series("SQL queries per request", "short",
		"Mean number of SQL queries that a request made, by mode. A page of 20 costs the naive loader 62.",
		query{promql.Mean(ofMode(signal.SQLQueriesPerRequest), by), "{{mode}}", true})))
	l.add(12, 8, below(UIDAnatomy, series("Redis commands per request", "short",
		"Mean number of Redis commands that a request made, by mode. A hit costs two, in one round trip.",
		query{promql.Mean(ofMode(signal.RedisPerRequest), by), "{{mode}}", true})))

	l.row("Distributions")
	l.add(8, 8, below(UIDStampede, repeated(heatmap("Durations: $mode", "s",
		"Request durations of one mode over time, a cell for each bucket and step; the brighter the more. "+
			"Two bands are hits and misses. White dots are traces.",
		query{promql.Growth(latency()), "", true}), 3)))
	d.Panels = l.panels
	return d
}

// percentile is the graph of one percentile by mode.
func percentile(name string, q float64) model.Panel {
	return below(UIDStampede, logarithmic(series(name, "s",
		"The "+name+" of request durations in the app, by mode; dots are sampled requests, each with its trace. "+
			"From native histograms, whose buckets are a tenth wide, or classic ones where there are none.",
		query{promql.Quantile(q, latency(), signal.LabelMode), "{{mode}}", true})))
}

// hitRatio is the share of requests that the cache answered.
func hitRatio(window string) string {
	m := ofMode(signal.CacheRequests).In(window)
	hits := m.Where(signal.LabelResult + `=~"` + api.CacheHit.String() + "|" + api.CacheStale.String() + `"`)
	return promql.Div(promql.Rate(hits, signal.LabelMode), promql.Rate(m, signal.LabelMode))
}

// figure is one column of the table.
type figure struct{ title, unit, expr string }

// figures are what the table shows of each mode.
func figures() []figure {
	by := signal.LabelMode
	m := latency().In(promql.InRange)
	base := promql.Metric{Name: signal.HTTPServerDuration, Match: by + `="$baseline"`, Window: promql.InRange}
	all := promql.Count(m, by)
	ratio := func(q float64) string { return promql.TimesBase(promql.Quantile(q, m, by), promql.Quantile(q, base)) }
	return []figure{
		{"Requests", "short", promql.Observed(m, by)},
		{"Errors", "percentunit", promql.Div(promql.OrZero(promql.Count(m.Where(failed), by), all), all)},
		{"p50", "s", promql.Quantile(.5, m, by)},
		{"p95", "s", promql.Quantile(.95, m, by)},
		{"p99", "s", promql.Quantile(.99, m, by)},
		{"p50 of baseline", timesUnit, ratio(.5)},
		{"p95 of baseline", timesUnit, ratio(.95)},
		{"p99 of baseline", timesUnit, ratio(.99)},
		{"SQL/request", "short", promql.Mean(ofMode(signal.SQLQueriesPerRequest).In(promql.InRange), by)},
		{"Redis/request", "short", promql.Mean(ofMode(signal.RedisPerRequest).In(promql.InRange), by)},
		{"Hit ratio", "percentunit", hitRatio(promql.InRange)},
	}
}

// glance is the table: a row a mode, over the whole time range.
func glance() model.Panel {
	columns := figures()
	queries := make([]query, len(columns))
	names, order := map[string]any{signal.LabelMode: "Mode"}, map[string]any{signal.LabelMode: 0}
	overrides := []model.Override{override("Mode", "links", []model.Link{{
		Title: "Stampede timeline of ${__value.text}",
		URL:   "/d/" + UIDStampede + "?${__url_time_range}&var-mode=${__value.text:percentencode}&${datasource:queryparam}",
	}})}
	for i, c := range columns {
		queries[i] = query{expr: c.expr}
		value := "Value #" + refID(i)
		names[value], order[value] = c.title, i+1
		overrides = append(overrides, override(c.title, "unit", c.unit))
	}
	p := panel(model.TypeTable, "Modes at a glance", "short",
		"One row a mode, over the whole time range. \"of baseline\" is the figure divided by that of the mode chosen as baseline: "+
			"0.1× is ten times faster. Ratios of single runs are no verdict; the scenario's gates are.",
		targets("table", true, queries))
	two := 2
	p.FieldConfig.Defaults.Decimals = &two
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": false}
	p.FieldConfig.Overrides = overrides
	p.Options = map[string]any{"showHeader": true, "cellHeight": "sm", "sortBy": []map[string]any{{"displayName": "p99", "desc": true}}}
	p.Transformations = []model.Transformation{
		{ID: "merge", Options: map[string]any{}},
		{ID: "organize", Options: map[string]any{"excludeByName": map[string]any{"Time": true}, "indexByName": order, "renameByName": names}},
	}
	return p
}

func override(column, id string, value any) model.Override {
	return model.Override{
		Matcher:    model.Matcher{ID: "byName", Options: column},
		Properties: []model.Property{{ID: id, Value: value}},
	}
}
