// Package progress shows a run while it runs: on a terminal a bar for the phase under way with what has been measured of it so far, and
// elsewhere a line for each phase that has ended. It does not know how the figures are measured.
package progress

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Heading is what is shown of a phase before it is driven.
type Heading struct {
	Round, Rounds int    // of how many; 0 if that is unknown
	Mode, Name    string // Mode is "mix" for a phase that modes share
	Load          string // as text
	For           time.Duration
	Requests      int // 0 if For ends the phase
}

// Figures are what has been measured of a phase so far.
type Figures struct {
	Elapsed       time.Duration
	Requests      int64 // ended, however
	Errors        int64
	P50, P95, P99 time.Duration
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

// permille returns how much of the phase is done.
func (h Heading) permille(f Figures) int64 {
	share := 0.0
	if h.For > 0 {
		share = float64(f.Elapsed) / float64(h.For)
	}
	if h.Requests > 0 {
		share = max(share, float64(f.Requests)/float64(h.Requests))
	}
	return min(int64(share*whole), whole)
}

// whole is all of a phase, in permille.
const whole = 1000

// Lines writes a line for each phase that has ended: for logs.
type Lines struct{ W io.Writer }

// Begin starts a phase; the caller calls end when it has ended.
func (l Lines) Begin(h Heading, _ func() Figures) (end func(Figures)) {
	return func(last Figures) { fmt.Fprintf(l.W, "%s  %s\n", h.title(), last) }
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
func (b Bars) line(h Heading, f Figures, between int) (title, figures string) {
	title, figures = h.title(), f.String()
	if b.Width < wide {
		title, figures = h.short(), f.short()
	}
	room := max(b.Width-1-between, 0) // the last column is the cursor's
	figures = tty.Snip(figures, room)
	return tty.Snip(title, room-tty.Width(figures)), figures
}

// Begin draws a phase until end is called.
func (b Bars) Begin(h Heading, figures func() Figures) (end func(Figures)) {
	container := mpb.New(mpb.WithOutput(b.W), mpb.WithWidth(b.Width), mpb.WithRefreshRate(refresh), mpb.WithAutoRefresh())
	bar := b.bar(container, h, figures)
	stop := make(chan struct{})
	var ticker sync.WaitGroup
	ticker.Go(func() {
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				bar.SetCurrent(min(h.permille(figures()), whole-1)) // a bar that is full has ended
			case <-stop:
				return
			}
		}
	})
	return func(last Figures) {
		close(stop)
		ticker.Wait()
		bar.SetCurrent(whole)
		container.Wait()
		left, right := b.line(h, last, 2)
		fmt.Fprintf(b.W, "%s  %s\n", left, right)
	}
}

// bar adds a bar, or a percentage where there is no room for one, between the phase and its figures.
func (b Bars) bar(container *mpb.Progress, h Heading, figures func() Figures) *mpb.Bar {
	var right string // of the same moment as what is drawn before it
	before := func(decor.Statistics) string {
		now := figures()
		gap, between := " ", barWidth+2
		if b.Width < wide {
			gap = fmt.Sprintf(" %3d%% ", h.permille(now)*100/whole)
			between = len(gap)
		}
		var left string
		left, right = b.line(h, now, between)
		return left + gap
	}
	after := func(decor.Statistics) string {
		if b.Width < wide {
			return right
		}
		return " " + right
	}
	style := mpb.NopStyle()
	if b.Width >= wide {
		style = mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding(" ")
	}
	return container.New(whole, style, mpb.BarRemoveOnComplete(), mpb.BarFillerTrim(), mpb.BarWidth(barWidth),
		mpb.PrependDecorators(decor.Any(before)), mpb.AppendDecorators(decor.Any(after)))
}
