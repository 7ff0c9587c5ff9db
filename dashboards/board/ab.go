package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// ofTest is a metric of the A/B test that is chosen.
func ofTest(name string) promql.Metric { return promql.Metric{Name: name, Match: ofRun} }

// ofPoint is a metric of the chosen mode, phase and percentile of the test.
func ofPoint(name string) promql.Metric {
	return promql.Metric{Name: name, Match: ofRun + ", " + ofPhase + ", " + byMode + ", " + signal.LabelQuantile + `="$percentile"`}
}

// AB shows an A/B test of two builds: both arms by epoch, their ratio in each, and what the epochs together have come to.
func AB() model.Dashboard {
	test := queryVariable(varRun, "Test", "The A/B test to show; the newest of the time range unless one is chosen. (loadgen ab ... --metrics-addr)", labelValues(signal.ABInfo, signal.LabelRunID))
	test.Sort = descending
	of := ofTest(signal.ABQuantile).Select()
	phase := queryVariable(varPhase, "Phase", "The phase to show.", labelValues(of, signal.LabelPhase))
	mode := queryVariable(varMode, "Mode", "The mode to show.", labelValues(of, signal.LabelMode))
	arm := many(queryVariable(varArm, "Arm", "The builds to show: A, B, or both.", labelValues(of, signal.LabelArm)), ".+")
	percentile := queryVariable(varPercentile, "Quantile", "The quantile to show, of those that are judged; the greatest comes first.", labelValues(ofTest(signal.ABRatio).Select(), signal.LabelQuantile))
	percentile.Sort = descending
	d := dashboard(UIDAB, "ab", "Two builds beside each other: each epoch has fresh processes of both, and is the unit of the comparison.", test, phase, mode, arm, percentile)
	d.Time.From = "now-1h"
	var l layout
	l.add(6, 5, verdict("The verdict of the test, once it has ended.",
		promql.Last(ofTest(signal.ABVerdict), signal.LabelVerdict)+" == 1"))
	bound := func(b string) string {
		return promql.Last(ofPoint(signal.ABInterval).Where(signal.LabelBound+`="`+b+`"`), signal.LabelMode)
	}
	l.add(10, 5, hinting("No test yet. Type: loadgen ab warm --a HEAD --b . --metrics-addr 127.0.0.1:9464", stat("B over A, and the interval of that", timesUnit, "The ratio over all epochs that count: above 1 B is slower. The interval is that of the newest look.", plain(),
		query{bound(signal.BoundPoint), "B over A", false}, query{bound(signal.BoundLow), "at least", false}, query{bound(signal.BoundHigh), "at most", false})))
	arms := stat("Arms", "short", "What A and B are.", plain(),
		query{promql.Last(ofTest(signal.ABInfo), signal.LabelScenario, signal.LabelArmA, signal.LabelArmB), "{{scenario}}: A is {{a}}, B is {{b}}", false})
	arms.Options["textMode"] = "name"
	l.add(8, 5, arms)
	byEpoch := matrix("By epoch: both arms", "s", "The chosen quantile of each arm in each epoch that counts.", signal.LabelEpoch, signal.LabelArm,
		promql.Last(ofPoint(signal.ABQuantile).Where(signal.LabelArm+`=~"$arm"`), signal.LabelEpoch, signal.LabelArm))
	byEpoch.FieldConfig.Overrides = []model.Override{
		{Matcher: model.Matcher{ID: "byName", Options: "A"}, Properties: []model.Property{fixedColor("#808080")}},
		{Matcher: model.Matcher{ID: "byName", Options: "B"}, Properties: []model.Property{fixedColor("#0072b2")}},
	}
	l.add(24, 9, byEpoch)
	l.add(24, 8, matrix("By epoch: how much slower B is", "percentunit", "The ratio of B to A in each epoch that counts, less 1: above 0 B is slower. Their scatter is the machine's noise.",
		signal.LabelEpoch, signal.LabelMode, promql.Last(ofPoint(signal.ABRatio), signal.LabelEpoch, signal.LabelMode)+" - 1"))
	var columns []column
	for _, c := range []struct{ title, bound string }{{"B over A", signal.BoundPoint}, {"At least", signal.BoundLow}, {"At most", signal.BoundHigh}} {
		columns = append(columns, column{title: c.title, unit: timesUnit,
			expr: promql.Last(ofTest(signal.ABInterval).Where(signal.LabelBound+`="`+c.bound+`"`), signal.LabelMode, signal.LabelPhase, signal.LabelQuantile)})
	}
	l.add(24, 9, table("Every endpoint", "What is judged: a percentile of a mode in a phase. The ratio of B to A with its interval, as the report has it.",
		[]keyColumn{{label: signal.LabelMode, title: "Mode"}, {label: signal.LabelPhase, title: "Phase"}, {label: signal.LabelQuantile, title: "Quantile"}}, columns))
	d.Panels = l.panels
	return d
}
