// Package otlp receives spans over OTLP/HTTP, passes them on, and sends the generator's own. It knows the protocol; what spans mean and
// which of them are kept is decided elsewhere.
//
// Everything in it is bounded: the size of a request, how many are read at once, what waits to be passed on. What does not fit is
// dropped and counted.
package otlp

// Span is a received span, with the attributes that are kept.
type Span struct {
	TraceID    [16]byte
	ID, Parent [8]byte // Parent is zero for a root
	Name       string
	Kind       string // client, server, internal, producer, consumer; empty if the sender did not set it
	Service    string
	Start, End int64 // nanoseconds of Unix time
	Attributes []Attribute
	Events     []Event
	Links      []Link
	Failed     bool
	Error      string
}

// Attribute is an attribute under the name of today's semantic conventions.
type Attribute struct{ Name, Value string }

// Event is what happened at a moment of a span.
type Event struct {
	At         int64 // nanoseconds of Unix time
	Name       string
	Attributes []Attribute
}

// Link points to another span.
type Link struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// Sink takes spans. It is called by several goroutines, and the span is its to copy and not to keep: what the span refers to never
// changes.
type Sink interface {
	Add(*Span)
}
