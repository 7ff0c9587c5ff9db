package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/unit"
)

// When a phase may be found hopeless: not by its first requests.
const (
	abortEvery = 100 * time.Millisecond
	abortAfter = 500 * time.Millisecond
	abortEnded = 20 // requests
)

var errHopeless = errors.New("the phase has no hope")

// abortable returns the context of a phase's load, which ends when the phase is found hopeless. end ends the watch, and returns what was found; nil if nothing was.
func (r *runner) abortable(ctx context.Context, d *driven) (load context.Context, end func() *result.Abort) {
	when := d.phase.AbortWhen
	if when == nil {
		return ctx, func() *result.Abort { return nil }
	}
	load, cancel := context.WithCancelCause(ctx)
	found := make(chan *result.Abort, 1)
	go func() { found <- watchAbort(load, d.recorder, *when, cancel) }()
	return load, func() *result.Abort {
		cancel(nil)
		a := <-found
		if a == nil || !errors.Is(context.Cause(load), errHopeless) {
			return nil
		}
		a.Round, a.Mode, a.Phase, a.Line, a.Of = d.block.round, d.block.name(), d.phase.Name, d.phase.Line, d.phase.Length()
		return a
	}
}

// watchAbort looks at a phase until the condition holds, and then cancels its load, or until ctx ends.
func watchAbort(ctx context.Context, recorder recording, when scenario.Abort, cancel context.CancelCauseFunc) *result.Abort {
	select {
	case <-recorder.Began():
	case <-ctx.Done():
		return nil
	}
	began := time.Now()
	tick := time.NewTicker(abortEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		took, all := time.Since(began), recorder.Snapshot().All
		if value := soFar(all, when.Figure); took >= abortAfter && all.Ended >= abortEnded && value > when.Least {
			cancel(errHopeless)
			return &result.Abort{When: when.String(), Figure: when.Figure, Value: shownFigure(when.Figure, value), Bound: shownFigure(when.Figure, when.Least), After: took}
		}
	}
}

// soFar is a figure of AbortFigures of a phase under way.
func soFar(all measure.Tally, name string) float64 {
	switch name {
	case "errors":
		return float64(all.Failed)
	case "p50":
		return figure.Millis(all.P50)
	case "p95":
		return figure.Millis(all.P95)
	case "p99":
		return figure.Millis(all.P99)
	}
	return float64(all.Failed) / float64(max(all.Ended, 1)) // error_ratio
}

// shownFigure is the value of such a figure for people.
func shownFigure(name string, value float64) string {
	if name[0] == 'p' {
		return unit.Latency(figure.Duration(value))
	}
	const digits = 3
	return strconv.FormatFloat(value, 'g', digits, 64)
}

// sentence is about a phase that was ended before its time.
func sentence(a result.Abort) string {
	text := fmt.Sprintf("%s, %s, round %d, was ended after %s", a.Mode, a.Phase, a.Round, unit.Length(a.After.Round(abortEvery)))
	if a.Of > 0 {
		text += " of " + unit.Length(a.Of)
	}
	return text
}
