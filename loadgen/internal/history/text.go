package history

import (
	"fmt"
	"io"
	"math"
	"strings"

	"loadlab/loadgen/internal/tty"
)

// Options are those of the text: its width, and whether it has colours.
type Options struct {
	Width  int
	Colors bool
}

// Text writes a chart of each series, a run a line.
func (h *History) Text(w io.Writer, o Options) error {
	var b strings.Builder
	paint := func(c tty.Color, s string) string {
		if !o.Colors {
			return s
		}
		return c.Paint(s)
	}
	line := func(lead, s string) {
		for i, part := range tty.Wrap(tty.Clean(s), max(o.Width-len(lead), 20)) {
			if i > 0 {
				lead = strings.Repeat(" ", len(lead))
			}
			b.WriteString(lead + part + "\n")
		}
	}
	b.WriteString(paint(tty.Bold, tty.Snip(tty.Clean(h.Title()), o.Width)) + "\n")
	for _, s := range h.Series {
		b.WriteString("\n" + paint(tty.Bold, tty.Snip(tty.Clean(s.Mode+", "+s.About()), o.Width)) + "\n")
		line("  ", s.Machine)
		line("  ", s.Load)
		scale := s.Scale()
		next := 0
		for i, p := range s.Points {
			if next < len(s.Changes) && s.Changes[next].At == i {
				lead := paint(tty.Yellow, "  ▶ ")
				for j, part := range tty.Wrap(h.Describe(s.Changes[next]), max(o.Width-4, 20)) {
					if j > 0 {
						lead = "    "
					}
					b.WriteString(lead + part + "\n")
				}
				next++
			}
			b.WriteString(h.row(p, scale, o, paint))
		}
		if s.Used > 0 {
			b.WriteString(strings.Repeat(" ", lead) + paint(tty.Faint, scale.axis(h, o)) + "\n")
		}
	}
	b.WriteString("\n")
	line("  ", Method)
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Columns of a row: when, the commit, the value; the chart has the rest.
const (
	when  = 16
	build = 12
	value = 10
	lead  = 2 + when + 1 + build + 1 + value + 2
	least = 10 // columns of a chart
)

// row is a run's line.
func (h *History) row(p Point, s Scale, o Options, paint func(tty.Color, string) string) string {
	head := fmt.Sprintf("  %s %s ", p.Started.UTC().Format("2006-01-02 15:04"), pad(tty.Snip(tty.Clean(p.Commit), build), build))
	room := max(o.Width-lead-1, least)
	if !p.Known {
		return head + paint(tty.Faint, tty.Snip(tty.Clean(p.Why), max(o.Width-tty.Width(head), 1))) + "\n"
	}
	cells := []rune(strings.Repeat(" ", room))
	cells[s.column(p.Value, room)] = '●'
	return head + fmt.Sprintf("%*s", value+len(h.Render(p.Value))-tty.Width(h.Render(p.Value)), h.Render(p.Value)) + "  " + strings.TrimRight(string(cells), " ") + "\n"
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(n-tty.Width(s), 0)) }

// Scale is from where to where a chart goes: in logarithms where all is positive.
type Scale struct {
	Low, High float64
	log       bool
}

// Scale is that of a series.
func (s Series) Scale() Scale {
	x := Scale{Low: math.Inf(1), High: math.Inf(-1), log: true}
	for _, p := range s.Points {
		if !p.Known {
			continue
		}
		x.Low, x.High = min(x.Low, p.Value), max(x.High, p.Value)
	}
	x.log = x.Low > 0
	return x
}

// Share is where a value is, from 0 to 1.
func (s Scale) Share(v float64) float64 {
	low, high := s.Low, s.High
	if s.log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	if !(high > low) {
		return 0.5
	}
	return min(max((v-low)/(high-low), 0), 1)
}

func (s Scale) column(v float64, room int) int { return int(s.Share(v)*float64(room-1) + 0.5) }

// axis names the ends of the chart.
func (s Scale) axis(h *History, o Options) string {
	room := max(o.Width-lead-1, least)
	from, to := h.Render(s.Low), h.Render(s.High)
	return from + strings.Repeat(" ", max(room-tty.Width(from)-tty.Width(to), 1)) + to
}
