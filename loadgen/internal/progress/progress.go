// Package progress shows a run while it runs: on a terminal a bar for the phase under way with what has been measured of it so far, and
// elsewhere a line for each phase that has ended. It does not know how the figures are measured.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Phase is what is about to be driven.
type Phase struct {
	Round, Rounds int
	Mode, Name    string // Mode is "mix" for a phase that modes share
	Load          string // as text
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
	return fmt.Sprintf("%6.0f/s  p50 %7s  p95 %7s  p99 %7s  %s", l.Rate(), unit.Latency(l.P50), unit.Latency(l.P95), unit.Latency(l.P99),
		errorCount(l.Errors))
}

// short is String for a narrow terminal.
func (l Live) short() string {
	brief := func(d time.Duration) string { return strings.ReplaceAll(unit.Latency(d), " ", "") }
	return fmt.Sprintf("%5.0f/s p50 %6s p95 %6s p99 %6s %3d err", l.Rate(), brief(l.P50), brief(l.P95), brief(l.P99), l.Errors)
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
func (p Phase) title() string {
	return fmt.Sprintf("round %d/%d  %-14s %-10s", p.Round, p.Rounds, p.Mode, p.Name)
}

// short is title for a narrow terminal.
func (p Phase) short() string {
	return fmt.Sprintf("%d/%d %-12s %-8s", p.Round, p.Rounds, p.Mode, p.Name)
}

// permille is how much of the phase is done.
func (p Phase) permille(l Live) int64 {
	share := 0.0
	if p.For > 0 {
		share = float64(l.Elapsed) / float64(p.For)
	}
	if p.Requests > 0 {
		share = max(share, float64(l.Requests)/float64(p.Requests))
	}
	return min(int64(share*whole), whole)
}

// whole is all of a phase, in permille.
const whole = 1000

// Lines writes a line for each phase that has ended: for logs.
type Lines struct{ W io.Writer }

// Begin starts a phase; the caller calls end when it has ended.
func (l Lines) Begin(p Phase, _ func() Live) (end func(Live)) {
	return func(live Live) { fmt.Fprintf(l.W, "%s  %s\n", p.title(), live) }
}

// Bars draws a bar for the phase under way and leaves a line behind for each that has ended.
type Bars struct {
	W     io.Writer // a terminal
	Width int       // its columns; what is drawn takes fewer, so that it never wraps
}

const (
	// refresh is how often a bar is redrawn: often enough to show that the run goes on, seldom enough to cost nothing on the cores that
	// are measured.
	refresh = 250 * time.Millisecond
	// wide is the least width for a bar with everything spelled out. Below it, a percentage stands for the bar.
	wide     = 114
	barWidth = 12
)

// line lays a phase and its figures out, with so many columns between them. What is too long for the terminal is cut: the names first.
func (b Bars) line(p Phase, l Live, between int) (title, figures string) {
	title, figures = p.title(), l.String()
	if b.Width < wide {
		title, figures = p.short(), l.short()
	}
	room := max(b.Width-1-between, 0) // the last column is the cursor's
	figures = tty.Snip(figures, room)
	return tty.Snip(title, room-tty.Width(figures)), figures
}

// Begin draws a phase until end is called.
func (b Bars) Begin(p Phase, live func() Live) (end func(Live)) {
	container := mpb.New(mpb.WithOutput(b.W), mpb.WithWidth(b.Width), mpb.WithRefreshRate(refresh), mpb.WithAutoRefresh())
	bar := b.bar(container, p, live)
	stop := make(chan struct{})
	var ticker sync.WaitGroup
	ticker.Go(func() {
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				bar.SetCurrent(min(p.permille(live()), whole-1)) // a bar that is full has ended
			case <-stop:
				return
			}
		}
	})
	return func(last Live) {
		close(stop)
		ticker.Wait()
		bar.SetCurrent(whole)
		container.Wait()
		title, figures := b.line(p, last, 2)
		fmt.Fprintf(b.W, "%s  %s\n", title, figures)
	}
}

// bar adds a bar, or a percentage where there is no room for one, between the phase and its figures.
func (b Bars) bar(container *mpb.Progress, p Phase, live func() Live) *mpb.Bar {
	var figures string // of the same moment as what is drawn before them
	before := func(decor.Statistics) string {
		now := live()
		gap, between := " ", barWidth+2
		if b.Width < wide {
			gap = fmt.Sprintf(" %3d%% ", p.permille(now)*100/whole)
			between = len(gap)
		}
		var title string
		title, figures = b.line(p, now, between)
		return title + gap
	}
	after := func(decor.Statistics) string {
		if b.Width < wide {
			return figures
		}
		return " " + figures
	}
	style := mpb.NopStyle()
	if b.Width >= wide {
		style = mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding(" ")
	}
	return container.New(whole, style, mpb.BarRemoveOnComplete(), mpb.BarFillerTrim(), mpb.BarWidth(barWidth),
		mpb.PrependDecorators(decor.Any(before)), mpb.AppendDecorators(decor.Any(after)))
}
