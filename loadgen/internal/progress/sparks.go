package progress

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"loadlab/internal/palette"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// sparks are the p99 of each mode over the seconds in which it was driven; of a phase that was shorter, over its phases.
type sparks struct{ all []spark }

// spark is one mode.
type spark struct {
	name   string
	points []time.Duration
	few    bool // the last is of too few requests for a p99
	second int  // of the phase, that the last point is of; negative before the first
}

// mostPoints is how many points of a mode are kept: more than a terminal is wide.
const mostPoints = 400

// add adds the last second of each mode, if it is new. Warm-up is in no figure.
func (s *sparks) add(h Heading, modes []Mode) {
	for _, m := range modes {
		x := s.of(m.Name)
		if m.Second > x.second && m.Latest > 0 && !h.Warmup {
			x.point(m.Latest, m.Few)
			x.second = m.Second
		}
	}
}

// end ends a phase.
func (s *sparks) end(h Heading, last Figures) {
	for _, m := range last.Modes {
		x := s.of(m.Name)
		if x.second < 0 && m.P99 > 0 && !h.Warmup {
			x.point(m.P99, last.Requests < hist.Samples(0.99))
		}
		x.second = -1
	}
}

func (s *sparks) of(name string) *spark {
	i := slices.IndexFunc(s.all, func(x spark) bool { return x.name == name })
	if i < 0 {
		i = len(s.all)
		s.all = append(s.all, spark{name: name, second: -1})
	}
	return &s.all[i]
}

func (x *spark) point(d time.Duration, few bool) {
	x.points, x.few = append(x.points, d), few
	if len(x.points) > mostPoints {
		x.points = slices.Delete(x.points, 0, 1)
	}
}

// ticks are the heights of a point, the least first.
const ticks = "▁▂▃▄▅▆▇█"

// longest is how many columns a mode's name takes at most.
const longest = 14

// lines draws the modes, each in its colour, in so many columns and rows at most. All have the same scale, which is logarithmic.
func (s *sparks) lines(columns, rows int, colors bool) []string {
	const head, value = "p99  ", 10
	shown := slices.DeleteFunc(slices.Clone(s.all), func(x spark) bool { return len(x.points) == 0 })
	shown = shown[:max(min(len(shown), rows), 0)]
	var names []string
	for _, x := range s.all {
		names = append(names, x.name)
	}
	room := columns - len(head) - longest - 1 - value
	if room < 4 || len(shown) == 0 {
		return nil
	}
	low, high, most := time.Duration(math.MaxInt64), time.Duration(0), 0
	for i := range shown {
		x := &shown[i]
		x.points = x.points[max(len(x.points)-room, 0):]
		low, high, most = min(low, slices.Min(x.points)), max(high, slices.Max(x.points)), max(most, len(x.points))
	}
	styles := palette.Of(names)
	var lines []string
	for i, x := range shown {
		lead := head
		if i > 0 {
			lead = strings.Repeat(" ", len(head))
		}
		name := tty.Snip(tty.Clean(x.name), longest)
		drawn, rest := draw(x.points, low, high), strings.Repeat(" ", most-len(x.points))
		if colors {
			at := slices.Index(names, x.name)
			drawn = fmt.Sprintf("\x1b[38;5;%dm%s\x1b[0m", styles[at].ANSI(), drawn)
		}
		lines = append(lines, lead+name+strings.Repeat(" ", longest-tty.Width(name)+1)+drawn+rest+fmt.Sprintf("%*s", value, x.last()))
	}
	return lines
}

// last renders the last point.
func (x spark) last() string {
	text := unit.Latency(x.points[len(x.points)-1])
	if x.few {
		return unit.AtLeast + text
	}
	return text
}

// draw draws points between low and high, which are a factor of ten apart at least: noise is no mountain.
func draw(points []time.Duration, low, high time.Duration) string {
	const least = 10
	high = max(high, least*low)
	heights := []rune(ticks)
	var b strings.Builder
	for _, p := range points {
		at := math.Log(float64(p)/float64(low)) / math.Log(float64(high)/float64(low))
		b.WriteRune(heights[min(int(at*float64(len(heights))), len(heights)-1)])
	}
	return b.String()
}
