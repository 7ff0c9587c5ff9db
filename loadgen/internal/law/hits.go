package law

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"loadlab/app/api"

	"loadlab/loadgen/internal/unit"
)

// shortest is how many times the life of a page a phase must last for its hits to be predicted. In a shorter one it depends on how old the
// page was at its begin.
const shortest = 3

// hits predicts the share of requests that the cache answers. It reports false where the strategy has no law for it, or the phase is too
// short for one.
func (x subject) hits() (Prediction, bool) {
	out := Prediction{Mode: x.m.Name, Phase: x.p.Name, Figure: HitRatio, Relation: "==", Agreement: Unknown}
	all := x.decisions()
	if x.s.Hits == "" || all == 0 || x.p.Kind != "open" || x.lived() > 0 && x.length() < shortest*x.lived() {
		return out, false
	}
	found := x.t.Server.Cache[api.CacheHit.String()] + x.t.Server.Cache[api.CacheStale.String()]
	out.Measured = float64(found) / float64(all)
	r, err := x.ratio()
	if err == nil {
		err = r.sum()
	}
	if err != nil {
		out.Text = fmt.Sprintf("no prediction of the hit ratio: %v; measured %s", err, unit.Percent(out.Measured))
		return out, true
	}
	switch {
	case r.room > 0:
		r.given += "; RANDOM would have " + unit.Percent(r.least)
	case unit.Percent(r.least) != unit.Percent(r.mean):
		r.given += "; " + unit.Percent(r.least) + " if no recompute reads a change that it meets"
	}
	out.Predicted = r.mean
	out.law = fmt.Sprintf("hit ratio %s = %s (%s)", r.formula(), unit.Percent(r.mean), r.given)
	out.over = unit.Counted(int64(x.t.Rounds()), "round")
	out.after = fmt.Sprintf("of all %s of the phase", unit.Counted(all, "request"))
	if r.room > 0 {
		out.after += fmt.Sprintf(". With the %s most popular pages never evicted it would be %s", unit.Amount(r.room), unit.Percent(ceiling(r.classes, r.room)))
	}
	edge := r.edge*float64(x.t.Rounds()) + float64(x.coldKeys())
	out.interval = func(alpha float64) (float64, float64) {
		// How old the page was when the phase began decides whether there is a cycle more in it or less.
		wide := (math.Sqrt2*math.Erfinv(1-alpha)*r.deviation + edge) / float64(all)
		n := float64(all) // hits are whole
		return math.Floor(max(r.least-wide, 0)*n) / n, math.Ceil(min(r.mean+wide, 1)*n) / n
	}
	return out, true
}

// formula is what the ratio is by: the law as it is read aloud, or how it is summed up where pages are evicted.
func (r *ratio) formula() string {
	if r.room > 0 {
		return "by Che's approximation of LRU"
	}
	return strings.NewReplacer("lambda", "λ", " * ", "·").Replace(r.source)
}

// decisions is how many responses said what the cache had for them.
func (x subject) decisions() int64 {
	var all int64
	for name, n := range x.t.Server.Cache {
		if name != api.CacheNone.String() && name != api.CacheBypass.String() {
			all += n
		}
	}
	return all
}

// coldKeys is how many misses were of the first filling; of one key alone it is in the edge.
func (x subject) coldKeys() int64 {
	if !x.manyKeys() {
		return 0
	}
	return x.t.Counters()[api.CountCold]
}

// ratio is a law of hits, evaluated for each class of keys.
type ratio struct {
	source   string
	program  *vm.Program
	env      map[string]any
	classes  []class
	lambda   float64 // of all keys
	ttl, d   float64
	grace    float64
	w        float64    // changes of the page a second, each of which drops it; 0 is none
	renewed  bool       // pages are refreshed while they are cached: a page that is asked for ends by eviction alone
	length   float64    // of all rounds, seconds
	room     float64    // how many pages there is room for; 0 is all
	lives    [2]float64 // tau under LRU and under RANDOM; infinite where nothing is evicted
	given    string
	mean     float64
	least    float64 // the mean under RANDOM eviction; Redis' sampled LRU is between that and LRU. With changes, the lower bound of dropped
	variance float64 // of the requests that are no hits

	deviation float64
	edge      float64 // requests that are no hits in one cycle, of one key alone
}

// ratio prepares the law, or returns why it says nothing.
func (x subject) ratio() (*ratio, error) {
	lambda, ttl := x.lambda(), x.ttl().Seconds()
	classes, room, err := x.cached()
	switch {
	case err != nil:
		return nil, err
	case ttl <= 0:
		return nil, refusal("the app did not tell its ttl")
	case x.p.Varies || lambda <= 0:
		return nil, refusal("there is no exact law for a rate that changes")
	case len(classes) == 1 && classes[0].n == 1 && x.p.Arrivals == "constant":
		return nil, refusal("there is no law for requests that come evenly")
	case slices.Contains(x.p.During, "flush") || slices.Contains(x.p.During, "expire"):
		return nil, refusal("pages ended before their TTL, by an action of the phase")
	case len(x.t.Faults) > 0:
		return nil, refusal("there were faults")
	}
	r := &ratio{source: x.s.Hits, classes: classes, lambda: lambda, ttl: ttl, room: room, d: x.h.d.Seconds(), length: x.t.Took.Seconds()}
	for i := range r.lives {
		r.lives[i] = x.evictedAfter(classes, room, i == 1)
	}
	r.given = fmt.Sprintf("λ = %s/s, T = %s", unit.Digits(lambda), unit.Length(x.ttl()))
	if room > 0 {
		r.given += fmt.Sprintf(", room for %s of %s pages, evicted after about %s without a request", unit.Amount(room), unit.Count(int64(x.m.Keys.Of)),
			unit.Length(seconds(min(r.lives[0], ttl)).Round(10*time.Millisecond)))
	}
	law, err := parse(x.s.Hits)
	if err != nil {
		return nil, err
	}
	if r.w, err = x.changes(); err != nil {
		return nil, err
	}
	if r.w > 0 {
		r.given += fmt.Sprintf(", w = %s/s", unit.Digits(r.w))
	}
	vars := map[string]variable{"w": {value: r.w}, "lambda": {value: 1.0}, "T": {value: 1.0}, "D": {value: r.d}, "spread": {value: x.h.spread.Seconds()}}
	if x.h.n == 0 {
		vars["D"] = variable{unknown: "no response tells how long a recompute takes"}
		vars["spread"] = vars["D"]
	} else if law.over("D") {
		r.given += ", D = " + unit.Latency(x.h.d)
		if law.over("spread") && !x.manyKeys() {
			r.given += ", spread = " + unit.Latency(x.h.spread)
		}
	}
	if grace := x.config("grace"); grace != "" {
		r.grace = x.setting("grace").Seconds()
		vars["grace"] = variable{value: r.grace, text: grace}
		r.renewed = law.over("grace")
	}
	r.program, r.env, err = law.compile(vars)
	return r, err
}

// of is the law for a key that is asked for lambda times a second and stays for that long, where it is evicted after tau. One that is renewed is
// there until nobody asks for it for tau, as if that were its time of grace; under RANDOM it is there for tau whatever happens.
func (r *ratio) of(lambda, stays, tau float64, random bool) (float64, error) {
	r.env["lambda"], r.env["T"], r.env["dropped"] = lambda, stays, droppedLate
	if random {
		r.env["dropped"] = droppedEarly
	}
	if r.renewed {
		r.env["grace"] = r.grace
		switch {
		case tau >= r.ttl+r.grace: // its time is over before
		case random:
			r.env["T"], r.env["grace"] = tau, 0.0
		default:
			r.env["T"], r.env["grace"] = 0.0, tau
		}
	}
	out, err := expr.Run(r.program, r.env)
	h, ok := number(out)
	var refused refusal
	if errors.As(err, &refused) {
		return 0, refused
	}
	if err != nil || !ok || h < 0 || h > 1 {
		return 0, fmt.Errorf("the law %q has no value", r.source)
	}
	return h, nil
}

// sum sums the law up over the keys. Requests that are no hits come in cycles of a page's life: their number varies with the time until
// the next request for an expired page, and by as many as come while it is recomputed.
func (r *ratio) sum() error {
	for _, k := range r.classes {
		lambda := r.lambda * k.share
		for i, tau := range r.lives {
			stays := life(lambda, tau, r.ttl, i == 1)
			h, err := r.of(lambda, stays, tau, i == 1)
			if err != nil {
				return err
			}
			if i == 1 {
				r.least += k.n * k.share * h
				continue
			}
			r.mean += k.n * k.share * h
			cycle := 1/lambda + r.d + stays
			cycles := r.length / cycle
			missed := (1 - h) * lambda * cycle // in one
			varies := (1/lambda/lambda + r.d*r.d) / (cycle * cycle)
			if stays < r.ttl {
				varies = 1
			}
			if r.w > 0 { // so that there is no cycle more or less; the first request of each is in it, unless nobody comes
				cycles, missed, varies = r.length*r.w, (1-h)*lambda/r.w, math.Exp(-lambda*(1/r.w-r.d))
			}
			r.variance += k.n * cycles * (max(missed-1, 0) + missed*missed*varies)
			r.edge = missed
		}
	}
	if len(r.classes) > 1 || r.classes[0].n > 1 {
		r.edge = 0
	}
	r.deviation = math.Sqrt(r.variance)
	return nil
}
