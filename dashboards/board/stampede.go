package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Stampede shows second by second what happens when a page expires under load. Every graph is as wide as the page and drawn at the
// scrape interval, so that cause and effect stand below each other.
func Stampede() model.Dashboard {
	d := dashboard(UIDStampede, "stampede",
		"What happens when a page expires under load, second by second: recomputes, who waits, the pool, and what that does to p99.")
	d.Templating.List = append(d.Templating.List, modeVariable())
	by := signal.LabelMode
	var l layout
	l.add(24, 4, below(UIDAnatomy, amplification()))
	strip := func(uid string, p model.Panel) { l.add(24, 7, below(uid, everySecond(p))) }

	strip(UIDAnatomy, series("Recomputes and expirations", "ops",
		"Recomputes a second against expirations a second, by mode. A strategy that coalesces keeps the two equal; a stampede is where "+
			"they part. Taken from one scrape to the next, so that each second stands for itself.",
		query{promql.LastRate(ofMode(signal.RecomputeTotal), by), "recomputes, {{mode}}", false},
		query{promql.LastRate(ofMode(signal.ExpirationsTotal), by), "expirations, {{mode}}", false}))
	strip(UIDAnatomy, series("Concurrent recomputes", "short",
		"How many recomputes ran when one started, itself included: the most in each window, within a tenth, and how many ran at the "+
			"scrape. The gauge misses what happens between two scrapes, the histogram does not.",
		query{promql.Quantile(1, ofMode(signal.RecomputeConcurrency), by), "most, {{mode}}", true},
		query{promql.Sum(ofMode(signal.RecomputeInflight).Select(), by), "at the scrape, {{mode}}", false}))
	strip(UIDAnatomy, series("Waiting requests", "short",
		"Requests that wait for a recompute of another request, by mode.",
		query{promql.Sum(ofMode(signal.CacheWaiters).Select(), by), "{{mode}}", false}))
	strip(UIDAnatomy, logarithmic(series("Latency", "s",
		"p99 and p50 of request durations in the app, by mode. Dots are sampled requests: click one to land in the trace of a request "+
			"that paid.",
		query{promql.Quantile(.99, latency(), by), "p99, {{mode}}", true},
		query{promql.Quantile(.5, latency(), by), "p50, {{mode}}", true})))
	strip(UIDAnatomy, stacked(series("Cache results", "reqps",
		"What the cache had for requests, per second. Coalesced: waited for another request's recompute.",
		query{promql.LastRate(ofMode(signal.CacheRequests), by, signal.LabelResult), "{{result}}, {{mode}}", false})))
	strip(UIDAnatomy, series("Pool wait", "s",
		"How long requests waited for a database connection. The pool is the app's, so this is of all modes together.",
		query{promql.Quantile(.99, promql.Metric{Name: signal.DBConnectionWait}), "p99", true},
		query{promql.Mean(promql.Metric{Name: signal.DBConnectionWait}), "mean", true}))
	strip(UIDGenerator, series("Offered and achieved load", "reqps",
		"Requests a second that were due and that were completed, as the generator saw it, by mode as the scenario names it.",
		query{promql.LastRate(promql.Metric{Name: signal.LoadScheduled}, by), "offered, {{mode}}", false},
		query{promql.LastRate(promql.Metric{Name: signal.LoadCompleted}, by), "achieved, {{mode}}", false}))
	d.Panels = l.panels
	return d
}

// amplification is how many recomputes an expiry cost. Modes whose pages never expired have none.
func amplification() model.Panel {
	recomputes := promql.Increase(ofMode(signal.RecomputeTotal).In(promql.InRange), signal.LabelMode)
	expirations := promql.Increase(ofMode(signal.ExpirationsTotal).In(promql.InRange), signal.LabelMode)
	return stat("Amplification", timesUnit,
		"Recomputes per expiration over the whole time range, by mode. 1 is ideal; ttl under load costs as many as requests arrive during "+
			"one recompute. First fills of an empty cache count as recomputes, too.",
		steps("orange", 1.5),
		query{promql.Div(recomputes, "("+expirations+" > 0)"), "{{mode}}", false})
}
