// Package law sets what a caching strategy's law predicts beside what was measured: how often pages are recomputed when they expire, or are
// not there. A law is an expression that the app declares; this package evaluates it and judges whether a measurement agrees.
package law

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// Agreement is whether a measurement is what the law predicts.
type Agreement string

// Agreements.
const (
	Agrees  Agreement = "agrees"
	Differs Agreement = "differs"
	Unknown Agreement = "unknown" // no prediction could be made; the text has the reason
)

// Prediction sets what a caching strategy's law predicts beside what was measured, for one mode in one phase.
type Prediction struct {
	Mode, Phase string
	Relation    string  // how Measured should relate to Predicted: "==", "<=", ">=" or "~"
	Predicted   float64 // recomputes over all rounds
	Measured    int64
	Agreement   Agreement
	Text        string // for people: "at least λ·D = 200/s × 14.0 ms = 2.80 per expiry; measured 6.33 (19 over 3 expiries)"
}

// Predictions are those of every mode whose strategy has a law, in every phase that had an expiry, a cold page or a recompute.
func Predictions(f *figure.Figures) []Prediction {
	laws := map[string]result.Strategy{}
	for _, s := range f.Run.Strategies {
		laws[s.Name] = s
	}
	var all []Prediction
	for _, p := range f.Run.Phases {
		for _, m := range f.Run.Modes {
			t := f.Total(m.Name, p.Name)
			law, ok := laws[m.Strategy]
			if t == nil || !ok || t.Counters() == nil {
				continue
			}
			if c := t.Counters(); c[api.CountExpirations] > 0 || c[api.CountCold] > 0 || c[api.CountRecomputes] > 0 {
				all = append(all, predict(f, law, m, p, t))
			}
		}
	}
	return all
}

// predict makes one prediction: the law for cold pages times how many there were, and the law for expiries times how many there were.
func predict(f *figure.Figures, s result.Strategy, m result.Mode, p result.PhaseInfo, t *figure.Total) Prediction {
	c := t.Counters()
	out := Prediction{Mode: m.Name, Phase: p.Name, Measured: c[api.CountRecomputes], Agreement: Unknown}
	vars := variablesOf(f, p, t)
	measured := fmt.Sprintf("measured %s over %s", unit.Count(c[api.CountRecomputes]), unit.Counted(int64(t.Rounds()), "round"))
	var parts []string
	for _, cause := range causes(s, p, c) {
		formula, err := evaluate(cause.law.Recomputes, vars)
		if err != nil {
			out.Text = fmt.Sprintf("no prediction: %v; %s", err, measured)
			return out
		}
		parts = append(parts, cause.render(formula))
		out.Predicted += float64(cause.n) * formula.value
		if len(parts) == 1 {
			out.Relation = cause.law.Relation
			measured = fmt.Sprintf("measured %s (%s over %s)", unit.Amount(float64(c[api.CountRecomputes])/float64(cause.n)), unit.Count(c[api.CountRecomputes]), cause.counted())
			continue
		}
		out.Relation = both(out.Relation, cause.law.Relation)
		measured = fmt.Sprintf("%s %s in all for %s cold and %s expired; measured %s", relationWord(out.Relation),
			unit.Amount(out.Predicted), unit.Count(c[api.CountCold]), unit.Count(c[api.CountExpirations]), unit.Count(c[api.CountRecomputes]))
	}
	if len(parts) == 0 {
		out.Relation, parts = "==", []string{"no page expired or was cold, so none should be recomputed"}
	}
	var byChance bool
	out.Agreement, byChance = agreement(float64(out.Measured), out.Relation, out.Predicted)
	if byChance {
		measured += ", short of it by no more than chance"
	}
	out.Text = strings.Join(parts, " and ") + "; " + measured
	return out
}

// cause is why pages were recomputed.
type cause struct {
	law       result.Law
	n         int64
	one, many string
}

// causes are those that there were. A law with a lower bound, because more come while recomputes slow each other down, has
// how many at most in a burst: nobody comes after it, and on a busy machine some of it come too late to miss the page.
func causes(s result.Strategy, p result.PhaseInfo, c api.Counts) []cause {
	if p.Kind == "burst" {
		s.Cold, s.Expiry = atMost(s.Cold), atMost(s.Expiry)
	}
	all := []cause{{s.Cold, c[api.CountCold], "cold page", "cold pages"}, {s.Expiry, c[api.CountExpirations], "expiry", "expiries"}}
	return slices.DeleteFunc(all, func(x cause) bool { return x.n <= 0 })
}

func atMost(l result.Law) result.Law {
	if l.Relation == ">=" {
		l.Relation = "<="
	}
	return l
}

func (c cause) render(f formula) string {
	s := fmt.Sprintf("%s %s per %s", relationWord(c.law.Relation), f.text, c.one)
	if f.given != "" {
		s += " (" + f.given + ")"
	}
	return s
}

func (c cause) counted() string {
	if c.n == 1 {
		return "1 " + c.one
	}
	return unit.Count(c.n) + " " + c.many
}

// variablesOf returns what laws are over, for one mode in one phase.
func variablesOf(f *figure.Figures, p result.PhaseInfo, t *figure.Total) map[string]variable {
	replicas := float64(max(f.Run.Stack.Replicas, 1))
	vars := map[string]variable{
		"arrivals": arrivals(p, t),
		"replicas": {value: replicas, text: "replicas = " + unit.Amount(replicas)},
		"beta":     {unknown: "the app did not tell its beta"},
	}
	if beta, err := strconv.ParseFloat(f.Run.Stack.Config["beta"], 64); err == nil && beta > 0 {
		vars["beta"] = variable{value: beta, text: "beta = " + unit.Amount(beta)}
	}
	return vars
}

// arrivals is how many requests ask for a page while it is recomputed once. D is the shortest recompute that was seen, because
// recomputes slow each other down in the stampede that is to be predicted. The rate is the measured rate of arrivals, which is what a
// Poisson process, a ramp or a share of a mix came to.
func arrivals(p result.PhaseInfo, t *figure.Total) variable {
	perRound := float64(t.Ledger.Scheduled) / float64(t.Rounds())
	if p.Kind == "burst" {
		n := perRound
		if p.Users > 0 {
			n = min(n, float64(p.Users))
		}
		return variable{value: n, text: "N = " + unit.Amount(n)}
	}
	d := t.Server.MinMiss
	if d <= 0 || t.Took <= 0 {
		return variable{unknown: "no response tells how long a recompute takes"}
	}
	rate := float64(t.Ledger.Scheduled) / t.Took.Seconds()
	product := rate * d.Seconds()
	if users := float64(p.Users); p.Kind == "closed" && product > users && users > 0 {
		return variable{value: users, text: "users = " + unit.Amount(users)}
	}
	return variable{value: product, text: fmt.Sprintf("λ·D = %s/s × %s = %s", unit.Digits(rate), unit.Latency(d.Round(time.Microsecond)), unit.Amount(product))}
}

// agreement compares what was measured with what is predicted, and reports whether only chance makes them agree. Where the prediction is
// the mean of something random (a count of arrivals, XFetch's dice), two standard deviations of a Poisson count are allowed for; a law
// that is exact or an upper bound has no allowance.
func agreement(measured float64, relation string, predicted float64) (a Agreement, byChance bool) {
	allowance := 2 * math.Sqrt(max(predicted, 0))
	var ok bool
	switch relation {
	case "==":
		ok = math.Abs(measured-predicted) < 0.5
	case "<=":
		ok = measured <= predicted+1e-9
	case ">=":
		ok = measured >= predicted-allowance
		byChance = ok && measured < predicted
	case "~":
		ok = math.Abs(measured-predicted) <= max(allowance, 1)
	default:
		return Unknown, false
	}
	if ok {
		return Agrees, byChance
	}
	return Differs, false
}

// both is the relation of a sum whose parts have the relations a and b; "?" if nothing can be said of it.
func both(a, b string) string {
	switch {
	case a == b || b == "==":
		return a
	case a == "==":
		return b
	case a == "~" && b == ">=", a == ">=" && b == "~":
		return ">=" // judged with the same allowance
	}
	return "?"
}

func relationWord(relation string) string {
	switch relation {
	case "==":
		return "exactly"
	case "<=":
		return "at most"
	case ">=":
		return "at least"
	case "~":
		return "about"
	}
	return "incomparable with"
}
