package waterfall

import (
	"fmt"
	"math"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
)

// scale puts time into columns.
type scale struct {
	from, to float64 // nanoseconds since the request was due
	answered float64 // when it had its answer; 0 if nothing went on after that
	columns  int
}

func newScale(t *result.Trace, columns int) scale {
	s := scale{columns: columns}
	for i := range t.Spans {
		s.from = min(s.from, float64(t.Spans[i].Start))
		s.to = max(s.to, float64(t.Spans[i].Start)+float64(max(t.Spans[i].Duration, 0)))
	}
	if s.to > float64(t.Response)*1.01 {
		s.answered = float64(t.Response)
	}
	s.to = max(s.to, s.from+1)
	return s
}

// column is where a point in time is, from 0 to columns.
func (s scale) column(at float64) float64 {
	return (at - s.from) / (s.to - s.from) * float64(s.columns)
}

// axis writes round points in time above the columns where they are.
func (s scale) axis() string {
	const room = 8 // columns for each
	line := []rune(strings.Repeat(" ", s.columns))
	step := round((s.to - s.from) * room / float64(s.columns))
	for i := math.Ceil(s.from / step); i*step < s.to; i++ {
		label := []rune("╷" + point(i*step, step))
		if at := int(s.column(i * step)); at >= 0 && at+len(label) <= s.columns {
			copy(line[at:], label)
		}
	}
	return string(line)
}

// round returns the least of 1, 2, 5, 10, 20, ... that is not below x.
func round(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(max(x, 1))))
	for _, f := range []float64{1, 2, 5} {
		if f*unit >= x {
			return f * unit
		}
	}
	return 10 * unit
}

// point renders a multiple of step.
func point(at, step float64) string {
	switch {
	case at == 0:
		return "0"
	case step >= float64(time.Second):
		return fmt.Sprintf("%.0f s", at/float64(time.Second))
	case step >= float64(time.Millisecond):
		return fmt.Sprintf("%.0f ms", at/float64(time.Millisecond))
	case step >= float64(time.Microsecond):
		return fmt.Sprintf("%.0f µs", at/float64(time.Microsecond))
	}
	return fmt.Sprintf("%.0f ns", at)
}

// bar draws where spans are. Of one span the ends are drawn finer than a column; of several how much of each column they fill.
func (s scale) bar(spans []*result.Span) string {
	filled := make([]float64, s.columns)
	marked := make([]bool, s.columns)
	for _, span := range spans {
		from := s.column(float64(span.Start))
		to := s.column(float64(span.Start) + float64(max(span.Duration, 0)))
		first := max(min(int(from), s.columns-1), 0)
		marked[first] = true
		for c := first; c < s.columns && float64(c) < to; c++ {
			filled[c] += max(min(to, float64(c+1))-max(from, float64(c)), 0)
			marked[c] = true
		}
	}
	var b strings.Builder
	for c, f := range filled {
		switch {
		case !marked[c] && s.answered > 0 && c == min(int(s.column(s.answered)), s.columns-1):
			b.WriteRune('┊')
		case !marked[c]:
			b.WriteByte(' ')
		case len(spans) > 1:
			b.WriteRune(shade(f))
		case c > 0 && marked[c-1]:
			b.WriteRune([]rune("▏▎▍▌▋▊▉█")[min(int(f*8), 7)])
		case f > 0.75 || f > 0.25 && c+1 == s.columns:
			b.WriteRune('█')
		case c+1 < s.columns && marked[c+1]: // it begins here and goes on: the right part of the column
			if f > 0.25 {
				b.WriteRune('▐')
			} else {
				b.WriteRune('▕')
			}
		default:
			b.WriteRune([]rune("▏▎▍▌▋▊▉█")[min(int(f*8), 7)])
		}
	}
	return b.String()
}

func shade(f float64) rune {
	switch {
	case f > 0.85:
		return '█'
	case f > 0.5:
		return '▓'
	case f > 0.2:
		return '▒'
	}
	return '░'
}
