package housing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"loadlab/app/api"
)

// Errors of faults that callers distinguish with errors.Is.
var (
	ErrWire   = errors.New("this database has a wire: put a link between the app and it (loadgen link), and faults into the link")
	ErrFaulty = errors.New("there is a fault already: end it first")
)

// errGivenUp is the error of a connection that was given up while it waited for an answer.
var errGivenUp = fmt.Errorf("the connection was given up while the database did not answer: %w", net.ErrClosed)

// fault is one fault of a wire, and what met it.
type fault struct {
	api.Fault
	began time.Time
	open  int64         // connections of those that it hits
	over  chan struct{} // closed at its end
	ended atomic.Pointer[time.Time]

	connects, statements           atomic.Int64
	held, refused, reset, deferred atomic.Int64
}

// hits reports whether the fault is one of the connection with that number.
func (f *fault) hits(number uint64) bool {
	const all = 1 << 64
	return f.Share >= 1 || float64(number*golden) < f.Share*all
}

// stays reports whether the fault is one of the connections of its time for ever.
func (f *fault) stays() bool { return f.Kind == api.FaultCut || f.Kind == api.FaultHalfOpen }

func (f *fault) seen() api.FaultSeen {
	s := api.FaultSeen{
		Fault: f.Fault, Began: f.began, Connections: f.open, Connects: f.connects.Load(), Statements: f.statements.Load(),
		Held: f.held.Load(), Refused: f.refused.Load(), Reset: f.reset.Load(), Delayed: f.deferred.Load(),
	}
	if at := f.ended.Load(); at != nil {
		s.Ended = *at
	}
	return s
}

// begin puts a fault in force.
func (w *wire) begin(spec api.Fault) (api.FaultSeen, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil && w.last.ended.Load() == nil {
		return w.last.seen(), ErrFaulty
	}
	f := &fault{Fault: spec, began: time.Now(), over: make(chan struct{})}
	for c := range w.open {
		if !f.hits(c.number) {
			continue
		}
		if f.open++; f.stays() {
			c.fate.CompareAndSwap(nil, f)
		}
	}
	w.last = f
	w.changeLocked(func(c *conditions) { c.fault = f })
	return f.seen(), nil
}

// end ends the fault that is in force, and returns what the last one was.
func (w *wire) end() api.FaultSeen {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return api.FaultSeen{}
	}
	if w.last.ended.Load() == nil {
		w.changeLocked(func(c *conditions) { c.fault = nil })
		now := time.Now()
		w.last.ended.Store(&now)
		close(w.last.over)
	}
	return w.last.seen()
}

func (w *wire) seen() api.FaultSeen {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return api.FaultSeen{}
	}
	return w.last.seen()
}

// connect returns when a connection with that number may be made.
func (w *wire) connect(ctx context.Context, number uint64) error {
	now := w.now.Load()
	if now == nil || now.fault == nil || !now.fault.hits(number) {
		return nil
	}
	f := now.fault
	f.connects.Add(1)
	switch f.Kind {
	case api.FaultRefuse:
		f.refused.Add(1)
		return cannotBeReached("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case api.FaultCut:
		f.reset.Add(1)
		return cannotBeReached("read", os.NewSyscallError("read", syscall.ECONNRESET))
	case api.FaultSlow:
		f.deferred.Add(1)
		return timerAlarm{}.wait(ctx, time.Duration(f.Delay))
	default:
		return w.hold(ctx, f, f.over)
	}
}

// meet is what a fault does to a round trip on the connection. It returns how much later than else the answer comes.
func (c *distantConn) meet(ctx context.Context, f *fault) (time.Duration, error) {
	f.statements.Add(1)
	if f.stays() {
		c.fate.CompareAndSwap(nil, f) // a connection that was made while it began
	}
	switch f.Kind {
	case api.FaultRefuse:
		f.refused.Add(1)
		c.lost = cannotBeReached("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case api.FaultCut:
		f.reset.Add(1)
		c.lost = cannotBeReached("read", os.NewSyscallError("read", syscall.ECONNRESET))
	case api.FaultSlow:
		f.deferred.Add(1)
		return time.Duration(f.Delay), nil
	case api.FaultHang:
		return 0, c.hold(ctx, f, f.over)
	default:
		return 0, c.hold(ctx, f, nil)
	}
	return 0, c.lost
}

// hold waits as wire.hold does. Whoever gives up an answer gives up the connection, as the drivers of databases with a wire do: the next
// answer on it would be this one.
func (c *distantConn) hold(ctx context.Context, f *fault, over <-chan struct{}) error {
	err := c.wire.hold(ctx, f, over)
	if err != nil {
		c.lost = errGivenUp
	}
	return err
}

// hold waits until over is closed; never, if it is nil.
func (w *wire) hold(ctx context.Context, f *fault, over <-chan struct{}) error {
	f.held.Add(1)
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return errGivenUp
	}
}

// cannotBeReached is the error that a driver with a wire has of its dialer or socket. It is not driver.ErrBadConn, which database/sql answers
// with another attempt.
func cannotBeReached(op string, err error) error {
	return fmt.Errorf("the database cannot be reached (a simulated fault): %w", &net.OpError{Op: op, Net: "sqlite", Err: err})
}

// simulatedUnreachable reports whether err is that a fault kept the database from being reached, or that its connection is lost. SQLite itself,
// which is in this process, is always reached.
func simulatedUnreachable(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.As(err, new(*net.OpError))
}

// simulatedRefused reports whether err is that no connection could be made.
func simulatedRefused(err error) bool {
	var e *net.OpError
	return errors.As(err, &e) && e.Op == "dial"
}

// Fault returns the fault in force, or the last one. Where the database has a wire of its own, the error is ErrWire.
func (s *Store) Fault() (api.FaultSeen, error) {
	if s.wire == nil {
		return api.FaultSeen{}, ErrWire
	}
	return s.wire.seen(), nil
}

// BeginFault puts a fault in force, which Validate has passed. The error is ErrFaulty if there is one already, and ErrWire as that of Fault.
func (s *Store) BeginFault(f api.Fault) (api.FaultSeen, error) {
	if s.wire == nil {
		return api.FaultSeen{}, ErrWire
	}
	return s.wire.begin(f)
}

// EndFault ends the fault in force and returns what was seen of it. Without one it returns the last. The error is that of Fault.
func (s *Store) EndFault() (api.FaultSeen, error) {
	if s.wire == nil {
		return api.FaultSeen{}, ErrWire
	}
	return s.wire.end(), nil
}
