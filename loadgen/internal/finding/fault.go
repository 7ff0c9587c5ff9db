package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// faults says what each fault cost: those that failed requests, the worst first, and those that failed none in one finding.
func faults(e *evidence) []Finding {
	type found struct {
		Finding
		failed int64
	}
	var some []found
	var none []suffering
	for _, b := range e.Faults() {
		s := e.suffer(b)
		if len(s.failed) == 0 {
			none = append(none, s)
			continue
		}
		some = append(some, found{s.finding(), s.errors})
	}
	slices.SortStableFunc(some, func(a, b found) int { return int(b.failed - a.failed) })
	var all []Finding
	for _, x := range some {
		all = append(all, x.Finding)
	}
	if len(none) > 0 {
		all = append(all, unharmed(none))
	}
	return all
}

// suffering is a fault, by what it did to the modes.
type suffering struct {
	figure.Befallen
	sums         map[string]figure.Suffered
	clean        []string // no request failed
	failed       []string // the most first
	errors       int64
	paid, paying []string      // requests failed or were slow for a time, and as long as it lasted
	longest      time.Duration // of paid
	back, gone   []string      // requests were as before within a time, and not while anybody looked
	recovered    time.Duration // of back
}

func (e *evidence) suffer(b figure.Befallen) suffering {
	s := suffering{Befallen: b, sums: map[string]figure.Suffered{}}
	for _, m := range b.Modes {
		if e.mode(m).Steps > 0 {
			continue
		}
		sum := b.Sum(m)
		s.sums[m] = sum
		s.errors += sum.Errors
		if sum.Errors > 0 {
			s.failed = append(s.failed, m)
		} else {
			s.clean = append(s.clean, m)
		}
		switch {
		case sum.Degrade == nil:
			s.paying = append(s.paying, m)
		case *sum.Degrade > 0:
			s.paid, s.longest = append(s.paid, m), max(s.longest, *sum.Degrade)
		}
		if sum.Recover == nil {
			s.gone = append(s.gone, m)
		} else {
			s.back, s.recovered = append(s.back, m), max(s.recovered, *sum.Recover)
		}
	}
	lost := func(m string) float64 { return float64(s.sums[m].Errors) / float64(s.sums[m].Requests) }
	slices.SortStableFunc(s.failed, func(a, b string) int { return cmp.Compare(lost(b), lost(a)) })
	return s
}

// title names a fault: "redis kill (redis-kill)". The phase tells when it was, unless it has several.
func (s suffering) title() string {
	text := s.Text
	if s.Alone {
		text, _, _ = strings.Cut(text, " from ")
	}
	return fmt.Sprintf("%s (%s)", name(text), name(s.Phase))
}

func (s suffering) finding() Finding {
	text := "During " + s.title() + ", "
	if len(s.clean) > 0 {
		text += list(s.clean) + " failed no request" + s.stalest() + "; "
	}
	text += s.losses() + ". " + s.cost() + s.recovery()
	return s.finish(text, slices.Concat(s.failed, s.clean), []string{s.Phase})
}

// stalest says what those that failed no request paid for that: how old a version they served while the fault lasted.
func (s suffering) stalest() string {
	var oldest time.Duration
	for _, m := range s.clean {
		oldest = max(oldest, s.sums[m].Stalest)
	}
	if oldest == 0 {
		return ""
	}
	return fmt.Sprintf(" and served versions that had been old for %s at most", unit.Latency(oldest))
}

// losses says how many requests failed: all of them apart, and the others by what share they were.
func (s suffering) losses() string {
	var all, some []string
	var shares []float64
	for _, m := range s.failed {
		if sum := s.sums[m]; sum.Errors == sum.Requests {
			all = append(all, m)
		} else {
			some, shares = append(some, m), append(shares, float64(sum.Errors)/float64(sum.Requests))
		}
	}
	var parts []string
	if len(all) > 0 {
		parts = append(parts, list(all)+" failed all")
	}
	for _, g := range byGap(some, shares) {
		var errors, of []float64
		for _, m := range g.names {
			errors, of = append(errors, float64(s.sums[m].Errors)), append(of, float64(s.sums[m].Requests))
		}
		parts = append(parts, fmt.Sprintf("%s failed %s of %s", list(g.names), amounts(errors), amounts(of)))
	}
	return sentence(parts)
}

// cost says how long requests failed or were slow while the fault went on.
func (s suffering) cost() string {
	switch {
	case len(s.paying) == len(s.sums):
		return "Requests failed or were slow as long as it lasted. "
	case len(s.paying) == 0 && len(s.paid) == 0:
		return ""
	case len(s.paying) == 0:
		return fmt.Sprintf("Requests failed or were slow for %s at most. ", unit.Latency(s.longest))
	case len(s.paid) == 0:
		return fmt.Sprintf("Requests of %s failed or were slow as long as it lasted. ", list(s.paying))
	}
	return fmt.Sprintf("Requests of %s failed or were slow as long as it lasted, those of %s for %s at most. ", list(s.paying), list(s.paid), unit.Latency(s.longest))
}

// recovery says how long after the end of the fault requests were as before.
func (s suffering) recovery() string {
	switch {
	case len(s.back) == 0:
		return fmt.Sprintf("Requests were not as before when the phase ended, %s after its end.", unit.Latency(s.watched(s.gone)))
	case len(s.gone) == 0 && s.recovered == 0:
		return "Requests were as before as soon as it ended."
	case len(s.gone) == 0:
		return fmt.Sprintf("Requests were as before within %s of its end.", unit.Latency(s.recovered))
	}
	return fmt.Sprintf("Within %s of its end requests were as before; those of %s were not when the phase ended, %s after it.", unit.Latency(s.recovered), list(s.gone),
		unit.Latency(s.watched(s.gone)))
}

// watched is how long requests were watched after the end of the fault, at least.
func (s suffering) watched(modes []string) time.Duration {
	least := time.Duration(-1)
	for _, m := range modes {
		for _, x := range s.Of[m] {
			if least < 0 || x.Impact.Watched < least {
				least = x.Impact.Watched
			}
		}
	}
	return max(least, 0)
}

func (s suffering) finish(text string, modes, phases []string) Finding {
	return Finding{Text: tidy(text), Modes: modes, Phases: phases, Figures: []string{"errors", "degrade", "recover"}}
}

// unharmed says of all faults that failed no request what they cost all the same.
func unharmed(all []suffering) Finding {
	var titles, phases, modes []string
	var slowest result.Summary
	var who string
	for _, s := range all {
		titles, phases = append(titles, s.title()), append(phases, s.Phase)
		for _, m := range s.clean {
			if !slices.Contains(modes, m) {
				modes = append(modes, m)
			}
			if in := s.sums[m].Inside; in.Max > slowest.Max {
				slowest, who = in, fmt.Sprintf("%s, %s", name(m), name(s.Phase))
			}
		}
	}
	text := "No request failed during " + sentence(titles) + ". "
	if slowest.Max > 0 {
		text += fmt.Sprintf("The slowest then took %s (%s). ", unit.Latency(slowest.Max), who)
	}
	if len(all) == 1 {
		return all[0].finish(text+all[0].cost()+all[0].recovery(), modes, phases)
	}
	var after []string
	var watched []time.Duration
	for _, s := range all {
		if len(s.gone) > 0 {
			after, watched = append(after, fmt.Sprintf("those of %s after %s", list(s.gone), name(s.Phase))), append(watched, s.watched(s.gone))
		}
	}
	if len(after) > 0 {
		text += fmt.Sprintf("When its phase ended, %s after a fault, these were not as before: %s.", between(watched), strings.Join(after, "; "))
	}
	return all[0].finish(text, modes, phases)
}
