package trace

import (
	"encoding/hex"
	"strconv"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/otel/signal"
)

// Service is the name of the service whose spans the generator makes.
const Service = "loadgen"

// waitName is the span of the time between when a request was due and when it was sent.
const waitName = "wait to be sent"

// Sample is a sampled request as its generator saw it.
type Sample struct {
	TraceID      [16]byte
	SpanID       [8]byte // the parent that the request's traceparent named: the generator's own span
	Mode, Phase  string
	Round        int
	Method, Path string
	Due          time.Time

	Response, Service, Lag time.Duration // as in result.Trace

	Status int    // 0 if there was none
	Failed string // the kind of failure; empty for a completed request
	Timed  bool   // the response has the number of its queries
	SQL    int    // that many
}

// Spans are the generator's own spans of the request: a root from when it was due until it was done, and below it the wait until it
// was sent, if there was one.
func (s *Sample) Spans() []result.Span {
	root := result.Span{
		ID: hex.EncodeToString(s.SpanID[:]), Name: s.Method + " " + s.Path, Kind: "client", Service: Service, Duration: s.Response,
		Attributes: map[string]string{
			signal.AttrHTTPMethod: s.Method, signal.AttrURLPath: s.Path, signal.AttrMode: s.Mode, signal.AttrPhase: s.Phase,
			signal.AttrLag: strconv.FormatFloat(float64(s.Lag.Microseconds())/1000, 'f', -1, 64),
		},
		Failed: s.Failed != "", Error: s.Failed,
	}
	if s.Round > 0 {
		root.Attributes[signal.AttrRound] = strconv.Itoa(s.Round)
	}
	if s.Status > 0 {
		root.Attributes[signal.AttrHTTPStatus] = strconv.Itoa(s.Status)
	}
	if s.Failed != "" {
		root.Attributes[signal.AttrErrorType] = s.Failed
	}
	if s.Lag <= 0 {
		return []result.Span{root}
	}
	wait := s.SpanID
	wait[7] ^= 1 // another id than the root's, and the same at each call
	if wait == [8]byte{} {
		wait[7] = 2
	}
	return []result.Span{root, {
		ID: hex.EncodeToString(wait[:]), Parent: root.ID, Name: waitName, Kind: "internal", Service: Service, Duration: s.Lag,
	}}
}

// Trace returns the request as a trace that has the generator's own spans only.
func (s *Sample) Trace(why string) result.Trace {
	return result.Trace{
		ID: hex.EncodeToString(s.TraceID[:]), Mode: s.Mode, Phase: s.Phase, Round: s.Round, Why: why, Due: s.Due.Round(0),
		Response: s.Response, Service: s.Service, Lag: s.Lag, Failed: s.Failed, Spans: s.Spans(),
	}
}

// IsWait reports whether s is the time that a request waited to be sent.
func IsWait(s *result.Span) bool { return s.Service == Service && s.Name == waitName }
