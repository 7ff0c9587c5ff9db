package board

import (
	"loadlab/app/api"
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Matchers of the operations histogram, which has SQL queries and Redis commands.
const (
	ofRedis = signal.LabelDBSystem + `="redis"`
	ofSQL   = signal.LabelDBSystem + `!="redis"`
)

// ofMode is a metric of the app, of the one mode that is chosen.
func ofMode(name string) promql.Metric { return promql.Metric{Name: name, Match: byMode} }

// latency is how long the chosen mode took to answer, as the app saw it.
func latency() promql.Metric { return ofMode(signal.HTTPServerDuration) }

// Anatomy takes a request of one mode apart: SQL, Redis, the wait for a connection. Several modes would be blended.
func Anatomy() model.Dashboard {
	d := dashboard(UIDAnatomy, "anatomy", "Where the time of a mode's requests goes: SQL, Redis, the wait for a database connection, and the rest.", oneModeVariable())
	var l layout
	l.row("The whole request")
	l.add(24, 8, onRuntime(parts()))
	l.add(12, 8, onRuntime(logarithmic(series("Duration in the app", "s",
		"p99 and p50 of the requests as the app saw them. A diamond is a request whose trace was kept.",
		query{promql.Quantile("0.99", latency()), "p99", true}, query{promql.Quantile("0.5", latency()), "p50", true}))))
	l.add(12, 8, onRuntime(series("Errors", "percentunit",
		"Share of answers with status 4xx or 5xx.",
		query{promql.Div(promql.OrNothing(promql.Count(latency().Where(failed))), promql.Count(latency())), "errors", false})))
	l.row("SQL")
	sqlPanels(&l)
	l.row("Redis")
	redisPanels(&l)
	l.row("The database pool, which all modes share")
	poolPanels(&l)
	l.row("Recomputes")
	recompute := ofMode(signal.RecomputeDuration)
	l.add(12, 8, onRuntime(series("Recompute duration", "s",
		"p99 and p50 of what making a page took when the cache had none.",
		query{promql.Quantile("0.99", recompute), "p99", false}, query{promql.Quantile("0.5", recompute), "p50", false})))
	l.add(12, 8, onRuntime(stacked(series("Cache results", "reqps",
		"Requests a second by what the cache had for them.",
		query{promql.Rate(ofMode(signal.CacheRequests), signal.LabelResult), "{{result}}", false}))))
	l.add(24, 8, onRuntime(atLeast(1, series("Hit ratio", "percentunit",
		"Share of the requests that the cache answered, fresh or stale.",
		query{hitRatio(ofMode(signal.CacheRequests)), "hit ratio", false}))))
	d.Panels = l.panels
	return d
}

// failed is the matcher of answers that are errors.
const failed = signal.LabelStatus + `=~"[45].."`

// parts is the mean request of the chosen mode in parts.
func parts() model.Panel {
	requests, operations := promql.Count(latency()), ofMode(signal.DBOperationDuration)
	sql := promql.Div(promql.OrNothing(promql.Total(operations.Where(ofSQL))), requests)
	redis := promql.Div(promql.OrNothing(promql.Total(operations.Where(ofRedis))), requests)
	rest := "clamp_min(" + promql.Mean(latency()) + " - " + sql + " - " + redis + ", 0)"
	return stacked(series("Where the time goes", "s",
		"The mean request of the mode, in parts. SQL includes the wait for a connection; the rest is the app "+
			"itself: JSON, waiting for others' recomputes, the scheduler. What runs in the background counts as SQL or Redis of its mode, "+
			"though no request waited for it.",
		query{sql, "SQL", false}, query{redis, "Redis", false}, query{rest, "the rest", false}))
}

// onRuntime links a panel to the processes of the same time.
func onRuntime(p model.Panel) model.Panel { return leads(UIDRuntime, p, sameTime) }

func sqlPanels(l *layout) {
	queries, perRequest := ofMode(signal.DBOperationDuration).Where(ofSQL), ofMode(signal.SQLQueriesPerRequest)
	total := promql.Div(promql.Rate(ofMode(signal.SQLTotal)), promql.Rate(ofMode(signal.RequestsTotal)))
	l.add(8, 8, onRuntime(series("SQL queries per request", "short",
		"Mean of the SQL queries that requests made, the same with refreshes in the background included, and the bucket bound (0, 1, 2, 5, 10, 20, 40, 62, 100, 200) that no request exceeded.",
		query{promql.Mean(perRequest), "by requests", false}, query{total, "all", false},
		query{promql.ClassicQuantile(1, perRequest), "at most", false})))
	l.add(8, 8, series("SQL query duration", "s",
		"p99 and p50 of single queries, by table. Includes the wait for a connection.",
		query{promql.Quantile("0.99", queries, signal.LabelCollection), "p99, {{db_collection_name}}", false},
		query{promql.Quantile("0.5", queries, signal.LabelCollection), "p50, {{db_collection_name}}", false}))
	l.add(8, 8, stacked(series("SQL queries", "ops",
		"Queries a second by verb and table: what is repeated per row stands out.",
		query{promql.Count(queries, signal.LabelDBOp, signal.LabelCollection), "{{db_operation_name}} {{db_collection_name}}", false})))
}

func redisPanels(l *layout) {
	trips, perRequest := ofMode(signal.DBOperationDuration).Where(ofRedis), ofMode(signal.RedisPerRequest)
	total := promql.Div(promql.Rate(ofMode(signal.RedisTotal)), promql.Rate(ofMode(signal.RequestsTotal)))
	l.add(8, 8, onRuntime(series("Redis commands per request", "short",
		"Mean of the Redis commands that requests made, the same with those of the background included, and the bucket bound that no request exceeded. A hit costs two, in one round trip.",
		query{promql.Mean(perRequest), "by requests", false}, query{total, "all", false},
		query{promql.ClassicQuantile(1, perRequest), "at most", false})))
	l.add(8, 8, series("Redis round trip", "s",
		"p99 and p50 of single round trips, by command; a pipeline is one round trip.",
		query{promql.Quantile("0.99", trips, signal.LabelDBOp), "p99, {{db_operation_name}}", false},
		query{promql.Quantile("0.5", trips, signal.LabelDBOp), "p50, {{db_operation_name}}", false}))
	l.add(8, 8, stacked(series("Redis round trips", "ops",
		"Round trips a second, by command.",
		query{promql.Count(trips, signal.LabelDBOp), "{{db_operation_name}}", false})))
}

func poolPanels(l *layout) {
	wait := promql.Metric{Name: signal.DBConnectionWait}
	l.add(8, 8, series("Wait for a connection", "s",
		"p99 and mean of what requests waited for a connection.",
		query{promql.Quantile("0.99", wait), "p99", false}, query{promql.Mean(wait), "mean", false}))
	l.add(8, 8, series("Connections", "short",
		"Connections of the pool: in use, idle, and the most that there may be. In use at the most for long is a queue.",
		query{promql.Sum("go_sql_in_use_connections"), "in use", false},
		query{promql.Sum("go_sql_idle_connections"), "idle", false},
		query{promql.Sum("go_sql_max_open_connections"), "most", false}))
	l.add(8, 8, series("Waits", "ops",
		"How many times a second a query had to wait for a connection, by database.",
		query{promql.Rate(promql.Metric{Name: "go_sql_wait_count_total"}, "db_name"), "{{db_name}}", false}))
}

// hitRatio is the share of requests that the cache answered.
func hitRatio(m promql.Metric) string {
	hits := m.Where(signal.LabelResult + `=~"` + api.CacheHit.String() + "|" + api.CacheStale.String() + `"`)
	return promql.Div(promql.Rate(hits), promql.Rate(m))
}
