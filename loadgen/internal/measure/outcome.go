package measure

import (
	"time"

	"loadlab/app/api"
)

// Words for why a request was unsent.
const (
	Ended   = "the load ended"
	TooLate = "it waited too long to be sent"
)

// Outcome is what one request came to, filled in by the client that made it. It is reused from request to request.
type Outcome struct {
	Kind   Kind
	Status int
	Sent   time.Time // the first byte was about to be written; zero if it never was
	Done   time.Time // the last byte was read, or the failure was noticed
	Bytes  int64     // of the body
	Wrote  int64     // of the request's body; 0 if it was not sent

	// Err is why the request failed, and Code the same in one of few words, by which failures of a kind are told apart: "connection refused". Both
	// are empty of one that is completed, and Code where there is no word for it.
	Err  error
	Code string

	Conditional bool  // the request asked whether its user's copy is current
	NotModified bool  // it is: the response had no body
	Saved       int64 // the length of the body in its place

	// Connect and TLS are of a request that had to make its connection. FirstByte is filled in only when the client was asked for phases.
	Connect, TLS, FirstByte time.Duration

	Timed   bool            // the response carried Server-Timing
	Timing  api.Timing      // without Traceparent: the client wrote the trace id itself
	Cache   api.CacheResult // by Cache-Status; none without that header, and never an error
	Stored  bool            // Cache-Status said stored: this response recomputed its page
	Age     time.Duration   // of a cached page
	Version int64           // Loadlab-Version, 0 if absent
	TraceID [16]byte
	SpanID  [8]byte // that the request named as its parent
	Sampled bool
	Replica int // that it was made of, from 0; 0 where there is but one
}
