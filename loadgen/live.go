package main

import (
	"context"
	"fmt"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/run"
)

// watchers look at a run while it goes on. The zero value has none.
type watchers struct {
	env    environment
	server *live.Server
}

// serveLive serves the page of a run where addr wants it, and has the run feed it. stop ends the run.
func serveLive(ctx context.Context, env environment, cfg *run.Config, addr string, stop func()) (watchers, error) {
	w, err := servePage(ctx, env, addr, stop)
	if w.server != nil {
		cfg.Live = &w.server.Watch
	}
	return w, err
}

// servePage serves a page where addr wants it; nowhere if it is empty.
func servePage(ctx context.Context, env environment, addr string, stop func()) (watchers, error) {
	if addr == "" {
		return watchers{}, nil
	}
	server, url, err := live.Serve(ctx, addr, page.Live, stop)
	if err != nil {
		return watchers{}, usageError{err}
	}
	fmt.Fprintln(env.stderr, "the run can be watched at "+url)
	return watchers{env, server}, nil
}

// take returns what shows what the feed of a run elsewhere has; nil if nobody is to see it.
func (w watchers) take() func(*live.Message) {
	if w.server == nil {
		return nil
	}
	said := false
	return func(m *live.Message) {
		if err := w.server.Take(m); err != nil && !said {
			fmt.Fprintln(w.env.stderr, "loadgen: the page is not shown as it is:", err)
			said = true
		}
	}
}

// serveLiveAB does the same for an A/B test.
func serveLiveAB(ctx context.Context, env environment, cfg *run.ABConfig, addr string, stop func()) (watchers, error) {
	w, err := servePage(ctx, env, addr, stop) // the runs of its epochs are not shown
	if err != nil || w.server == nil {
		return w, err
	}
	cfg.Live = w.server.Test(func(t *ab.Test, doing, token string) ([]byte, []byte, error) {
		drawn, err := page.LiveAB(t, doing, token)
		return drawn.File, drawn.Event, err
	}, func(err error) { fmt.Fprintln(env.stderr, "loadgen: the page is not shown:", err) })
	return w, nil
}

// finish shows the report.
func (w watchers) finish(draw func() (page.Drawn, error)) {
	if w.server == nil {
		return
	}
	drawn, err := draw()
	if err == nil {
		err = w.server.Finish(drawn.File, drawn.Event)
	}
	if err != nil {
		fmt.Fprintln(w.env.stderr, "loadgen: the page has no report:", err)
	}
}

// close ends the page.
func (w watchers) close(ctx context.Context) {
	if w.server == nil {
		return
	}
	if err := w.server.Close(ctx); err != nil {
		fmt.Fprintln(w.env.stderr, "loadgen: close the page:", err)
	}
}
