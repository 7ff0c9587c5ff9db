// Package law sets what a caching strategy's laws predict beside what was measured: how often pages are recomputed when they expire, or are
// not there, and how many requests the cache answers. A law is an expression that the app declares (api.Law); this package evaluates it.
//
// A prediction is a distribution, not a number: requests come at random, and so does what they find. It says from which to which value a run
// of a correct strategy comes, and "differs" is a measurement outside of that. All predictions of a run together are wrong about a correct
// one with a probability of Alpha. How stale a read can be is a bound instead, whatever chance does.
//
// # D
//
// D is how long a page is missing: from the first who found it missing until the first recompute was stored. It is measured for each herd
// (result.Herd), since recomputes slow each other down, and the herd is as large as D was that time. That is exact also where the herd's own
// size decides D: the requests that come in the windows of a Poisson process, less lambda times the windows' length, are a martingale, whatever
// ends a window. A D that was measured outside of the herds would predict too few.
package law

import (
	"fmt"
	"math"
	"strings"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// Alpha is the probability that any prediction of a run of correct strategies differs. It is shared among them as Sidak has it.
const Alpha = 0.005

// Agreement is whether a measurement is what the law predicts.
type Agreement string

// Agreements.
const (
	Agrees  Agreement = "agrees"
	Differs Agreement = "differs"
	Unknown Agreement = "unknown" // no prediction could be made; the text has the reason
)

// Figures that are predicted.
const (
	Recomputes = result.Recomputes
	HitRatio   = result.HitRatio
	StaleMax   = result.StaleMax
)

// Prediction sets what a caching strategy's law predicts beside what was measured, for one mode in one phase.
type Prediction struct {
	Mode, Phase string
	Figure      string        // Recomputes, over all rounds, HitRatio, from 0 to 1, or StaleMax, in milliseconds
	Relation    string        // how Measured should relate to Predicted: "==", "<=" or ">="
	Predicted   float64       // the mean, or the bound
	Least, Most float64       // a measurement from Least to Most agrees; Most is infinite where there is no upper bound
	Measured    float64       //
	D, Alone    time.Duration // D as it was while herds ran, of StaleMax the longest, and the shortest recompute; 0 if the law is not over D, or it is unknown
	Agreement   Agreement
	Text        string // for people: "1 + λ·D = 1 + 250/s × 45.0 ms = 12.3 per expiry: 22 to 53 over 3 expiries; measured 38"

	interval func(alpha float64) (least, most float64)
	law      string // the first part of the text
	over     string // "3 expiries"
	after    string // what is said after the measurement
	aged     bool   // the interval is given how old pages were when they were replaced
}

// Predictions are those of every mode whose strategy has a law, in every phase that had an expiry, a cold page or a recompute, and those of
// staleness in every phase in which prices changed.
func Predictions(f *figure.Figures) []Prediction {
	laws := map[string]result.Strategy{}
	for _, s := range f.Run.Strategies {
		laws[s.Name] = s
	}
	var all []Prediction
	for _, p := range f.Run.Phases {
		for _, m := range f.Run.Modes {
			t := f.Total(m.Name, p.Name)
			s, ok := laws[m.Strategy]
			if !ok && len(laws) > 0 && strings.HasPrefix(m.Path, api.PathLive) {
				s, ok = result.Strategy{Stale: "0"}, true // a page that is made for each request
			}
			if t == nil || !ok || len(t.Faults) > 0 { // the laws are of a world in which nothing fails
				continue
			}
			x := subject{f: f, s: s, m: m, p: p, t: t}
			if m.Strategy != "" && x.recomputed() {
				x.h = sumUp(t.Herds, t.Server.MinMiss, m.Keys.Many())
				all = append(all, x.recomputes())
				if hits, ok := x.hits(); ok {
					all = append(all, hits)
				}
			}
			if stale, ok := x.staleness(); ok {
				all = append(all, stale)
			}
		}
	}
	judge(all)
	return all
}

// recomputed reports whether pages were recomputed, or should have been.
func (x subject) recomputed() bool {
	c := x.t.Counters()
	return c[api.CountExpirations] > 0 || c[api.CountCold] > 0 || c[api.CountRecomputes] > 0
}

// judge compares what was measured with what is predicted, and renders both.
func judge(all []Prediction) {
	var n float64
	for _, p := range all {
		if p.interval != nil {
			n++
		}
	}
	alpha := -math.Expm1(math.Log1p(-Alpha) / max(n, 1))
	for i := range all {
		p := &all[i]
		if p.interval == nil {
			continue
		}
		p.Least, p.Most = p.interval(alpha)
		p.Agreement = Differs
		if p.Least <= p.Measured && p.Measured <= p.Most {
			p.Agreement = Agrees
		}
		p.Text = fmt.Sprintf("%s: %s over %s; measured %s", p.law, p.between(), p.over, p.amount(p.Measured))
		if p.after != "" {
			p.Text += " " + p.after
		}
	}
}

// between renders the interval.
func (p *Prediction) between() string {
	switch {
	case math.IsInf(p.Most, 1):
		return "at least " + p.amount(p.Least)
	case p.amount(p.Least) == p.amount(p.Most):
		return p.amount(p.Least)
	}
	return p.amount(p.Least) + " to " + p.amount(p.Most)
}

func (p *Prediction) amount(x float64) string {
	if p.Figure == HitRatio {
		return unit.Percent(x)
	}
	return unit.Amount(x)
}

// recomputes predicts how often pages were recomputed: the sum of a law for each cause.
func (x subject) recomputes() Prediction {
	measured := x.t.Counters()[api.CountRecomputes]
	out := Prediction{Mode: x.m.Name, Phase: x.p.Name, Figure: Recomputes, Measured: float64(measured), Agreement: Unknown}
	causes, err := x.causes()
	var total sum
	var laws, over []string
	var last string
	var n int64
	for _, c := range causes {
		if err != nil {
			break
		}
		var s sum
		var law string
		s, law, err = x.predict(c, &out)
		total = total.plus(s)
		if law == last { // of another cause
			law = ""
		} else {
			last, law = law, law+" "
		}
		laws, over, n = append(laws, law+"per "+c.one), append(over, c.counted()), n+c.n
	}
	if err != nil {
		out.Text = fmt.Sprintf("no prediction: %v; measured %s over %s", err, unit.Count(measured), unit.Counted(int64(x.t.Rounds()), "round"))
		return out
	}
	if len(laws) == 0 {
		laws, over = []string{"exactly 0, since no page expired or was cold"}, []string{unit.Counted(int64(x.t.Rounds()), "round")}
	}
	out.Relation, out.Predicted = total.relation(), total.mean()
	out.law, out.over = strings.Join(laws, " and "), strings.Join(over, " and ")
	if n > 1 {
		out.after = "(" + unit.Digits(float64(measured)/float64(n)) + " each)"
	}
	if out.D > 0 {
		out.after = strings.TrimSpace(out.after + ". " + x.sayD())
	}
	if out.aged {
		out.after += ", and the numbers are for herds that began when these did"
	}
	out.interval = func(alpha float64) (float64, float64) {
		least, _ := total.least.interval(alpha)
		_, most := total.most.interval(alpha)
		low, high := float64(least), float64(most)
		if total.plain != 0 {
			low, high = math.Ceil(low+total.plain-.5), math.Floor(high+total.plain+.5)
		}
		if total.unbounded {
			high = math.Inf(1)
		}
		return low, high
	}
	return out
}

// predict sums the law up over all of a cause, and renders it.
func (x subject) predict(c cause, out *Prediction) (sum, string, error) {
	law, err := parse(c.law.Recomputes)
	if err != nil {
		return sum{}, "", err
	}
	q, err := law.evaluate(x.variables(x.crowd(x.h.mean())))
	if err != nil {
		return sum{}, "", err
	}
	var parts []quantity
	if law.over("others") && x.p.Kind == "open" && x.h.n > 0 && q.text != "1" {
		for _, part := range x.h.parts {
			of, err := law.evaluate(x.variables(x.crowd(part)))
			if err != nil {
				return sum{}, "", err
			}
			parts = append(parts, of)
			out.aged = out.aged || of.aged
		}
		out.D, out.Alone = x.h.d, x.h.alone
	}
	s, err := c.total(q, parts, x.h)
	text := relationWord(s.relation()) + q.text
	if q.given != "" {
		text += " (" + q.given + ")"
	}
	return s, text, err
}

// relationWord is what is written before a law. One that has a value of its own says so by an equals sign.
func relationWord(relation string) string {
	switch relation {
	case "<=":
		return "at most "
	case ">=":
		return "at least "
	}
	return ""
}

// sayD says where D comes from.
func (x subject) sayD() string {
	if x.h.slowed() {
		return "D was measured while the herd ran; the shortest recompute took " + unit.Latency(x.h.alone.Round(time.Microsecond))
	}
	return "D was measured while the herd ran"
}
