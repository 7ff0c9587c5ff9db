package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// Bars draws the phase under way, the whole run and the modes on a terminal, and leaves a line behind for each phase that has ended. Nothing of the terminal is changed
// that a program which is killed would have to put back: no raw mode, no other screen, no hidden cursor. What is drawn is lines, which the next drawing goes up over.
type Bars struct {
	W      io.Writer                  // a terminal
	Size   func() (columns, rows int) // of it, which may change; what is drawn takes less, so that it never wraps or scrolls
	Colors bool                       // it takes colours

	run   clock
	modes sparks
	drawn []int // widths of the lines that are drawn
}

const (
	// refresh is how often it is redrawn: often enough to show that the run goes on, seldom enough to cost nothing on the cores that are measured.
	refresh = 250 * time.Millisecond
	// wide is the least width for a bar with everything spelled out. Below it, a percentage stands for the bar.
	wide     = 114
	barWidth = 12
	// around are the rows of a terminal that the modes are not drawn on: the phase, the run, the cursor and the last of what is left behind.
	around = 4
)

// Begin draws a phase until end is called.
func (b *Bars) Begin(h Heading, figures func() Figures) (end func(Figures)) {
	b.run.begin()
	stop := make(chan struct{})
	var ticker sync.WaitGroup
	ticker.Go(func() {
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f := figures()
				b.modes.add(h, f.Modes)
				b.draw(b.picture(h, f))
			case <-stop:
				return
			}
		}
	})
	return func(last Figures) {
		close(stop)
		ticker.Wait()
		b.modes.add(h, last.Modes)
		b.modes.end(h, last)
		b.run.end(h, last.Elapsed)
		columns, _ := b.Size()
		left, right := phaseLine(h, last, columns, 2)
		b.draw([]string{left + "  " + right})
		b.drawn = nil // it stays
	}
}

// picture is what is drawn while a phase runs.
func (b *Bars) picture(h Heading, f Figures) []string {
	columns, rows := b.Size()
	lines := []string{b.phase(h, f, columns), b.whole(h, f, columns)}
	return append(lines, b.modes.lines(columns-1, rows-around, b.Colors)...)
}

// draw replaces what is drawn. Lines that were drawn for a terminal that was wider may take several rows of it now.
func (b *Bars) draw(lines []string) {
	columns, _ := b.Size()
	var out strings.Builder
	up := 0
	for _, w := range b.drawn {
		up += max(1, (w+columns-1)/max(columns, 1))
	}
	out.WriteString("\r")
	if up > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", up)
	}
	out.WriteString("\x1b[J")
	b.drawn = nil
	for _, line := range lines {
		out.WriteString(line + "\n")
		b.drawn = append(b.drawn, tty.Width(tty.Strip(line)))
	}
	_, _ = io.WriteString(b.W, out.String()) // a terminal that is gone is no reason to stop
}

// phaseLine lays a phase and its figures out, with so many columns between them. What is too long for the terminal is cut: the names first.
func phaseLine(h Heading, f Figures, columns, between int) (title, figures string) {
	title, figures = h.title(), f.String()
	if columns < wide {
		title, figures = h.short(), f.short()
	}
	room := max(columns-1-between, 0) // the last column is the cursor's
	figures = tty.Snip(figures, room)
	return tty.Snip(title, room-tty.Width(figures)), figures
}

// phase is the line of the phase under way, with a bar, or a percentage where there is no room for one.
func (b *Bars) phase(h Heading, f Figures, columns int) string {
	if columns < wide {
		middle := fmt.Sprintf(" %3d%% ", int(100*h.share(f)))
		left, right := phaseLine(h, f, columns, len(middle))
		return left + middle + right
	}
	left, right := phaseLine(h, f, columns, barWidth+2)
	return left + " " + b.bar(h.share(f), barWidth) + " " + right
}

// whole is the line of the whole run.
func (b *Bars) whole(h Heading, f Figures, columns int) string {
	share, left, known := b.run.at(h, f)
	if !known {
		return tty.Snip("run  "+unit.Length(b.run.elapsed())+" so far", columns-1)
	}
	text := fmt.Sprintf(" %3d%%  %s", int(100*share), about(left))
	width := min(max(columns-1-len("run  ")-tty.Width(text), 0), 48)
	return tty.Snip("run  ", columns-1) + b.bar(share, width) + tty.Snip(text, max(columns-1-len("run  ")-width, 0))
}

// about renders how much time is left: it is no more than an estimate.
func about(left time.Duration) string {
	if left < time.Second {
		return "about to end"
	}
	return "about " + left.Round(time.Second).String() + " left"
}

// bar draws a share of so many columns.
func (b *Bars) bar(share float64, width int) string {
	n := min(max(int(share*float64(width)+0.5), 0), width)
	rest := strings.Repeat("┄", width-n)
	if b.Colors {
		rest = tty.Faint.Paint(rest)
	}
	return strings.Repeat("━", n) + rest
}
