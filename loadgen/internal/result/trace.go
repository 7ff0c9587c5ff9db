package result

import "time"

// Trace is one sampled request. Durations are in nanoseconds in JSON.
type Trace struct {
	ID    string `json:"id"` // 32 hexadecimal digits
	Mode  string `json:"mode"`
	Phase string `json:"phase"`
	Round int    `json:"round,omitempty"`
	Why   string `json:"why"`
	// Faults are those that lasted when the request was due or under way, by Fault.Text, and for which it is kept, no matter for what else it is.
	Faults []string  `json:"faults,omitempty"`
	Due    time.Time `json:"due"` // what the start of each span is relative to; of a linked trace that is no request: when it began

	Response time.Duration `json:"response_ns,omitempty"` // due to done; 0 for a linked trace that is no request
	Service  time.Duration `json:"service_ns,omitempty"`  // sent to done
	Lag      time.Duration `json:"lag_ns,omitempty"`      // due to sent
	Failed   string        `json:"failed,omitempty"`      // the kind of failure, as the ledger names it

	// Problem is what is missing of the trace; empty if it is whole as far as anybody can know.
	Problem string `json:"problem,omitempty"`
	Spans   []Span `json:"spans"` // in the order of their start; the first is the generator's own
}

// Reasons to keep a trace.
const (
	Slowest = "slowest" // one of the slowest of its mode and phase
	Median  = "median"  // the nearest to the median of its mode and phase
	Befell  = "fault"   // of those of its mode that met a fault, the slowest that failed, or else the slowest
	Linked  = "linked"  // a kept trace waited for it, or caused it
)

// Span is one piece of work.
type Span struct {
	ID         string            `json:"id"`               // 16 hexadecimal digits
	Parent     string            `json:"parent,omitempty"` // empty for a root
	Name       string            `json:"name"`
	Kind       string            `json:"kind,omitempty"` // client, server, internal, producer or consumer
	Service    string            `json:"service,omitempty"`
	Start      time.Duration     `json:"start_ns"` // since the request was due
	Duration   time.Duration     `json:"duration_ns"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Events     []Event           `json:"events,omitempty"` // in the order in which they were added
	Links      []Link            `json:"links,omitempty"`
	Failed     bool              `json:"failed,omitempty"`
	Error      string            `json:"error,omitempty"` // the error that the failed span carries
}

// End is when the span ended, since the request was due.
func (s *Span) End() time.Duration { return s.Start + s.Duration }

// Event is what happened at a moment of a span.
type Event struct {
	At         time.Duration     `json:"at_ns"` // since the request was due
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Link is a span that another has to do with without being its child.
type Link struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}
