package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// inTime is the share of the requests that came due which must be sent while a phase lasts, for the server to have kept up.
const inTime = 0.95

// saturation says where a server took fewer requests than came due: in each round, of an open load.
func saturation(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if p.Kind != "open" {
			continue
		}
		by := map[string][]result.Driver{}
		var turns []string
		for _, d := range e.Run.Drivers {
			if d.Phase == p.Name && !d.Warmup {
				if len(by[d.Mode]) == 0 {
					turns = append(turns, d.Mode)
				}
				by[d.Mode] = append(by[d.Mode], d)
			}
		}
		for _, turn := range turns {
			if text, ok := overrun(by[turn]); ok {
				modes := []string{turn}
				who := name(turn)
				if p.Mix {
					modes = e.in(p.Name)
					who = list(modes)
				}
				if e.shared(p) {
					who = "what " + who + " share"
				}
				limited := slices.ContainsFunc(e.Run.Limited, func(s string) bool { return strings.HasPrefix(s, turn+", "+p.Name+", ") })
				all = append(all, Finding{Text: fmt.Sprintf("In %s, %s did not keep up: ", name(p.Name), who) + text + blame(limited, by[turn]), Modes: modes,
					Phases: []string{p.Name}, Figures: []string{"rate", "lag_p50", "errors"}})
			}
		}
	}
	return all
}

// overrun renders what came due and what could be sent, if that was less in each round.
func overrun(rounds []result.Driver) (string, bool) {
	var offered, sent int64
	var took time.Duration
	for _, d := range rounds {
		if d.Took <= 0 || d.Offered == 0 || float64(d.InTime) >= inTime*float64(d.Offered) {
			return "", false
		}
		offered, sent, took = offered+d.Offered, sent+d.InTime, took+d.Took
	}
	rate := func(n int64) string { return unit.Digits(float64(n)/took.Seconds()) + "/s" }
	return fmt.Sprintf("%s came due (%s), and %s (%s) could be sent while it lasted; the others waited for a connection.", unit.Counted(offered, "request"),
		rate(offered), unit.Count(sent), rate(sent)), len(rounds) > 0
}

// backlogs says of open loads of one rate where responses took longer and longer: a queue that grew as long as the load lasted. The medians of each second must have grown from
// second to second, and to twice what they were, in each round; that is due to chance, if all orders are as likely, with a probability of leastChance at most.
func backlogs(e *evidence) []Finding {
	var all []Finding
	for _, p := range e.phases {
		if p.Kind != "open" || p.Varies || e.faulty(p.Name) {
			continue
		}
		for _, m := range e.in(p.Name) {
			first, last, ok := e.growth(m, p.Name)
			if !ok {
				continue
			}
			text := fmt.Sprintf("In %s, a queue grew before %s as long as the load lasted (%s): the median response time went from %s in the first second to %s in the last.",
				name(p.Name), name(m), name(p.Load), between(first), between(last))
			figures := []string{"p50", "max"}
			if lag, ok := e.time("lag_p99", m, p.Name); ok && lag >= last[0]/halfOf {
				text += fmt.Sprintf(" One request in a hundred waited over %s for a connection before it was sent.", unit.Latency(lag))
				figures = append(figures, "lag_p99")
			}
			all = append(all, Finding{Text: text, Modes: []string{m}, Phases: []string{p.Name}, Figures: figures})
		}
	}
	return all
}

const leastChance = 0.005

// halfOf is by which part of the median in the last second the send lag must come to be worth a word.
const halfOf = 2

// growth returns the medians of the first and the last second of each round, if they grew from second to second.
func (e *evidence) growth(mode, phase string) (first, last []time.Duration, ok bool) {
	chance := 1.0
	for _, c := range e.Run.Cells {
		if c.Mode != mode || c.Phase != phase {
			continue
		}
		var before time.Duration
		n := 0
		for _, s := range c.Seconds {
			h, err := hist.Decode(s.Response)
			if s.Response == "" || err != nil || s.At >= int(c.Took/time.Second) {
				continue
			}
			median := h.Quantile(0.5)
			if median <= before {
				return nil, nil, false
			}
			if n++; n == 1 {
				first = append(first, median)
			}
			before = median
			chance /= float64(n)
		}
		if n < 2 || before < gap*first[len(first)-1] {
			return nil, nil, false
		}
		last = append(last, before)
	}
	return first, last, chance <= leastChance
}

// blame says whether the generator was the bottleneck itself.
func blame(limited bool, rounds []result.Driver) string {
	if limited {
		return " The generator itself was at its limit, so that this may be its doing."
	}
	var late time.Duration
	for _, d := range rounds {
		late = max(late, d.Release.P99)
	}
	return fmt.Sprintf(" The generator released them in time (p99 %s late at most).", unit.Latency(late))
}

// crowding says of closed loads without think time where more users brought no more requests a second: their number at least doubled, the rate grew by less than half as much (all of its
// interval), and the median response time grew.
func crowding(e *evidence) []Finding {
	var all []Finding
	for i, p := range e.phases {
		before, ok := e.fewer(p, e.phases[:i])
		if !ok {
			continue
		}
		factor := float64(p.Users) / float64(before.Users)
		var parts, modes []string
		for _, m := range e.in(p.Name) {
			of, to := place{m, p.Name}, place{m, before.Name}
			rate, ok := e.ratio("rate", of, to)
			p50, more := e.ratio("p50", of, to)
			if ok && more && rate.High < 1+(factor-1)/2 && sign(p50) > 0 && p50.Low > rate.High {
				was, _ := e.value("rate", m, before.Name)
				is, _ := e.value("rate", m, p.Name)
				parts, modes = append(parts, fmt.Sprintf("%s went from %s/s to %s/s (%s), and its p50 to %s of what it was", name(m), unit.Digits(was), unit.Digits(is),
					unit.TimesWithin(rate.Value, rate.Low, rate.High), unit.TimesWithin(p50.Value, p50.Low, p50.High))), append(modes, m)
			}
		}
		if len(parts) > 0 {
			all = append(all, Finding{Text: fmt.Sprintf("From %d to %d users (%s to %s) more users waited more than they brought: %s.", before.Users, p.Users, name(before.Name), name(p.Name),
				strings.Join(parts, "; ")), Modes: modes, Phases: []string{before.Name, p.Name}, Figures: []string{"rate", "p50"}})
		}
	}
	slices.Reverse(all) // the most users first
	return all
}

// fewer returns the last of the phases before with at most half as many users as p, which is a closed load without think time.
func (e *evidence) fewer(p result.PhaseInfo, before []result.PhaseInfo) (result.PhaseInfo, bool) {
	if p.Kind != "closed" || p.Think > 0 || p.Mix {
		return p, false
	}
	for _, b := range slices.Backward(before) {
		if b.Kind == "closed" && b.Think == 0 && !b.Mix && b.Users > 0 && 2*b.Users <= p.Users {
			return b, true
		}
	}
	return p, false
}
