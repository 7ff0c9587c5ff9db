package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// ofApp is a metric of the app, of the chosen modes as the app counts them.
func ofApp(name string) promql.Metric { return promql.Metric{Name: name, Match: byAppMode} }

// Stampede shows second by second what happens when a page expires under load. Every graph is as wide as the page and drawn at the
// scrape interval, so that cause and effect stand below each other.
func Stampede() model.Dashboard {
	d := dashboard(UIDStampede, "stampede",
		"What happens when a page expires under load, second by second: recomputes, who waits, the pool, and what that does to p99.",
		append(ofARun(), phaseVariable(), modeVariable(), appModeVariable(), percentileVariable(), jaegerVariable())...)
	d.Annotations.List = annotations(true, ofRun+", "+ofPhase+", "+byMode)
	by := signal.LabelMode
	lookBack := "Each point is the most of the " + signal.PeakWindow.String() + " before it, so that no scrape misses any: a peak is drawn that long after it was. In which second requests waited is in the last graphs."
	var l layout
	l.add(24, 4, leads(UIDAnatomy, amplification(), sameTime))
	strip := func(p model.Panel) { l.add(24, 7, leads(UIDAnatomy, everySecond(p), sameTime)) }

	strip(byCause(counted(series("Recomputes by cause", "short",
		"Recomputes from one point to the next. By mode are those of pages past their TTL or about to be: a strategy that coalesces has one for an expiry (the graph below), and a stampede is "+
			"where there are more. Cold are those of pages that were never cached or were flushed; unknown are those without an answer of the cache.",
		query{promql.Each(ofApp(signal.RecomputeTotal).Where(signal.LabelCause+`="`+signal.CauseExpired+`"`), by), "{{mode}}", false},
		query{promql.Each(ofApp(signal.RecomputeTotal).Where(signal.LabelCause+`!="`+signal.CauseExpired+`"`), signal.LabelCause), "{{cause}}", false}))))
	strip(counted(series("Expiries", "short",
		"Pages that were found expired, from one point to the next, by mode.",
		query{promql.Each(ofApp(signal.ExpirationsTotal), by), "{{mode}}", false})))
	strip(peaks(series("Greatest number of recomputes at once", "short",
		"The most that ran at the same time, by mode, as the app counts them and not as a scrape happens to find them. "+lookBack,
		query{promql.Max(ofApp(signal.RecomputePeak).Select(), by), "{{mode}}", false})))
	strip(peaks(series("Greatest number of waiting requests", "short",
		"The most requests that waited at the same time for a recompute of another, by mode, as the app counts them. "+lookBack,
		query{promql.Max(ofApp(signal.CacheWaitersPeak).Select(), by), "{{mode}}", false})))
	strip(counted(series("Requests that waited", "short",
		"How many requests waited for a recompute of another, from one point to the next, by mode.",
		query{promql.Each(ofApp(signal.CacheWaited), by), "{{mode}}", false})))
	response := promql.Metric{Name: signal.LoadResponse, Match: ofRun + ", " + byMode}.In(promql.Step)
	strip(traced(logarithmic(series("Response time", "s",
		"The chosen percentile of the response time, from when a request was due, by mode. A diamond is a request whose trace was kept: click one at a spike to land in the "+
			"trace of a request that paid.",
		query{promql.Quantile("$percentile", response, by), "{{mode}}", true}))))
	strip(counted(series("Cache results", "short",
		"What the cache had for the requests of the chosen modes, from one point to the next. Coalesced: waited for another request's recompute.",
		query{promql.Each(ofApp(signal.CacheRequests), signal.LabelResult), "{{result}}", false})))
	wait := promql.Metric{Name: signal.DBConnectionWait}.In(promql.Step)
	strip(series("Pool wait", "s",
		"How long requests waited for a database connection. The pool is the app's, so this is of all modes together.",
		query{promql.Quantile("0.99", wait), "p99", false}, query{promql.Mean(wait), "mean", false}))
	strip(outlined(series("Offered and achieved load", "short",
		"Requests that were due and that were completed, from one point to the next, by mode: the line and the bars, of one colour.",
		query{promql.Each(ofLoad(signal.LoadScheduled), by), "offered, {{mode}}", false},
		query{promql.Each(ofLoad(signal.LoadCompleted), by), "{{mode}}", false})))
	bySecond := func(title, metric, description string) {
		l.add(12, 7, matrix(title+" by second of phase $phase", "short", description+" The mean of the rounds, by when the requests were due: the report's, whatever a scrape has seen.",
			signal.LabelSecond, signal.LabelMode, promql.Last(ofLoad(metric).Where(ofPhase), signal.LabelSecond, signal.LabelMode)))
	}
	bySecond("Recomputes", signal.LoadRecomputes, "Recomputes in the herds that began in each second since the phase began.")
	bySecond("Requests that waited", signal.LoadWaited, "Requests that waited for a recompute of another, of those due in each second since the phase began.")
	d.Panels = l.panels
	return d
}

// ofLoad is a metric of the generator, of the chosen modes in the run.
func ofLoad(name string) promql.Metric {
	return promql.Metric{Name: name, Match: ofRun + ", " + byMode}
}

// amplification is how many recomputes an expiry cost, as the report has it. Modes whose pages never expired in the phase have none.
func amplification() model.Panel {
	return stat("Recomputes an expiry in phase $phase", timesUnit,
		"Recomputes over the pages that were found expired, by mode: the report's figure, which counts what the graphs below show. 1 is ideal; ttl under load costs as many as "+
			"requests arrive during one recompute. There is none in a phase in which nothing expires.",
		steps("orange", 1.5), query{inPhase(ofFigure("recomputes_per_expiry")), "{{mode}}", false})
}
