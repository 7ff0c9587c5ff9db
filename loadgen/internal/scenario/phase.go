package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"
)

// Phase is one stretch of load. It has exactly one of these shapes:
//
//	rate: 200/s, for: 6s                  open: requests are due at a rate, whatever the server does
//	rate: 50/s..500/s, for: 6s            open, a ramp
//	steps: [{rate: 100/s, for: 2s}, ...]  open, piece by piece: steps and spikes
//	users: 50, think: 1s..2s, for: 10s    closed: each user waits for its response, thinks, and sends the next request
//	users: 50, requests: 500              closed, until so many requests were made
//	requests: 20                          closed, one user
//	burst: 50                             all at once; users: 50, requests: 50 without think is the same
type Phase struct {
	Name   string
	Kind   Kind
	Warmup bool // not in any figure
	Line   int  // in the file

	// Open.
	Arrivals Arrivals
	Steps    []Step // at least one

	// Closed and burst.
	Users    int
	Think    Think
	Requests int           // how many in all; 0 for no limit. A burst has as many as users
	For      time.Duration // of a closed phase, 0 if only Requests end it. Length returns that of any phase

	Mix    []Share // the modes that share the phase; empty if every mode runs it by itself
	Before []Action
	During []Every
	Faults []Fault
	World  World // the scenario's, as far as the phase has no other
	// App is what the phase sets of the app, while it lasts; all of it can be changed while the app runs. For the rest the scenario's settings hold.
	App api.Config

	Connections int           // the most that may be open: of a closed phase and a burst, one for each user
	Timeout     time.Duration // at most hist.Highest
	Trace       Trace
	AbortWhen   *Abort // what ends the phase before its time; nil if nothing does
}

// Kind is the shape of a phase's load.
type Kind string

// Kinds of phases, as run.json spells them.
const (
	Open   Kind = "open"
	Closed Kind = "closed"
	Burst  Kind = "burst"
)

// Arrivals is how the requests of an open phase are spread.
type Arrivals string

// Kinds of arrivals.
const (
	Poisson  Arrivals = "poisson"  // independent of each other, as those of many users are
	Constant Arrivals = "constant" // evenly
)

// Step is a piece of an open load. The rate changes linearly from From to To; they are equal if it does not.
type Step struct {
	From, To float64 // requests a second
	For      time.Duration
}

// Think is how long a user waits between a response and its next request, drawn evenly between Min and Max.
type Think struct{ Min, Max time.Duration }

// Mean of the think time.
func (t Think) Mean() time.Duration { return t.Min + (t.Max-t.Min)/2 }

// Share is a mode's weight in a mixed phase.
type Share struct {
	Mode   string
	Weight int
}

// Action is done before a phase's load starts.
type Action struct {
	Do  string        // the name of a world.Action
	For time.Duration // of an action that takes a time
}

// Every is done again and again while a phase's load runs, first when one period has passed.
type Every struct {
	Do     string // the name of a world.Action
	Period time.Duration
}

// Trace is which requests of a phase are traced; the zero value leaves it to the run.
type Trace struct {
	Said      bool    // the file has the key
	All       bool    // every request
	PerSecond float64 // so many a second; 0 for none
}

// Length is how long a phase's load lasts, or 0 if that depends on the responses.
func (p Phase) Length() time.Duration {
	d := p.For
	for _, s := range p.Steps {
		d += s.For
	}
	return d
}

// Rate is an open phase's mean rate a second, 0 for the others.
func (p Phase) Rate() float64 {
	var n float64
	for _, s := range p.Steps {
		n += (s.From + s.To) / 2 * s.For.Seconds()
	}
	if n == 0 {
		return 0
	}
	return n / p.Length().Seconds()
}

// Varies reports whether an open phase's rate changes while it runs.
func (p Phase) Varies() bool {
	for _, s := range p.Steps {
		if s.From != p.Steps[0].From || s.To != p.Steps[0].From {
			return true
		}
	}
	return false
}

// guess is what a request is taken to last where nothing is known.
const guess = 50 * time.Millisecond

// Estimate is about how long a phase takes, what is done before it included. Requests that end a phase count 50 ms each.
func (p Phase) Estimate() time.Duration { return duration(p.estimate()) }

// estimate is in nanoseconds.
func (p Phase) estimate() float64 {
	ns := float64(p.Length())
	if p.Requests > 0 {
		each := (p.Requests + p.Users - 1) / p.Users
		if t := float64(each)*float64(guess) + float64(each-1)*float64(p.Think.Mean()); ns == 0 || t < ns {
			ns = t
		}
	}
	for _, a := range p.Before {
		ns += float64(a.For)
	}
	return ns
}

// Describe renders the load for people: "200/s poisson for 6s", "50 users, think 1s to 2s, for 10s", "burst of 50".
func (p Phase) Describe() string {
	var parts []string
	switch p.Kind {
	case Open:
		for _, s := range p.Steps {
			parts = append(parts, s.describe(p.Arrivals))
		}
	case Burst:
		parts = []string{fmt.Sprintf("burst of %d", p.Users)}
	default:
		if p.Users > 1 || p.Requests == 0 {
			parts = append(parts, counted(p.Users, "user"))
		}
		if p.Requests > 0 {
			parts = append(parts, counted(p.Requests, "request"))
		}
		if p.Think.Max > 0 {
			parts = append(parts, "think "+p.Think.describe())
		}
		if p.For > 0 {
			parts = append(parts, "for "+length(p.For))
		}
	}
	if len(p.Mix) == 1 {
		parts = append(parts, p.Mix[0].Mode+" alone")
	}
	if len(p.Mix) > 1 {
		var names, weights []string
		for _, s := range p.Mix {
			names, weights = append(names, s.Mode), append(weights, strconv.Itoa(s.Weight))
		}
		parts = append(parts, strings.Join(names, ":")+" "+strings.Join(weights, ":"))
	}
	if n := p.World.Replicas; n > 1 {
		parts = append(parts, counted(n, "replica")+" "+strings.ReplaceAll(string(p.World.Balancing), "_", " "))
	}
	return strings.Join(parts, ", ")
}

func (s Step) describe(a Arrivals) string {
	if s.From == s.To {
		return fmt.Sprintf("%s %s for %s", rate(s.From), a, length(s.For))
	}
	return fmt.Sprintf("%s to %s %s for %s", rate(s.From), rate(s.To), a, length(s.For))
}

func (t Think) describe() string {
	if t.Min == t.Max {
		return length(t.Min)
	}
	return length(t.Min) + " to " + length(t.Max)
}

// rate renders a rate as a file would have it: by the minute where that is the rounder number.
func rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 1 {
		return strconv.FormatFloat(perSecond*60, 'g', 6, 64) + "/m"
	}
	return strconv.FormatFloat(perSecond, 'f', -1, 64) + "/s"
}

// length renders 1m0s as 1m.
func length(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
