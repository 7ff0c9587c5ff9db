package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"loadlab/internal/quit"
	"loadlab/loadgen/internal/cluster"
)

const (
	// deleteLimit is how long the cluster may take to delete a run.
	deleteLimit = 15 * time.Second
	// atOnceLimit is the same when the command is to end at once.
	atOnceLimit = 3 * time.Second
)

// errAtOnce is the end of a command that was to end in good order, and then at once.
var errAtOnce = fmt.Errorf("there is no report: the run was not waited for: %w", context.Canceled)

// open makes ready what lasts as long as the command: the page of the run on addr, if it is not empty, and what Ctrl-C does. The run is to end in good order when running
// ends, and the command when atOnce does.
func (h *home) open(ctx context.Context, addr string) (running, atOnce context.Context, end func(), err error) {
	running, stop := context.WithCancel(ctx)
	var fromPage atomic.Bool
	h.watchers, err = servePage(running, h.env, addr, func() {
		fromPage.Store(true)
		stop()
	})
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	atOnce, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, quit.Signals()...)
	go func() {
		for asked := 0; ; {
			select {
			case <-signals:
				if asked++; asked == 1 && !fromPage.Load() {
					continue // it has ended running
				}
				leave(errAtOnce)
				signal.Stop(signals) // the next one ends the program
				return
			case <-atOnce.Done():
				return
			}
		}
	}()
	return running, atOnce, func() {
		signal.Stop(signals)
		leave(nil)
		h.watchers.close(ctx)
		stop()
	}, nil
}

// remove deletes the run.
func (h *home) remove(atOnce context.Context) {
	limit := deleteLimit
	if atOnce.Err() != nil {
		limit = atOnceLimit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(atOnce), limit)
	defer cancel()
	if err := h.cluster.Delete(ctx, h.name); err != nil {
		fmt.Fprintf(h.env.stderr, "loadgen: %v (%s does it; else the cluster does, %s after its end)\n", err, h.deletion(), cluster.Kept)
	}
}

// leave says what is left of a run that was not waited for.
func (h *home) leave(atOnce context.Context) {
	if atOnce.Err() != nil {
		h.log(fmt.Sprintf("job %s is left: %s removes it", h.name, h.deletion()))
	}
}

// deletion is the command by which somebody else deletes the run.
func (h *home) deletion() string {
	return fmt.Sprintf("kubectl -n %s delete job %s", h.cluster.Namespace, h.name)
}
