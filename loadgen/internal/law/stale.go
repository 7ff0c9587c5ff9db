package law

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"

	"loadlab/app/api"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/unit"
)

// keptLonger is how long after its TTL a page may still be there: Redis counts milliseconds, and the clock of the embedded one goes on in ticks,
// which come late on a busy machine.
const keptLonger = 10 * time.Millisecond

// staleness predicts how stale a read can be at most. It reports false where there is no bound, or no price has changed.
//
// What was measured is never more than what was: it begins when a change was known to be committed, which is after the commit, and ends when the read
// was sent, which is before the page was looked up. So all of it lies between the begin of the page's recompute, which had not seen the change, and
// the end of the page, and the bound needs no allowance for the generator's own clock.
func (x subject) staleness() (Prediction, bool) {
	seen, ok := x.t.Staleness()
	if !ok || x.s.Stale == "" {
		return Prediction{}, false
	}
	out := Prediction{Mode: x.m.Name, Phase: x.p.Name, Figure: StaleMax, Relation: "<=", Measured: figure.Millis(seen.Max), Agreement: Unknown}
	measured := fmt.Sprintf("measured %s over %s", unit.Latency(seen.Max), unit.Counted(seen.Writes, "price change"))
	b, err := x.stalest()
	if err != nil {
		out.Text = fmt.Sprintf("no prediction of staleness: %v; %s", err, measured)
		return out, true
	}
	out.D = b.d
	switch {
	case b.most == 0:
		out.law = "never stale"
	case b.formula == "":
		out.law = "stale for " + unit.Latency(b.most) + " at most"
	default:
		out.law = fmt.Sprintf("stale for %s = %s at most (%s)", b.formula, unit.Latency(b.most), strings.Join(b.given, ", "))
	}
	if b.most > 0 && seen.Stale == 0 { // the bound was not put to the test
		out.Text = fmt.Sprintf("%s; no read was stale over %s", out.law, unit.Counted(seen.Writes, "price change"))
		return out, true
	}
	out.Predicted, out.Most = figure.Millis(b.most), figure.Millis(b.most+b.late)
	out.Text = out.law + "; " + measured
	switch {
	case out.Measured <= out.Most:
		out.Agreement = Agrees
	case b.d > 0 && x.unanswered() > 0:
		out.Text += "; requests failed, and their recomputes may have taken longer"
	default:
		out.Agreement = Differs
	}
	return out, true
}

// unanswered is how many requests were sent and failed: their recomputes may have gone on, and are in no response.
func (x subject) unanswered() int64 { return x.t.Ledger.Errors() - x.t.Ledger.Failed["unsent"] }

// bound is how stale a read can be.
type bound struct {
	most    time.Duration
	late    time.Duration // by which it may be exceeded
	d       time.Duration // 0 if it is not over D
	formula string        // empty of a number
	given   []string
}

// stalest evaluates the law, or returns why it has no value.
func (x subject) stalest() (bound, error) {
	var b bound
	law, err := parse(x.s.Stale)
	if err != nil {
		return b, err
	}
	vars := map[string]variable{}
	for _, name := range law.used {
		v := x.staleVariable(name, &b)
		if vars[name] = v; v.text != "" {
			b.given = append(b.given, v.text)
		}
	}
	program, env, err := law.compile(vars)
	if err != nil {
		return b, err
	}
	out, err := expr.Run(program, env)
	s, ok := number(out)
	if err != nil || !ok || s < 0 || s > maxStale.Seconds() {
		return b, fmt.Errorf("the law %q has no value", x.s.Stale)
	}
	b.most = seconds(s)
	if len(law.used) > 0 {
		b.formula = strings.NewReplacer("lambda", "λ", " * ", "·").Replace(x.s.Stale)
	}
	return b, nil
}

// maxStale is longer than any page is kept.
const maxStale = 1000 * 24 * time.Hour

// staleVariable returns a variable of a law of staleness, and enters what it means for the bound.
func (x subject) staleVariable(name string, b *bound) variable {
	switch name {
	case "D":
		d, whose, err := x.longest()
		if err != nil {
			return variable{unknown: err.Error()}
		}
		b.d = d
		return variable{value: d.Seconds(), text: "D = " + unit.Latency(d) + ", " + whose}
	case "lambda":
		return variable{value: x.lambda(), text: "λ = " + unit.Digits(x.lambda()) + "/s"}
	case "T":
		b.late = keptLonger
		v := x.knob("ttl")
		v.text = strings.Replace(v.text, "ttl", "T", 1)
		return v
	}
	return x.knob(name)
}

// knob returns a setting of the app, the greatest that any phase had: a page may be of another phase.
func (x subject) knob(name string) variable {
	v := variable{unknown: "the app did not tell its " + name}
	settings := []string{x.f.Run.Stack.Config[name]}
	for _, p := range x.f.Run.Phases {
		settings = append(settings, p.App[name])
	}
	greatest := -1.0
	for _, text := range settings {
		value, err := strconv.ParseFloat(text, 64)
		if d, e := time.ParseDuration(text); e == nil {
			value, err = d.Seconds(), nil
		}
		if err == nil && value > greatest {
			greatest, v = value, variable{value: value, text: name + " = " + text}
		}
	}
	return v
}

// longest is a time that no recompute of the mode took longer than, if none of its requests failed: a bound takes the longest one, and not the mean that other laws call D. That is
// the slowest response, of any mode if some of the recomputes are in none, as a refresh in the background is.
func (x subject) longest() (d time.Duration, whose string, err error) {
	var answered int64
	for _, h := range x.t.Herds {
		answered += h.Size
	}
	d, whose = x.t.Service.Max(), "the slowest response"
	if c := x.t.Counters(); c == nil || c[api.CountRecomputes] > answered {
		whose = "the slowest response of all modes"
		for _, m := range x.f.Run.Modes {
			if t := x.f.Total(m.Name, x.p.Name); t != nil {
				d = max(d, t.Service.Max())
			}
		}
	}
	if d <= 0 {
		return 0, "", errors.New("no response tells how long a recompute takes")
	}
	return d, whose, nil
}
