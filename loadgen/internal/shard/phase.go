package shard

import (
	"context"
	"encoding/json"
	"time"
)

// Sink gets what becomes of a phase. Its methods are called one at a time.
type Sink interface {
	// Begin is called when the phase begins, at the time that every worker was told.
	Begin(at time.Time)
	// Report is called for each report of a worker, in their order. An error is the worker's.
	Report(worker int, r *Report) error
	// Lost is called for each worker of which nothing more comes.
	Lost(worker int)
}

// driving is a phase under way.
type driving struct {
	*Coordinator
	sink    Sink
	number  int
	waiting map[int]bool // for: to be ready, and then to be done
	begun   bool
}

// Drive has all workers drive a phase together. It returns when all have reported its end. If ctx ends before, or a worker is lost, the others are stopped, and
// what they report is in the sink. The error is that of a worker which was lost.
func (c *Coordinator) Drive(ctx context.Context, load json.RawMessage, sink Sink) error {
	if err := c.Lost(); err != nil {
		return err
	}
	c.phase++
	d := &driving{Coordinator: c, sink: sink, number: c.phase, waiting: map[int]bool{}}
	d.all(message{Prepare: &Phase{Number: d.number, Load: load}})
	if err := d.ready(ctx); err != nil {
		d.finish(ctx)
		return err
	}
	lead := c.Limits.Lead
	for _, m := range c.members {
		lead = max(lead, 10*m.clock.Trip)
	}
	at := time.Now().Add(lead)
	d.all(message{Start: &begin{Phase: d.number, At: at.UnixNano()}})
	return d.run(ctx, at)
}

// all sends a message to every member, and waits for all.
func (d *driving) all(m message) {
	for i, to := range d.members {
		d.waiting[i] = true
		if err := to.post(m); err != nil {
			d.Lose(i, "cannot be reached: "+err.Error())
		}
	}
}

// ready waits until all members are.
func (d *driving) ready(ctx context.Context) error {
	limit := time.NewTimer(d.Limits.Prepare)
	defer limit.Stop()
	for len(d.waiting) > 0 {
		select {
		case e := <-d.events:
			if e.ready != nil && e.ready.Phase == d.number {
				d.mu.Lock()
				e.clock = e.ready.Clock
				d.mu.Unlock()
				delete(d.waiting, e.Index)
			}
		case <-d.broken:
			return d.Lost()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			if d.cutOff() {
				limit.Reset(d.Limits.Prepare) // it cannot know, or cannot tell
				continue
			}
			for i := range d.waiting {
				d.Lose(i, "was not ready for a phase within "+d.Limits.Prepare.String())
			}
			return d.Lost()
		}
	}
	return d.connected(ctx)
}

// cutOff reports whether a member that is waited for has no connection. It comes back or is given up.
func (d *driving) cutOff() bool {
	for i := range d.waiting {
		if !d.members[i].state().connected {
			return true
		}
	}
	return false
}

// connected waits until all members have a connection: a begin that is named to one without would be over when it learns of it.
func (d *driving) connected(ctx context.Context) error {
	for _, m := range d.members {
		for s := m.state(); !s.connected; s = m.state() {
			select {
			case <-s.changed:
			case <-d.broken:
				return d.Lost()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// run waits for the begin of the phase, and for its end at every member.
func (d *driving) run(ctx context.Context, at time.Time) error {
	start := time.NewTimer(time.Until(at))
	defer start.Stop()
	for len(d.waiting) > 0 {
		select {
		case <-start.C:
			d.begin(at)
		case e := <-d.events:
			d.begin(at) // it may be noticed before this goroutine is woken
			d.take(e)
		case <-d.broken:
			d.finish(ctx)
			return d.Lost()
		case <-ctx.Done():
			d.finish(ctx)
			return d.Lost()
		}
	}
	return nil
}

func (d *driving) begin(at time.Time) {
	if !d.begun {
		d.begun = true
		d.sink.Begin(at)
	}
}

// take passes on what a member reports.
func (d *driving) take(e event) {
	if e.report == nil || e.report.Phase != d.number || !d.waiting[e.Index] {
		return // it is of a phase before, or of a member that was given up
	}
	if err := d.sink.Report(e.Index, e.report); err != nil {
		d.Lose(e.Index, "reports what cannot be: "+err.Error())
	}
	if e.report.Done != nil {
		delete(d.waiting, e.Index)
	}
}

// finish stops the members that are left, and waits for their last reports: within a limit, and not for those that were given up.
func (d *driving) finish(ctx context.Context) {
	for i := range d.waiting {
		if err := d.members[i].post(message{Stop: true}); err != nil {
			d.lost(i)
		}
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Limits.Stop)
	defer cancel()
	for len(d.waiting) > 0 {
		for i := range d.waiting {
			select {
			case <-d.members[i].gone:
				d.drain()
				if d.waiting[i] {
					d.lost(i)
				}
			default:
			}
		}
		tick := time.NewTimer(glance)
		select {
		case e := <-d.events:
			d.take(e)
		case <-tick.C:
		case <-limit.Done():
			for i := range d.waiting {
				d.Lose(i, "has not stopped within "+d.Limits.Stop.String())
				d.lost(i)
			}
		}
		tick.Stop()
	}
}

// glance is how often finish looks which members are left.
const glance = 20 * time.Millisecond

// drain takes what has come.
func (d *driving) drain() {
	for {
		select {
		case e := <-d.events:
			d.take(e)
		default:
			return
		}
	}
}

func (d *driving) lost(i int) {
	delete(d.waiting, i)
	d.sink.Lost(i)
}
