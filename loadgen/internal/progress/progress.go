// Package progress shows a run while it runs: on a terminal a bar for the phase under way with what has been measured of it so far, one for the whole run with the
// time that is left, and the p99 of each mode over time; elsewhere a line for each phase that has ended. It does not know how the figures are measured.
package progress

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/unit"
)

// Heading is what is shown of a phase before it is driven.
type Heading struct {
	Round, Rounds int    // of how many; 0 if that is unknown
	Mode, Name    string // Mode is "mix" for a phase that modes share
	Load          string // as text
	Warmup        bool   // in no figure
	For           time.Duration
	Requests      int // 0 if For ends the phase
	// Ahead are the phases that follow this one until the end of the run; nil if nobody knows how many there are.
	Ahead []Ahead
	Last  bool // no phase follows: Ahead is empty because of that
}

// Ahead is a phase to come.
type Ahead struct {
	Name string
	For  time.Duration // 0 if a number of requests ends it
}

// Figures are what has been measured of a phase so far.
type Figures struct {
	Elapsed       time.Duration
	Requests      int64 // ended, however
	Errors        int64
	P50, P95, P99 time.Duration
	Modes         []Mode // that take part
}

// Mode is what has been measured of one mode.
type Mode struct {
	Name   string
	P99    time.Duration // of the phase so far; 0 if there is none
	Second int           // the last second of the phase that is over, from 0; negative if none is
	Latest time.Duration // p99 of the requests that were due in it, as far as they have ended
	Few    bool          // they are too few for a p99
}

// Rate returns the requests that ended per second.
func (f Figures) Rate() float64 {
	if f.Elapsed <= 0 {
		return 0
	}
	return float64(f.Requests) / f.Elapsed.Seconds()
}

func (f Figures) String() string {
	return fmt.Sprintf("%6.0f/s  p50%s%7s  p95%s%7s  p99%s%7s  %s", f.Rate(), f.mark(0.50), latency(f.P50), f.mark(0.95), latency(f.P95),
		f.mark(0.99), latency(f.P99), errorCount(f.Errors))
}

// latency renders a quantile. None is 0 but that of no samples.
func latency(d time.Duration) string {
	if d == 0 {
		return unit.None
	}
	return unit.Latency(d)
}

// short is String for a narrow terminal.
func (f Figures) short() string {
	brief := func(d time.Duration) string { return strings.ReplaceAll(latency(d), " ", "") }
	return fmt.Sprintf("%5.0f/s p50%s%6s p95%s%6s p99%s%6s %3d err", f.Rate(), f.mark(0.50), brief(f.P50), f.mark(0.95), brief(f.P95),
		f.mark(0.99), brief(f.P99), f.Errors)
}

// mark stands between a quantile's name and its value: a blank, or that there are too few requests for it.
func (f Figures) mark(q float64) string {
	if n := f.Requests - f.Errors; n > 0 && n < hist.Samples(q) {
		return unit.AtLeast
	}
	return " "
}

func errorCount(n int64) string {
	switch n {
	case 0:
		return "no errors"
	case 1:
		return "1 error"
	}
	return fmt.Sprintf("%d errors", n)
}

// title names a phase in columns that line up from phase to phase.
func (h Heading) title() string {
	return fmt.Sprintf("round %s  %-14s %-10s", h.round(), h.Mode, h.Name)
}

// short is title for a narrow terminal.
func (h Heading) short() string {
	return fmt.Sprintf("%s %-12s %-8s", h.round(), h.Mode, h.Name)
}

// round is the round of how many, if that is known.
func (h Heading) round() string {
	if h.Rounds == 0 {
		return strconv.Itoa(h.Round)
	}
	return fmt.Sprintf("%d/%d", h.Round, h.Rounds)
}

// share returns how much of the phase is done, from 0 to 1.
func (h Heading) share(f Figures) float64 {
	share := 0.0
	if h.For > 0 {
		share = float64(f.Elapsed) / float64(h.For)
	}
	if h.Requests > 0 {
		share = max(share, float64(f.Requests)/float64(h.Requests))
	}
	return min(share, 1)
}

// Lines writes a line for each phase that has ended: for logs.
type Lines struct{ W io.Writer }

// Begin starts a phase; the caller calls end when it has ended.
func (l Lines) Begin(h Heading, _ func() Figures) (end func(Figures)) {
	return func(last Figures) { fmt.Fprintf(l.W, "%s  %s\n", h.title(), last) }
}
