// Package waterfall draws a trace for a terminal: one line a span, indented below what caused it, with a bar where it was in time. It
// is a pure function of the trace.
package waterfall

import (
	"fmt"
	"io"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/tty"
)

// Options are how a trace is drawn.
type Options struct {
	Width  int  // columns; 0 is 120, and less than 60 is 60
	Color  bool // SGR escape sequences
	Expand bool // a line for each of repeated spans too
}

// Write draws t.
func Write(w io.Writer, t *result.Trace, o Options) error {
	if o.Width == 0 {
		o.Width = 120
	}
	o.Width = max(o.Width, 60)
	p := &page{colors: o.Color, width: o.Width}
	p.head(t)
	p.body(t, o.Expand)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Remark is a line about a trace.
type Remark struct {
	Color tty.Color
	Text  string
}

// Remarks are what a trace cost, what it met, and what is wrong with it.
func Remarks(t *result.Trace) []Remark {
	var all []Remark
	add := func(c tty.Color, text string) { all = append(all, Remark{c, text}) }
	if t.Response > 0 {
		add(tty.Plain, fmt.Sprintf("response %s = %s waiting to be sent + %s service", unit.Latency(t.Response), unit.Latency(t.Lag), unit.Latency(t.Service)))
	}
	if t.Failed != "" {
		add(tty.Red, "failed: "+tty.Clean(t.Failed))
	}
	for _, f := range t.Faults {
		add(tty.Yellow, "met "+tty.Clean(f))
	}
	if s := costs(t); s != "" {
		add(tty.Plain, s)
	}
	if s := trace.FindQueries(t.Spans).String(); s != "" {
		add(tty.Yellow, "N+1: "+tty.Clean(s))
	}
	if t.Problem != "" {
		add(tty.Yellow, "not whole: "+tty.Clean(t.Problem))
	}
	return all
}

// head writes what the trace is, and remarks on it.
func (p *page) head(t *result.Trace) {
	parts := []string{t.Mode, t.Phase}
	if t.Round > 0 {
		parts = append(parts, fmt.Sprint("round ", t.Round))
	}
	title, id := tty.Clean(strings.Join(append(parts, t.Why), " · ")), "trace "+tty.Clean(t.ID)
	if gap := p.width - tty.Width(title) - tty.Width(id); gap >= 2 {
		p.line(p.paint(tty.Bold, title) + strings.Repeat(" ", gap) + p.paint(tty.Faint, id))
	} else {
		p.line(p.paint(tty.Bold, tty.Snip(title, p.width)))
		p.line(p.paint(tty.Faint, id))
	}
	for _, r := range Remarks(t) {
		p.wrap(r.Color, r.Text)
	}
	p.line("")
}

// costs counts the calls of the trace to other servers.
func costs(t *result.Trace) string {
	var sql, redis []*result.Span
	for i := range t.Spans {
		switch s := &t.Spans[i]; {
		case trace.IsSQL(s):
			sql = append(sql, s)
		case isRedis(s):
			redis = append(redis, s)
		}
	}
	var parts []string
	for _, c := range []struct {
		spans     []*result.Span
		one, many string
	}{{sql, "query", "queries"}, {redis, "Redis round trip", "Redis round trips"}} {
		if n := len(c.spans); n > 0 {
			name := c.many
			if n == 1 {
				name = c.one
			}
			parts = append(parts, fmt.Sprintf("%d %s in %s", n, name, unit.Latency(sum(c.spans))))
		}
	}
	return strings.Join(parts, ", ")
}

func sum(spans []*result.Span) time.Duration {
	var total time.Duration
	for _, s := range spans {
		total += max(s.Duration, 0)
	}
	return total
}

// Widths of the columns at the right, and least widths of the others.
const (
	tookWidth  = 9
	leastLabel = 24
	leastBars  = 16
)

// body draws the spans below an axis of time.
func (p *page) body(t *result.Trace, expand bool) {
	rows := Rows(t, expand)
	medians := 0
	label := leastLabel
	for _, r := range rows {
		if len(r.Spans) > 1 {
			medians = tookWidth
		}
		if len(r.Spans) > 0 {
			label = max(label, tty.Width(r.Label))
		}
	}
	label = min(label, p.width*45/100)
	bars := max(p.width-label-1-tookWidth-medians, leastBars)
	scale := newScale(t, bars)
	p.line(strings.Repeat(" ", label+1) + p.paint(tty.Faint, scale.axis()) + p.paint(tty.Faint, right("took", tookWidth)) +
		p.paint(tty.Faint, right(median(medians), medians)))
	for _, r := range rows {
		if len(r.Spans) == 0 {
			p.line(p.paint(r.Color, tty.Snip(r.Label, p.width)))
			continue
		}
		name := tty.Snip(r.Label, label)
		line := p.paint(r.Color, name) + strings.Repeat(" ", label-tty.Width(name)+1) + p.paint(r.Color, scale.bar(r.Spans)) +
			cell(sum(r.Spans))
		if len(r.Spans) > 1 {
			line += cell(middle(r.Spans))
		}
		p.line(line)
	}
	if scale.answered > 0 {
		p.line(p.paint(tty.Faint, "┊ the client stopped waiting after "+unit.Latency(t.Response)))
	}
}

// cell renders a duration for one of the columns at the right.
func cell(d time.Duration) string { return right(tty.Snip(unit.Latency(d), tookWidth-1), tookWidth) }

func median(wide int) string {
	if wide == 0 {
		return ""
	}
	return "median"
}
