package shard

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"net"
	"time"

	"loadlab/loadgen/internal/measure"
)

// Driver is what a worker drives load with.
type Driver interface {
	// Join gets the job of the run, once.
	Join(ctx context.Context, job json.RawMessage) error
	// Prepare makes a phase ready. The phase before it is over.
	Prepare(load json.RawMessage) (Load, error)
}

// Load is one phase of a worker.
type Load interface {
	// Drive drives the phase from a time on, to its end or that of ctx.
	Drive(ctx context.Context, at time.Time) Done
	// Flush returns what has come since the call before it; last is whether Drive has returned.
	Flush(last bool) (measure.Delta, []Seen)
}

// WorkerConfig is what a worker is told when it is started.
type WorkerConfig struct {
	Addr   string // of the coordinator
	Secret []byte
	Identity
	Limits Limits
	Dial   func(ctx context.Context) (net.Conn, error) // to the coordinator; nil is by TCP
}

// worker is a worker at work.
type worker struct {
	WorkerConfig
	*line
	tls      *tls.Config
	instance string
	driver   Driver
	messages chan arrived
	over     chan struct{} // closed when there is no connection any more, and never will be
	joined   bool
	ended    bool      // the run has
	phase    *underWay // nil between phases
	clock    Clock
}

// arrived is a message and when it came, or why there are no more.
type arrived struct {
	message
	at  time.Time
	err error
}

// underWay is the phase that a worker has prepared or drives.
type underWay struct {
	number int
	load   Load
	stop   context.CancelFunc
	done   chan Done // nil until it has begun
	second int
}

// waiting is how many messages may wait for the worker, so that it goes on hearing of the coordinator while it prepares a phase: there are no more at once.
const waiting = 16

// Work does a worker's part of a run, to its end. The error is why it could not. A connection that breaks is made again, and what is driven goes on meanwhile; when the
// coordinator is gone, it stops.
func Work(ctx context.Context, c WorkerConfig, driver Driver) error {
	c.Limits = c.Limits.complete()
	config, err := trust(c.Secret)
	if err != nil {
		return err
	}
	w := &worker{
		WorkerConfig: c, line: newLine(c.Limits.Silence), tls: config, instance: rand.Text(), driver: driver,
		messages: make(chan arrived, waiting), over: make(chan struct{}),
	}
	held, leave := context.WithCancel(context.WithoutCancel(ctx)) // the end of ctx is reported
	go func() {
		defer close(w.over)
		_ = w.pass(held, arrived{err: w.hold(held)}) // unless nobody waits for it
	}()
	defer func() { leave(); <-w.over }()
	err = w.work(ctx)
	if w.phase != nil {
		w.phase.end()
	}
	if err != nil {
		w.fail(err)
	}
	return err
}

// fail reports why the worker cannot do its part, to who is there to hear it.
func (w *worker) fail(err error) {
	if w.state().times == 0 || w.post(message{Failed: err.Error()}) != nil {
		return
	}
	limit := time.NewTimer(partLimit)
	defer limit.Stop()
	for s := w.state(); s.kept > 0; s = w.state() {
		select {
		case <-s.changed:
		case <-w.over:
			return
		case <-limit.C:
			return
		}
	}
}

// work does what the coordinator says until it says that the run is over.
func (w *worker) work(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !w.ended {
		var done <-chan Done
		if w.phase != nil {
			done = w.phase.done
		}
		select {
		case m := <-w.messages:
			if m.err != nil {
				return m.err
			}
			if err := w.obey(ctx, m, tick); err != nil {
				return err
			}
		case d := <-done:
			if err := w.report(&d); err != nil {
				return err
			}
		case <-tick.C:
			tick.Reset(time.Second) // the first of a phase took longer
			if done == nil {
				continue
			}
			if err := w.report(nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	w.acknowledge() // that the run has ended, for which the coordinator waits
	return nil
}

// obey does what a message asks for.
func (w *worker) obey(ctx context.Context, m arrived, tick *time.Ticker) error {
	switch {
	case m.Welcome != nil && !w.joined:
		w.joined = true
		return w.driver.Join(ctx, m.Welcome.Job)
	case m.End:
		w.ended = true
	case m.Prepare != nil:
		return w.prepare(ctx, m.Prepare)
	case m.Start != nil && w.phase != nil && m.Start.Phase == w.phase.number:
		now := time.Now()
		at := now.Add(time.Duration(m.Start.At-now.UnixNano()) - w.clock.Offset)
		ctx, stop := context.WithCancel(ctx)
		p := w.phase
		p.stop, p.done = stop, make(chan Done, 1)
		go func() { p.done <- p.load.Drive(ctx, at) }()
		tick.Reset(max(time.Until(at)+time.Second, time.Millisecond)) // reports are of seconds of the phase, which may have begun while the worker was cut off
	case m.Stop && w.phase != nil:
		return w.stop()
	}
	return nil
}

// prepare makes a phase ready.
func (w *worker) prepare(ctx context.Context, p *Phase) error {
	load, err := w.driver.Prepare(p.Load)
	if err != nil {
		return err
	}
	w.phase = &underWay{number: p.Number, load: load, stop: func() {}}
	stopped, err := w.readClock(ctx)
	switch {
	case err != nil || w.ended:
		return err
	case stopped:
		return w.stop()
	}
	return w.post(message{Ready: &ready{p.Number, w.clock}})
}

// stop ends the phase early.
func (w *worker) stop() error {
	if w.phase.done == nil {
		d := Done{}
		d.Result.Interrupted = true
		return w.report(&d)
	}
	w.phase.stop()
	return nil
}

// report sends what has come of the phase; with d, for the last time.
func (w *worker) report(d *Done) error {
	p := w.phase
	r := &Report{Phase: p.number, Second: p.second, Done: d}
	p.second++
	r.Delta, r.Seen = p.load.Flush(d != nil)
	if d != nil {
		p.stop()
		w.phase = nil
	}
	return w.post(message{Report: r})
}

// end stops a phase that nobody wants any more.
func (p *underWay) end() {
	p.stop()
	if p.done != nil {
		<-p.done
	}
}

// exchanges is how many times a worker asks the coordinator for the time.
const exchanges = 8

// readClock measures how the coordinator's clock differs from this one. It reports whether the phase, or the run, was ended meanwhile.
func (w *worker) readClock(ctx context.Context) (stopped bool, err error) {
	for i := 0; i < exchanges && !stopped; i++ {
		asked := time.Now().UnixNano()
		w.say(message{Ask: &stamps{Asked: asked}})
		for answered := false; !answered && !stopped; {
			var m arrived
			select {
			case m = <-w.messages:
			case <-ctx.Done():
				return stopped, context.Cause(ctx)
			}
			switch {
			case m.err != nil:
				return stopped, m.err
			case m.Welcome != nil: // of a new connection: the question, or its answer, may be lost
				asked = time.Now().UnixNano()
				w.say(message{Ask: &stamps{Asked: asked}})
			case m.Time != nil && m.Time.Asked == asked:
				answered = true
				if c := clockOf(*m.Time, m.at.UnixNano()); i == 0 || c.Trip < w.clock.Trip {
					w.clock = c
				}
			case m.Stop, m.End:
				stopped, w.ended = true, m.End
			}
		}
	}
	return stopped, nil
}

// clockOf is what one exchange shows, whose answer came at a time by this clock.
func clockOf(s stamps, came int64) Clock {
	trip := time.Duration(came - s.Asked - (s.Answered - s.Received))
	return Clock{
		Offset: time.Duration((s.Received-s.Asked)+(s.Answered-came)) / 2,
		Error:  trip / 2,
		Trip:   trip,
	}
}
