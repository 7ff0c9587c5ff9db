package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Agreement says whether a measurement is what the law predicts.
type Agreement string

// Agreements.
const (
	Agrees  Agreement = "agrees"
	Differs Agreement = "differs"
	Unknown Agreement = "unknown" // no prediction could be made; the text says why
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
func (f *Figures) Predictions() []Prediction {
	laws := map[string]Strategy{}
	for _, s := range f.run.Strategies {
		laws[s.Name] = s
	}
	var all []Prediction
	for _, p := range f.run.Phases {
		for _, m := range f.run.Modes {
			t := f.total(m.Name, p.Name)
			law, ok := laws[m.Strategy]
			if t == nil || !ok || t.counters() == nil {
				continue
			}
			if c := t.counters(); c.Expirations > 0 || c.Cold > 0 || c.Recomputes > 0 {
				all = append(all, f.predict(law, m, p, t))
			}
		}
	}
	return all
}

// predict makes one prediction: the law for cold pages times how many there were, and the law for expiries times how many there were.
func (f *Figures) predict(s Strategy, m Mode, p Phase, t *total) Prediction {
	c := t.counters()
	out := Prediction{Mode: m.Name, Phase: p.Name, Measured: c.Recomputes, Agreement: Unknown}
	vars := f.variables(p, t)
	measured := fmt.Sprintf("measured %s over %s", count(c.Recomputes), counted(int64(len(t.rounds)), "round"))
	var says []string
	for _, cause := range causes(s, p, c) {
		result, err := evaluate(cause.law.Recomputes, vars)
		if err != nil {
			out.Text = fmt.Sprintf("no prediction: %v; %s", err, measured)
			return out
		}
		says = append(says, cause.say(result))
		out.Predicted += float64(cause.n) * result.value
		if len(says) == 1 {
			out.Relation = cause.law.Relation
			measured = fmt.Sprintf("measured %s (%s over %s)", amount(float64(c.Recomputes)/float64(cause.n)), count(c.Recomputes), cause.counted())
			continue
		}
		out.Relation = both(out.Relation, cause.law.Relation)
		measured = fmt.Sprintf("%s %s in all for %s cold and %s expired; measured %s", relationWord(out.Relation),
			amount(out.Predicted), count(c.Cold), count(c.Expirations), count(c.Recomputes))
	}
	if len(says) == 0 {
		out.Relation, says = "==", []string{"no page expired or was cold, so none should be recomputed"}
	}
	var byChance bool
	out.Agreement, byChance = agreement(float64(out.Measured), out.Relation, out.Predicted)
	if byChance {
		measured += ", short of it by no more than chance"
	}
	out.Text = strings.Join(says, " and ") + "; " + measured
	return out
}

// cause is why pages were recomputed.
type cause struct {
	law       Law
	n         int64
	one, many string
}

// causes are those that there were. A law that says how many at least, because more come while recomputes slow each other down, says
// how many at most in a burst: nobody comes after it, and on a busy machine some of it come too late to miss the page.
func causes(s Strategy, p Phase, c *Counters) []cause {
	if p.Kind == "burst" {
		s.Cold, s.Expiry = atMost(s.Cold), atMost(s.Expiry)
	}
	all := []cause{{s.Cold, c.Cold, "cold page", "cold pages"}, {s.Expiry, c.Expirations, "expiry", "expiries"}}
	return slices.DeleteFunc(all, func(x cause) bool { return x.n <= 0 })
}

func atMost(l Law) Law {
	if l.Relation == ">=" {
		l.Relation = "<="
	}
	return l
}

func (c cause) say(f formula) string {
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
	return count(c.n) + " " + c.many
}

// variables are what laws are over, for one mode in one phase.
func (f *Figures) variables(p Phase, t *total) map[string]variable {
	replicas := float64(max(f.run.Stack.Replicas, 1))
	vars := map[string]variable{
		"arrivals": arrivals(p, t),
		"replicas": {value: replicas, text: "replicas = " + amount(replicas)},
		"beta":     {unknown: "the app did not tell its beta"},
	}
	if beta, err := strconv.ParseFloat(f.run.Stack.Config["beta"], 64); err == nil && beta > 0 {
		vars["beta"] = variable{value: beta, text: "beta = " + amount(beta)}
	}
	return vars
}

// arrivals is how many requests ask for a page while it is recomputed once. D is the shortest recompute that was seen, because
// recomputes slow each other down in the stampede that is to be predicted. The rate is the measured rate of arrivals, which is what a
// Poisson process, a ramp or a share of a mix came to.
func arrivals(p Phase, t *total) variable {
	perRound := float64(t.ledger.Scheduled) / float64(len(t.rounds))
	if p.Kind == "burst" {
		n := perRound
		if p.Users > 0 {
			n = min(n, float64(p.Users))
		}
		return variable{value: n, text: "N = " + amount(n)}
	}
	d := t.server.MinMiss
	if d <= 0 || t.took <= 0 {
		return variable{unknown: "no response tells how long a recompute takes"}
	}
	rate := float64(t.ledger.Scheduled) / t.took.Seconds()
	product := rate * d.Seconds()
	if users := float64(p.Users); p.Kind == "closed" && product > users && users > 0 {
		return variable{value: users, text: "users = " + amount(users)}
	}
	return variable{value: product, text: fmt.Sprintf("λ·D = %s/s × %s = %s", digits(rate), Latency(d.Round(time.Microsecond)), amount(product))}
}

// agreement compares what was measured with what is predicted, and says whether only chance makes them agree. Where the prediction is
// the mean of something random (a count of arrivals, XFetch's dice), two standard deviations of a Poisson count are allowed for; a law
// that says exactly or at most means it.
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
