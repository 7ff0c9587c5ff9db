// Package drive makes requests when they are due: the open loop, in which arrivals come whether or not the server keeps up, and the
// closed loop, in which users wait for their answers. It knows neither HTTP (a Caller does) nor histograms (a measure.Recorder does).
//
// # The open loop
//
// One goroutine, the pacer, sleeps until the next arrival is due and then releases everything that is. A worker is a goroutine with a
// connection of its own; workers take released arrivals in order. When an arrival is released and no worker is idle, another worker
// is started, up to the number of connections; beyond that the arrival waits for the first that becomes free, and keeps its due time.
// So a slow server never slows the schedule, and what waits is measured from when it was due.
//
// What waits is not stored. A stream of arrivals is a closed form, so pacer and workers each walk a copy of it, and the backlog is
// the difference of two counters: memory is the same for one request and for ten million.
//
// # What becomes of a request
//
// Its deadline is its timeout after it was due. One that is still waiting then is recorded as unsent, with the time it waited. After
// the last arrival the loop waits until every request has ended, which the deadlines bound.
//
// # Data and sessions
//
// Arrival k takes row k of the data: a Caller whose requests take data is a Drawer, which is told k before the request is made. In a closed
// loop k counts requests in the order in which users begin them, so that the first n requests take the first n rows, whoever makes them.
//
// An arrival may be a session of several requests. Its first request is due when it is, every other when the one before it has ended and the
// user has thought. It keeps its connection to its end, also while the user thinks, and ends with the first of its requests that fails. The
// session is an entry of the ledger of its own, from when it was due to the end of its last request. What a loop offers, sends and bounds is
// arrivals, be they requests or sessions.
//
// # A share of the load
//
// Several workers may drive one phase together. Each sends the arrivals of its share, which keep their numbers, due times, modes and rows: the union is what one would have sent. Of a closed
// loop the users are shared, and their numbers count as those of arrivals do; where the phase ends with a number of requests those are shared too, by the workers that have a user. StartAt has all begin at
// the same moment.
//
// # The end
//
// When the context ends, nothing more is released, and what was not released was never scheduled. What was released and waits is
// unsent; what is in flight has the grace period to complete, and is then stopped and recorded as timed out. The ledger balances.
package drive

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/measure"
)

// Caller makes requests on one connection. One goroutine at a time calls it.
type Caller interface {
	// Call makes a request of the mode and fills in out, whose former content is lost. It returns by the deadline, and soon after ctx
	// ends: unsent before the first byte was sent, timed out after it. ctx is the same for all calls of a phase.
	Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome)
	io.Closer
}

// Drawer is a Caller whose requests take data.
type Drawer interface {
	// Draw has the calls up to the next Draw take the data of arrival k, which a user of that number makes: of an open load k itself.
	Draw(k, user int64)
}

// Digester is a Caller that knows what it requests.
type Digester interface {
	// Digest returns a hash of the request of a mode with the data of the last Draw, without what differs from run to run.
	Digest(mode int) uint64
}

// Defaults.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultGrace       = time.Second
	DefaultConnections = 256
)

// Common is what both loops need.
type Common struct {
	NewCaller func() Caller
	Recorder  *measure.Recorder
	Timeout   time.Duration // of a request, from when it was due; 0 is DefaultTimeout
	Grace     time.Duration // for requests in flight when the context ends; 0 is DefaultGrace
	Sessions  []*Session    // by mode; nil, or too short, is a mode of single requests
	Rows      int64         // of data, for an arrival each: the loop ends when there are no more; 0 is no end
	Share     arrival.Share // of the load that this loop drives; the zero value is all of it
	StartAt   time.Time     // when the phase begins; zero, or past, is as soon as everything is ready
	// NewAlarm makes what wakes a goroutine when something is due. nil is the system's best, SystemAlarm; tests in virtual time need
	// TimerAlarm.
	NewAlarm func(ctx context.Context) (Alarm, error)
}

// Result is what a loop did. What the requests came to is in the recorder.
type Result struct {
	Start       time.Time
	Begun       time.Duration // after Start, until the loop ran: how late it was for a StartAt
	Took        time.Duration // of the load itself: the phase's length if it has one, otherwise until the last request ended
	Drained     time.Duration // after that, until the last request had ended
	Offered     int64         // arrivals that came due
	Sent        int64         // of them sent
	InTime      int64         // of them sent before the phase's length was over; Sent if it has none
	Connections int           // the most at once
	Limit       int           // of connections, which an open loop has; 0 is none
	Quickest    time.Duration // the least service time of an arrival that was completed: nothing is faster over one connection; 0 if none was
	Interrupted bool          // the context ended first
	RanOut      bool          // of Rows, while there were more arrivals
	// Digest is of the arrivals that came due. Of a closed loop it leaves out when that was, which depends on the responses.
	Digest arrival.Digest
	Self   Self
}

var errConfig = errors.New("drive: a loop needs NewCaller and Recorder")

// phase is what the goroutines of one phase share.
type phase struct {
	Common
	start time.Time
	end   time.Time // of the phase's length; zero if it has none
	begun time.Duration

	calls   context.Context // of the requests; it ends a grace period after the phase's
	stop    context.CancelFunc
	aborted atomic.Bool // what waits is not to be sent any more
	ranOut  atomic.Bool // there was an arrival without a row

	offered, sent, inTime atomic.Int64

	mu       sync.Mutex // guards all below
	digest   arrival.Digest
	quickest time.Duration
}

// newPhase fills in defaults and ties the requests to ctx. The caller calls release at the end.
func newPhase(ctx context.Context, c Common) (s *phase, release func(), err error) {
	if c.NewCaller == nil || c.Recorder == nil {
		return nil, nil, errConfig
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.NewAlarm == nil {
		c.NewAlarm = SystemAlarm
	}
	s = &phase{Common: c}
	s.calls, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		s.aborted.Store(true)
		s.stopAfter(s.Grace)
	})
	return s, func() { forget(); s.stop() }, nil
}

// stopAfter ends the requests that are still in flight after d.
func (s *phase) stopAfter(d time.Duration) {
	t := time.AfterFunc(d, s.stop)
	context.AfterFunc(s.calls, func() { t.Stop() })
}

// await waits for the time at which the phase begins, or the end of ctx.
func (s *phase) await(ctx context.Context) {
	if s.StartAt.IsZero() {
		return
	}
	alarm := s.alarm(ctx)
	defer alarm.Close()
	alarm.Wait(s.StartAt)
}

// alarm makes an alarm. A system that has no more of the better kind has the portable one.
func (s *phase) alarm(ctx context.Context) Alarm {
	a, err := s.NewAlarm(ctx)
	if err != nil {
		a, _ = TimerAlarm(ctx) // has no errors
	}
	return a
}

// begin starts the clock of the phase.
func (s *phase) begin(length time.Duration) {
	s.start = time.Now()
	if late := s.start.Sub(s.StartAt); !s.StartAt.IsZero() && late >= 0 { // and not interrupted before
		s.begun, s.start = late, s.StartAt
	}
	if length > 0 {
		s.end = s.start.Add(length)
	}
	s.Recorder.Start(s.start)
}

// offer enters a request into the ledger.
func (s *phase) offer(mode int, due time.Duration) {
	s.offered.Add(1)
	s.Recorder.Scheduled(mode, due)
}

// request makes one request, unless it is too late for it, and records what it came to.
func (s *phase) request(caller Caller, mode int, due time.Duration, out *measure.Outcome) {
	deadline := s.start.Add(due + s.Timeout)
	switch now := time.Now(); {
	case s.aborted.Load():
		*out = measure.Outcome{Kind: measure.Unsent, Done: now, Code: measure.Ended}
	case !now.Before(deadline):
		*out = measure.Outcome{Kind: measure.Unsent, Done: now, Code: measure.TooLate}
	default:
		caller.Call(s.calls, mode, deadline, out)
		if out.Kind != measure.OK && s.calls.Err() != nil {
			out.Kind = measure.Timeout // the request did not fail: it was stopped
			if out.Sent.IsZero() {
				out.Kind = measure.Unsent
			}
		} else if left := deadline.Sub(now); left < s.Timeout/2 && !out.Done.Before(deadline) {
			hurried(out)
		}
	}
	s.Recorder.Record(mode, due, out)
}

// hurried puts right the end of a request that had waited for a connection most of its time: that it was not connected, or not answered, in the
// rest is no fault of the target.
func hurried(out *measure.Outcome) {
	switch {
	case out.Kind != measure.Timeout && out.Kind != measure.Unsent:
	case out.Sent.IsZero():
		out.Kind, out.Code, out.Err = measure.Unsent, measure.TooLate, nil
	default:
		out.Code = "sent late, after it had waited for a connection"
	}
}

func (s *phase) countSent(sent time.Time) {
	if sent.IsZero() {
		return
	}
	s.sent.Add(1)
	if s.end.IsZero() || sent.Before(s.end) {
		s.inTime.Add(1)
	}
}

// result is what is known once all requests have ended.
func (s *phase) result(ctx context.Context, loadEnded time.Time) Result {
	r := Result{
		Start: s.start, Begun: s.begun, Digest: s.digest, Quickest: s.quickest, Took: loadEnded.Sub(s.start), Drained: time.Since(loadEnded),
		Offered: s.offered.Load(), Sent: s.sent.Load(), InTime: s.inTime.Load(),
		Interrupted: ctx.Err() != nil, RanOut: s.ranOut.Load(),
	}
	if s.end.IsZero() {
		r.Took, r.Drained = r.Took+r.Drained, 0
	}
	return r
}
