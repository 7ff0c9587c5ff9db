package keep

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
)

// request makes the trace of a request from the spans that arrived of it.
func request(p pick, spans []otlp.Span, lost int) result.Trace {
	t := p.sample.Trace(p.why)
	t.Faults = p.faults
	t.Spans = append(t.Spans, convert(spans, t.Due)...)
	sortByStart(t.Spans)
	var problems []string
	if len(spans) == 0 {
		problems = append(problems, "no span of the server arrived")
	}
	queries := 0
	for i := range t.Spans {
		if trace.IsSQL(&t.Spans[i]) {
			queries++
		}
	}
	if p.sample.Timed && len(spans) > 0 && queries < p.sample.SQL {
		problems = append(problems, fmt.Sprintf("%d of %d queries have a span", queries, p.sample.SQL))
	}
	t.Problem = strings.Join(append(problems, incomplete(&t, lost)...), "; ")
	return t
}

// background makes the trace of work that was no sampled request, but that one caused or waited for.
func background(id ID, cause trace.Sample, spans []otlp.Span, lost int) (result.Trace, bool) {
	if len(spans) == 0 {
		return result.Trace{}, false
	}
	start := spans[0].Start
	for _, s := range spans {
		start = min(start, s.Start)
	}
	t := result.Trace{
		ID: hex.EncodeToString(id[:]), Mode: cause.Mode, Phase: cause.Phase, Round: cause.Round, Why: result.Linked, Due: time.Unix(0, start),
	}
	t.Spans = convert(spans, t.Due)
	sortByStart(t.Spans)
	t.Problem = strings.Join(incomplete(&t, lost), "; ")
	return t, true
}

// incomplete returns what is missing of a trace, as far as the trace itself shows it.
func incomplete(t *result.Trace, lost int) []string {
	var problems []string
	if n := trace.Orphans(t); n > 0 {
		problems = append(problems, fmt.Sprintf("the parent of %d of %d spans did not arrive", n, len(t.Spans)))
	}
	if lost > 0 {
		problems = append(problems, fmt.Sprintf("%d spans are left out, for lack of room", lost))
	}
	return problems
}

// sortByStart sorts spans by their start, parents before children; the generator's own root stays the first.
func sortByStart(spans []result.Span) {
	if len(spans) == 0 {
		return
	}
	if spans[0].Service == trace.Service {
		spans = spans[1:]
	}
	slices.SortStableFunc(spans, func(a, b result.Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Duration, a.Duration))
	})
}

func convert(spans []otlp.Span, due time.Time) []result.Span {
	out := make([]result.Span, 0, len(spans))
	zero := due.UnixNano()
	for _, s := range spans {
		if s.Start == 0 { // its sender did not set it
			s.Start = max(s.End, zero)
		}
		c := result.Span{
			ID: hex.EncodeToString(s.ID[:]), Name: s.Name, Kind: s.Kind, Service: s.Service, Start: time.Duration(s.Start - zero),
			Duration: time.Duration(max(s.End-s.Start, 0)), Failed: s.Failed, Error: s.Error,
		}
		if s.Parent != [8]byte{} {
			c.Parent = hex.EncodeToString(s.Parent[:])
		}
		c.Attributes = named(s.Attributes)
		for _, e := range s.Events {
			c.Events = append(c.Events, result.Event{At: time.Duration(e.At - zero), Name: e.Name, Attributes: named(e.Attributes)})
		}
		for _, l := range s.Links {
			c.Links = append(c.Links, result.Link{TraceID: hex.EncodeToString(l.TraceID[:]), SpanID: hex.EncodeToString(l.SpanID[:])})
		}
		out = append(out, c)
	}
	return out
}

// named returns attributes by name; nil if there are none.
func named(attributes []otlp.Attribute) map[string]string {
	if len(attributes) == 0 {
		return nil
	}
	byName := make(map[string]string, len(attributes))
	for _, a := range attributes {
		byName[a.Name] = a.Value
	}
	return byName
}
