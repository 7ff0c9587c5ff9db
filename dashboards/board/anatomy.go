package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Matchers of the operations histogram, which has SQL queries and Redis commands.
const (
	ofRedis = signal.LabelDBSystem + `="redis"`
	ofSQL   = signal.LabelDBSystem + `!="redis"`
)

// Anatomy takes a request apart: SQL, Redis, the wait for a connection.
func Anatomy() model.Dashboard {
	d := dashboard(UIDAnatomy, "anatomy", "Where the time of a request goes: SQL, Redis, the wait for a database connection, and the rest.")
	d.Templating.List = append(d.Templating.List, modeVariable())
	var l layout
	l.row("The whole request")
	l.add(24, 8, below(UIDRuntime, parts()))
	l.row("SQL")
	sqlPanels(&l)
	l.row("Redis")
	redisPanels(&l)
	l.row("The database pool, which all modes share")
	poolPanels(&l)
	l.row("Recomputes")
	recompute := ofMode(signal.RecomputeDuration)
	l.add(12, 8, below(UIDRuntime, series("Recompute duration", "s",
		"p99 and p50 of what making a page took when the cache had none, by mode.",
		query{promql.Quantile(.99, recompute, signal.LabelMode), "p99, {{mode}}", true},
		query{promql.Quantile(.5, recompute, signal.LabelMode), "p50, {{mode}}", true})))
	l.add(12, 8, below(UIDRuntime, stacked(series("Cache results", "reqps",
		"Requests a second by what the cache had for them.",
		query{promql.Rate(ofMode(signal.CacheRequests), signal.LabelResult), "{{result}}", false}))))
	d.Panels = l.panels
	return d
}

// parts is the mean request of the chosen modes in parts.
func parts() model.Panel {
	requests, operations := promql.Count(latency()), ofMode(signal.DBOperationDuration)
	sql := promql.Div(promql.OrNothing(promql.Total(operations.Where(ofSQL))), requests)
	redis := promql.Div(promql.OrNothing(promql.Total(operations.Where(ofRedis))), requests)
	rest := "clamp_min(" + promql.Mean(latency()) + " - " + sql + " - " + redis + ", 0)"
	return stacked(series("Where the time goes", "s",
		"The mean request of the chosen modes, in parts; choose one mode. SQL includes the wait for a connection; the rest is the app "+
			"itself: JSON, waiting for others' recomputes, the scheduler. What runs in the background counts as SQL or Redis of its mode, "+
			"though no request waited for it.",
		query{sql, "SQL", false}, query{redis, "Redis", false}, query{rest, "the rest", false}))
}

func sqlPanels(l *layout) {
	queries, perRequest := ofMode(signal.DBOperationDuration).Where(ofSQL), ofMode(signal.SQLQueriesPerRequest)
	l.add(8, 8, below(UIDRuntime, series("SQL queries per request", "short",
		"Mean and p99 of the number of SQL queries that a request made, by mode.",
		query{promql.Mean(perRequest, signal.LabelMode), "mean, {{mode}}", true},
		query{promql.Quantile(.99, perRequest, signal.LabelMode), "p99, {{mode}}", true})))
	l.add(8, 8, series("SQL query duration", "s",
		"p99 and p50 of single queries, by table. Includes the wait for a connection.",
		query{promql.Quantile(.99, queries, signal.LabelCollection), "p99, {{db_collection_name}}", true},
		query{promql.Quantile(.5, queries, signal.LabelCollection), "p50, {{db_collection_name}}", true}))
	l.add(8, 8, stacked(series("SQL queries", "ops",
		"Queries a second by verb and table: what is repeated per row stands out.",
		query{promql.Count(queries, signal.LabelDBOp, signal.LabelCollection), "{{db_operation_name}} {{db_collection_name}}", false})))
}

func redisPanels(l *layout) {
	trips, perRequest := ofMode(signal.DBOperationDuration).Where(ofRedis), ofMode(signal.RedisPerRequest)
	l.add(8, 8, below(UIDRuntime, series("Redis commands per request", "short",
		"Mean and p99 of the number of Redis commands that a request made, by mode.",
		query{promql.Mean(perRequest, signal.LabelMode), "mean, {{mode}}", true},
		query{promql.Quantile(.99, perRequest, signal.LabelMode), "p99, {{mode}}", true})))
	l.add(8, 8, series("Redis round trip", "s",
		"p99 and p50 of single round trips, by command; a pipeline is one round trip.",
		query{promql.Quantile(.99, trips, signal.LabelDBOp), "p99, {{db_operation_name}}", true},
		query{promql.Quantile(.5, trips, signal.LabelDBOp), "p50, {{db_operation_name}}", true}))
	l.add(8, 8, stacked(series("Redis round trips", "ops",
		"Round trips a second, by command.",
		query{promql.Count(trips, signal.LabelDBOp), "{{db_operation_name}}", false})))
}

func poolPanels(l *layout) {
	wait := promql.Metric{Name: signal.DBConnectionWait}
	l.add(8, 8, series("Wait for a connection", "s",
		"p99 and mean of what requests waited for a connection.",
		query{promql.Quantile(.99, wait), "p99", true}, query{promql.Mean(wait), "mean", true}))
	l.add(8, 8, series("Connections", "short",
		"Connections of the pool: in use, idle, and the most that there may be. In use at the most for long is a queue.",
		query{promql.Sum("go_sql_in_use_connections"), "in use", false},
		query{promql.Sum("go_sql_idle_connections"), "idle", false},
		query{promql.Sum("go_sql_max_open_connections"), "most", false}))
	l.add(8, 8, series("Waits", "ops",
		"How many times a second a query had to wait for a connection, by database.",
		query{promql.Rate(promql.Metric{Name: "go_sql_wait_count_total"}, "db_name"), "{{db_name}}", false}))
}
