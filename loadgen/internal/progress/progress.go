// Package progress shows a run while it runs: on a terminal a bar for the phase under way with what has been measured of it so far, and
// elsewhere a line for each phase that has ended. It knows nothing of how the figures come about.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"loadlab/loadgen/internal/report"
)

// Phase is what is about to be driven.
type Phase struct {
	Round, Rounds int
	Mode, Name    string // Mode is "mix" for a phase that modes share
	Load          string // for people
	For           time.Duration
	Requests      int // 0 if For ends the phase
}

// Live is what has been measured of a phase so far.
type Live struct {
	Elapsed       time.Duration
	Requests      int64 // ended, however
	Errors        int64
	P50, P95, P99 time.Duration
}

// Rate is the requests that ended a second.
func (l Live) Rate() float64 {
	if l.Elapsed <= 0 {
		return 0
	}
	return float64(l.Requests) / l.Elapsed.Seconds()
}

func (l Live) String() string {
	return fmt.Sprintf("%6.0f/s  p50 %7s  p95 %7s  p99 %7s  %s", l.Rate(), report.Latency(l.P50), report.Latency(l.P95), report.Latency(l.P99), errorCount(l.Errors))
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

// Lines writes a line for each note and each phase that has ended: for logs.
type Lines struct{ W io.Writer }

// Note writes a line of text.
func (l Lines) Note(text string) { fmt.Fprintln(l.W, text) }

// Begin starts a phase; the caller calls end when it has ended.
func (l Lines) Begin(p Phase, _ func() Live) (end func(Live)) {
	return func(live Live) { fmt.Fprintf(l.W, "%s  %s\n", p.title(), live) }
}

// title names a phase in columns that line up from phase to phase.
func (p Phase) title() string {
	return fmt.Sprintf("round %d/%d  %-14s %-10s", p.Round, p.Rounds, p.Mode, p.Name)
}

// Bars draws a bar for the phase under way and leaves a line behind for each that has ended.
type Bars struct {
	W     io.Writer // a terminal
	Width int
}

// refresh is how often a bar is redrawn: often enough to live, seldom enough to cost nothing on the cores that are measured.
const refresh = 250 * time.Millisecond

// Note writes a line of text.
func (b Bars) Note(text string) { fmt.Fprintln(b.W, text) }

// Begin draws a phase until end is called.
func (b Bars) Begin(p Phase, live func() Live) (end func(Live)) {
	container := mpb.New(mpb.WithOutput(b.W), mpb.WithWidth(max(b.Width, 20)), mpb.WithRefreshRate(refresh), mpb.WithAutoRefresh())
	bar := container.New(permille, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding(" "),
		mpb.BarRemoveOnComplete(),
		mpb.BarWidth(barWidth),
		mpb.PrependDecorators(decor.Name(p.title())),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return live().String() })))
	stop := make(chan struct{})
	var ticker sync.WaitGroup
	ticker.Go(func() {
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				bar.SetCurrent(min(p.done(live()), permille-1))
			case <-stop:
				return
			}
		}
	})
	return func(last Live) {
		close(stop)
		ticker.Wait()
		bar.SetCurrent(permille)
		container.Wait()
		fmt.Fprintf(b.W, "%s  %s\n", p.title(), last)
	}
}

const (
	permille = 1000
	barWidth = 12
)

// done is how much of the phase is done, in permille.
func (p Phase) done(l Live) int64 {
	share := 0.0
	if p.For > 0 {
		share = float64(l.Elapsed) / float64(p.For)
	}
	if p.Requests > 0 {
		share = max(share, float64(l.Requests)/float64(p.Requests))
	}
	return int64(share * permille)
}
