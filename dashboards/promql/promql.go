// Package promql writes the PromQL expressions of the dashboards. Every function returns an expression that can stand as an operand of
// a larger one. It knows what a histogram is, and nothing of Grafana but the names of its windows.
//
// A histogram of the lab is exposed twice, as a native and as a classic one, and a Prometheus may keep either. So each expression on a
// histogram asks for the native one, whose buckets are a tenth wide, "or" the classic one, whose bounds were chosen by hand: the same
// dashboard works on both, and where both are kept the finer one is shown.
//
// A division by nothing and a quantile of nothing have no value here: NaN would be the mean of every legend and the gap of every line.
package promql

import (
	"strconv"
	"strings"
)

// Windows of the expressions.
const (
	PerStep = "$__rate_interval" // for what is drawn over time
	InRange = "$__range"         // for one figure of the whole time range
	// Step is from one point of a graph to the next. What happened in it is the difference of two scrapes, so that each point stands for itself and all
	// of them add up to what happened: rate() looks over at least four scrapes, which smears one mode's second into the next one's, and
	// extrapolates.
	Step = "$__interval"
)

// Metric is a set of series and the window over which their change is taken.
type Metric struct {
	Name   string
	Match  string // label matchers without the braces: mode=~"$mode"
	Window string // PerStep if empty
}

// In is the same metric over another window.
func (m Metric) In(window string) Metric {
	m.Window = window
	return m
}

// Where is the same metric with one more matcher.
func (m Metric) Where(match string) Metric {
	if m.Match != "" {
		match = m.Match + ", " + match
	}
	m.Match = match
	return m
}

// Select is the series themselves: for gauges.
func (m Metric) Select() string { return m.suffixed("") }

func (m Metric) suffixed(suffix string) string {
	if m.Match == "" {
		return m.Name + suffix
	}
	return m.Name + suffix + "{" + m.Match + "}"
}

// change is how a counter or a histogram changed: in a step by how much, else how fast.
func (m Metric) change(suffix string) string {
	if m.Window == Step {
		series := m.suffixed(suffix)
		return series + " - " + series + " offset " + Step
	}
	return m.over("rate", suffix)
}

func (m Metric) over(function, suffix string) string {
	window := m.Window
	if window == "" {
		window = PerStep
	}
	return function + "(" + m.suffixed(suffix) + "[" + window + "])"
}

// Last is the newest value of a gauge in the time range, also when what exposed it has ended.
func Last(m Metric, by ...string) string { return Max(m.In(InRange).over("last_over_time", ""), by...) }

// LastLeast is the least of what Last is the greatest of.
func LastLeast(m Metric, by ...string) string {
	return aggregate("min", m.In(InRange).over("last_over_time", ""), by)
}

// Sum adds an expression up by labels; by none: everything.
func Sum(expr string, by ...string) string { return aggregate("sum", expr, by) }

// Max is the greatest of an expression by labels.
func Max(expr string, by ...string) string { return aggregate("max", expr, by) }

func aggregate(operator, expr string, by []string) string {
	if len(by) == 0 {
		return operator + "(" + expr + ")"
	}
	return operator + " by (" + strings.Join(by, ", ") + ") (" + expr + ")"
}

// Rate is how fast a counter grows, per second.
func Rate(m Metric, by ...string) string { return Sum(m.over("rate", ""), by...) }

// Each is by how much a counter grew in each step. A counter that begins again does not count in the step in which it does.
func Each(m Metric, by ...string) string {
	return Sum("clamp_min("+m.In(Step).change("")+", 0)", by...)
}

// Grew is 1 at both ends of each step in which a counter grew, so that one step alone makes a region of an annotation. Grafana joins points that are no more than a
// step apart, and what it has one point of is a line.
func Grew(m Metric, by ...string) string {
	series := m.suffixed("")
	return "sgn(" + Max(series+" offset -"+Step+" - "+series+" offset "+Step, by...) + ") > 0"
}

// During is the greatest of a gauge that is there while something lasts, in each step; at both ends of it, as Grew is.
func During(m Metric, by ...string) string {
	return Max(m.inStep()+" or "+m.Select()+" offset -"+Step, by...)
}

// Began is what During is of, at the first step in which it is there.
func Began(m Metric, by ...string) string {
	return Max(m.inStep(), by...) + " unless " + Max("("+m.Select()+" offset "+Step+")", by...)
}

// inStep is a gauge if it was there at all in the step: what lasted for less is between two points.
func (m Metric) inStep() string {
	return m.In(Step).over("max_over_time", "") + " or " + m.Select()
}

// Increase is by how much a counter grew in the window.
func Increase(m Metric, by ...string) string { return Sum(m.over("increase", ""), by...) }

// Growth is by how much the classic buckets of a histogram grew in each step, by their upper bounds: for a heatmap, which every version of Grafana
// draws from those.
func Growth(m Metric) string {
	return Sum("clamp_min("+m.In(Step).change("_bucket")+", 0)", "le")
}

// Quantile is a quantile of a histogram. q is a number, or a variable that has one.
func Quantile(q string, m Metric, by ...string) string {
	head := "histogram_quantile(" + q + ", "
	return "(" + or(head+Sum(m.change(""), by...)+")", head+Sum(m.change("_bucket"), append(append([]string{}, by...), "le")...)+")") + " >= 0)"
}

// ClassicQuantile is a quantile of a histogram that has no native form, as those of the Go runtime; or of one whose bounds are what is
// counted, as queries per request are. That of 1 is the bound of the bucket that holds the greatest.
func ClassicQuantile(q float64, m Metric, by ...string) string {
	by = append(append([]string{}, by...), "le")
	return "(histogram_quantile(" + strconv.FormatFloat(q, 'g', -1, 64) + ", " + Sum(m.change("_bucket"), by...) + ") >= 0)"
}

// Count is how many observations a histogram had: per second, or in each step.
func Count(m Metric, by ...string) string {
	return or(m.native("histogram_count", by), Sum(m.change("_count"), by...))
}

// Total is how much a histogram observed: per second, or in each step.
func Total(m Metric, by ...string) string {
	return or(m.native("histogram_sum", by), Sum(m.change("_sum"), by...))
}

// native is what a function takes from the native form of a histogram. In a step it is a difference of numbers, because no Prometheus before 3.0
// subtracts histograms; quantiles of a step are of the classic form there.
func (m Metric) native(function string, by []string) string {
	if m.Window == Step {
		series := function + "(" + m.suffixed("")
		return Sum(series+") - "+series+" offset "+Step+")", by...)
	}
	return function + "(" + Sum(m.change(""), by...) + ")"
}

// Mean is the mean of a histogram's observations.
func Mean(m Metric, by ...string) string { return Div(Total(m, by...), Count(m, by...)) }

// Div divides what has the same labels on both sides, where there is something to divide by.
func Div(a, b string) string { return "(" + a + " / (" + b + " > 0))" }

// OrZero is an expression, and zero for each element of population that it lacks: no error at all is a rate of 0, not a gap.
func OrZero(expr, population string) string { return or(expr, "0 * "+population) }

// OrNone is an expression, or, where it has no element at all, a zero whose label says none.
func OrNone(expr, label string) string {
	return "(" + expr + " or on () label_replace(vector(0), \"" + label + "\", \"none\", \"\", \"\"))"
}

// OrNothing is an expression without labels, or 0 where it has no element: a mode that never asks Redis spends no time there.
func OrNothing(expr string) string { return or(expr, "vector(0)") }

func or(a, b string) string { return "(" + a + " or " + b + ")" }
