package shard

import (
	"context"
	"encoding/json"
	"fmt"
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
}

// worker is a worker at work.
type worker struct {
	*wire
	driver   Driver
	messages chan arrived
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

// Work does a worker's part of a run, to its end. The error is why it could not. When the coordinator is gone, it stops what it drives.
func Work(ctx context.Context, c WorkerConfig, driver Driver) error {
	c.Limits = c.Limits.complete()
	config, err := trust(c.Secret)
	if err != nil {
		return err
	}
	conn, err := c.reach(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := &worker{wire: &wire{conn: conn, silence: c.Limits.Silence}, driver: driver, messages: make(chan arrived)}
	if err := w.join(ctx, c.Identity); err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	go w.beat(stop)
	go func() {
		for {
			m, at, err := w.receive()
			select {
			case w.messages <- arrived{m, at, err}:
			case <-stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	err = w.work(ctx)
	if w.phase != nil {
		w.phase.end()
	}
	if err != nil {
		_ = w.send(message{Failed: err.Error()}) // who is gone does not need it
	}
	return err
}

// join registers, and gets the job.
func (w *worker) join(ctx context.Context, id Identity) error {
	if err := w.send(message{Hello: &id}); err != nil {
		return err
	}
	for {
		m, _, err := w.receive()
		switch {
		case err != nil:
			return fmt.Errorf("register with the coordinator: %w", err)
		case m.Refused != "":
			return fmt.Errorf("the coordinator refuses this worker: it %s", m.Refused)
		case m.Welcome != nil:
			if err := w.driver.Join(ctx, m.Welcome); err != nil {
				_ = w.send(message{Failed: err.Error()})
				return err
			}
			return nil
		}
	}
}

// work does what the coordinator says until it says that the run is over.
func (w *worker) work(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var done <-chan Done
		if w.phase != nil {
			done = w.phase.done
		}
		select {
		case m := <-w.messages:
			if m.err != nil {
				return fmt.Errorf("the coordinator is gone: %w", m.err)
			}
			if m.End {
				return nil
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
}

// obey does what a message asks for.
func (w *worker) obey(ctx context.Context, m arrived, tick *time.Ticker) error {
	switch {
	case m.Prepare != nil:
		load, err := w.driver.Prepare(m.Prepare.Load)
		if err != nil {
			return err
		}
		w.phase = &underWay{number: m.Prepare.Number, load: load, stop: func() {}}
		clock, stopped, err := w.readClock()
		if err != nil {
			return err
		}
		w.clock = clock
		if stopped {
			return w.obey(ctx, arrived{message: message{Stop: true}}, tick)
		}
		return w.send(message{Ready: &ready{m.Prepare.Number, w.clock}})
	case m.Start != nil && w.phase != nil && m.Start.Phase == w.phase.number:
		now := time.Now()
		at := now.Add(time.Duration(m.Start.At-now.UnixNano()) - w.clock.Offset)
		ctx, stop := context.WithCancel(ctx)
		p := w.phase
		p.stop, p.done = stop, make(chan Done, 1)
		go func() { p.done <- p.load.Drive(ctx, at) }()
		tick.Reset(time.Until(at) + time.Second) // reports are of seconds of the phase
		return nil
	case m.Stop && w.phase != nil:
		if w.phase.done == nil {
			d := Done{}
			d.Result.Interrupted = true
			return w.report(&d)
		}
		w.phase.stop()
	}
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
	return w.send(message{Report: r})
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

// readClock measures how the coordinator's clock differs from this one. It reports whether the phase was stopped meanwhile.
func (w *worker) readClock() (best Clock, stopped bool, err error) {
	for i := range exchanges {
		if err := w.send(message{Ask: &stamps{Asked: time.Now().UnixNano()}}); err != nil {
			return best, stopped, err
		}
		m := <-w.messages
		for m.err == nil && m.Time == nil {
			stopped = stopped || m.Stop
			m = <-w.messages
		}
		if m.err != nil {
			return best, stopped, fmt.Errorf("ask the coordinator for the time: %w", m.err)
		}
		c := clockOf(*m.Time, m.at.UnixNano())
		if i == 0 || c.Trip < best.Trip {
			best = c
		}
	}
	return best, stopped, nil
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
