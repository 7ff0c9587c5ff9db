package law

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
)

// uneven is how much the intervals between changes may vary, as their standard deviation over their mean, to be taken for even.
const uneven = 0.1

// dropped is the law of a page that each change drops, where changes come at even intervals of 1/w and the page outlives one: the share of requests
// that find it. After a change it is missing until somebody asks for it, and for D more; then it is there until the next change.
//
// A recompute during which the page changes is stored only if it reads what has changed after that, late. Nobody knows when a recompute does; if
// none does, the law is the lower bound, and if all do the upper one. (Where it is not stored, whoever came meanwhile recomputes the page at once.)
// The two are the further apart the more often nobody asks until D before the next change, exp(-lambda (1/w - D)).
//
// Both are exact for Poisson arrivals and a constant D of at most half an interval. A recompute that a change meets has r left then, with the density
// c exp(-lambda r) over (0, D); kappa is c for an interval that began without one.
func dropped(lambda, d, w float64, late bool) (float64, error) {
	interval := 1 / w
	if 2*d > interval {
		return 0, refusal("there is no law for a page that changes while it is recomputed, or soon after")
	}
	longest := interval - d // that the page can be there
	q := math.Exp(-lambda * d)
	kappa := lambda * math.Exp(-lambda*longest)
	zeroth := (1 - q) / lambda                            // the integral of exp(-lambda r) over (0, D)
	first := (1 - q*(1+lambda*d)) / (lambda * lambda)     // that of r exp(-lambda r)
	alone := longest + math.Expm1(-lambda*longest)/lambda // how long it is there in an interval that began without a recompute
	if late {
		c := kappa / (1 + kappa*zeroth)
		return w * ((1-c*zeroth)*alone + c*(interval*zeroth-first)), nil
	}
	c := kappa / (1 + kappa*(zeroth-q*d))
	return w * ((1-c*zeroth)*alone + c*(longest*zeroth-first) + c*q/lambda*(math.Exp(-lambda*longest)*d-zeroth)), nil
}

// droppedEarly and droppedLate are its bounds, as laws call them.
func droppedEarly(lambda, d, w float64) (float64, error) { return dropped(lambda, d, w, false) }
func droppedLate(lambda, d, w float64) (float64, error)  { return dropped(lambda, d, w, true) }

// changes returns how often a second the page changed in the phase, or why that is not known; 0 is never, or that the law of hits is not over it.
func (x subject) changes() (float64, error) {
	if law, err := parse(x.s.Hits); err != nil || !law.over("w") {
		return 0, nil //nolint:nilerr // whoever evaluates the law finds that
	}
	writes := func(m result.Mode) bool {
		return m.Method != http.MethodGet && m.Method != http.MethodHead && m.Steps == 0
	}
	if x.p.Mix && slices.ContainsFunc(x.f.Run.Modes, writes) {
		return 0, refusal("another mode of the phase may change the page")
	}
	var gaps []float64
	var n int
	for _, c := range x.f.Run.Cells {
		if c.Mode != x.m.Name || c.Phase != x.p.Name || c.Stale == nil { // which is of a phase that changes no prices
			continue
		}
		at := slices.DeleteFunc(slices.Clone(c.Stale.Changes), func(at time.Duration) bool { return at < 0 || at > c.Took })
		slices.Sort(at)
		n += len(at)
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, (at[i] - at[i-1]).Seconds())
		}
	}
	switch {
	case n == 0:
		return 0, nil
	case !x.readsFirstPage():
		return 0, refusal("the prices that changed are of another page")
	case len(gaps) == 0:
		return 0, refusal("prices changed too seldom")
	}
	mean, deviation := moments(gaps)
	if deviation > uneven*mean {
		return 0, refusal("there is no law for prices that change at uneven intervals")
	}
	if shortest := 2*x.ttl() - x.setting("ttl"); shortest.Seconds() < mean { // by the jitter
		return 0, refusal("there is no law for pages that expire between two changes")
	}
	return 1 / mean, nil
}

// readsFirstPage reports whether the mode always reads the page whose prices change.
func (x subject) readsFirstPage() bool {
	_, query, _ := strings.Cut(x.m.Path, "?")
	values, err := url.ParseQuery(query)
	return err == nil && !x.manyKeys() && (!values.Has("page") || values.Get("page") == "1")
}

func moments(all []float64) (mean, deviation float64) {
	for _, v := range all {
		mean += v / float64(len(all))
	}
	for _, v := range all {
		deviation += (v - mean) * (v - mean) / float64(len(all))
	}
	return mean, math.Sqrt(deviation)
}
