// Package promql writes the PromQL expressions of the dashboards. Every function returns an expression that can stand as an operand of
// a larger one. It knows what a histogram is, and nothing of Grafana but the names of its windows.
//
// A histogram of the lab is exposed twice, as a native and as a classic one, and a Prometheus may keep either. So each expression on a
// histogram asks for the native one, whose buckets are a tenth wide, "or" the classic one, whose bounds were chosen by hand: the same
// dashboard works on both, and where both are kept the finer one is shown.
package promql

import (
	"strconv"
	"strings"
)

// Windows of the expressions.
const (
	PerStep = "$__rate_interval" // for what is drawn over time
	InRange = "$__range"         // for one figure of the whole time range
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

func (m Metric) rate(suffix string) string { return m.over("rate", suffix) }

func (m Metric) over(function, suffix string) string {
	window := m.Window
	if window == "" {
		window = PerStep
	}
	return function + "(" + m.suffixed(suffix) + "[" + window + "])"
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
func Rate(m Metric, by ...string) string { return Sum(m.rate(""), by...) }

// LastRate is how fast a counter grew between the last two samples of the window. Where a step is one scrape it shows every second for
// itself, which Rate, taken over four scrapes, would smear.
func LastRate(m Metric, by ...string) string { return Sum(m.over("irate", ""), by...) }

// Increase is by how much a counter grew in the window.
func Increase(m Metric, by ...string) string { return Sum(m.over("increase", ""), by...) }

// Growth is the change of a histogram as a histogram, for a heatmap. There is no classic form of it: where the native histogram is
// missing the heatmap is empty.
func Growth(m Metric, by ...string) string { return Sum(m.rate(""), by...) }

// Quantile is a quantile of a histogram. That of 1 is its greatest value, or rather the bound of the bucket that holds it.
func Quantile(q float64, m Metric, by ...string) string {
	head := "histogram_quantile(" + strconv.FormatFloat(q, 'g', -1, 64) + ", "
	return or(head+Sum(m.rate(""), by...)+")", ClassicQuantile(q, m, by...))
}

// ClassicQuantile is a quantile of a histogram that has no native form, as those of the Go runtime.
func ClassicQuantile(q float64, m Metric, by ...string) string {
	by = append(append([]string{}, by...), "le")
	return "histogram_quantile(" + strconv.FormatFloat(q, 'g', -1, 64) + ", " + Sum(m.rate("_bucket"), by...) + ")"
}

// Count is how many observations a histogram had, per second.
func Count(m Metric, by ...string) string {
	return or("histogram_count("+Sum(m.rate(""), by...)+")", Sum(m.rate("_count"), by...))
}

// Total is how much a histogram observed, per second.
func Total(m Metric, by ...string) string {
	return or("histogram_sum("+Sum(m.rate(""), by...)+")", Sum(m.rate("_sum"), by...))
}

// Observed is how many observations a histogram had in the window.
func Observed(m Metric, by ...string) string {
	return or("histogram_count("+Sum(m.over("increase", ""), by...)+")", Sum(m.over("increase", "_count"), by...))
}

// Mean is the mean of a histogram's observations.
func Mean(m Metric, by ...string) string { return Div(Total(m, by...), Count(m, by...)) }

// Div divides what has the same labels on both sides.
func Div(a, b string) string { return "(" + a + " / " + b + ")" }

// TimesBase is how many times the one value base each element of an expression is. Base must have no labels.
func TimesBase(expr, base string) string { return "(" + expr + " / on () group_left () " + base + ")" }

// OrZero is an expression, and zero for each element of population that it lacks: no error at all is a rate of 0, not a gap.
func OrZero(expr, population string) string { return or(expr, "0 * "+population) }

// OrNone is an expression, or, where it has no element at all, a zero whose label says none.
func OrNone(expr, label string) string {
	return "(" + expr + " or on () label_replace(vector(0), \"" + label + "\", \"none\", \"\", \"\"))"
}

// OrNothing is an expression without labels, or 0 where it has no element: a mode that never asks Redis spends no time there.
func OrNothing(expr string) string { return or(expr, "vector(0)") }

func or(a, b string) string { return "(" + a + " or " + b + ")" }
