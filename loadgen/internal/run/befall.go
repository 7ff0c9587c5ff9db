package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"loadlab/loadgen/internal/fault"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/world"
)

// befallen is a fault of a phase as it was done. It is complete once the wait of befall has returned.
type befallen struct {
	scenario.Fault
	by           world.Means
	began, ended time.Duration // since the phase began
	seen         fault.Seen
	pinged       string // what a ping of the app to the server came to while the fault lasted, if it shows the fault
}

// befall does the faults of a phase at their times. Its result waits until the last of them is over; one that lasts when ctx ends is ended at
// once, and in any case: what was stopped goes on.
func (r *runner) befall(ctx context.Context, d *driven) (wait func() error) {
	var all sync.WaitGroup
	errs := make([]error, len(d.phase.Faults))
	for i, f := range d.phase.Faults {
		b := &befallen{Fault: f}
		d.befallen = append(d.befallen, b)
		all.Go(func() { errs[i] = r.doFault(ctx, d, b) })
	}
	return func() error {
		all.Wait()
		return errors.Join(errs...)
	}
}

// endLimit is how long the end of a fault may take: a server that was killed is started again, and recovers its data.
const endLimit = 30 * time.Second

// doFault does one fault. It returns nil if the phase ends before the fault's time.
func (r *runner) doFault(ctx context.Context, d *driven, b *befallen) error {
	select {
	case <-d.recorder.Began():
	case <-ctx.Done():
		return nil
	}
	began := time.Now()
	if world.Sleep(ctx, b.At) != nil {
		return nil
	}
	var err error
	if b.by, err = r.subject.stage.Choose(b.Fault.Fault); err != nil {
		return err
	}
	b.began = time.Since(began) // what is done takes its time, and is felt meanwhile: an app that drains refuses connections
	over := r.observers.metrics.Fault(b.Describe())
	defer func() {
		if b.Fault.Fault.Moment { // what is exposed is its band, which the end of the phase ends too
			time.AfterFunc(b.began+aftermath-time.Since(began), over)
			return
		}
		over()
	}()
	running, err := r.subject.stage.Begin(ctx, b.by, b.Fault.Fault, b.Settings)
	if err != nil {
		return err
	}
	if !b.Fault.Fault.Moment {
		b.pinged = r.subject.pingDuring(ctx, b.Fault.Fault, b.For)
		_ = world.Sleep(ctx, b.At+b.For-time.Since(began)) // a phase that ends before its time ends the fault too
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	b.seen, err = running.End(ending)
	b.ended = time.Since(began)
	if err != nil {
		return fmt.Errorf("end %s: %w", b.Describe(), err)
	}
	return nil
}

// evidence returns how it is known that the fault took effect, and whether it is.
func (b *befallen) evidence() (text string, ok bool) {
	text = b.seen.Text
	if b.pinged != "" {
		text += "; " + b.pinged
	}
	return text, b.seen.Effect || b.pinged != ""
}
