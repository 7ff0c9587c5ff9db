package main

import (
	"context"
	"fmt"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/run"
)

// watchers look at a run while it goes on. The zero value has none.
type watchers struct {
	env    environment
	server *live.Server
}

// serveLive serves the page of a run where addr wants it, and has the run feed it. stop ends the run.
func serveLive(ctx context.Context, env environment, cfg *run.Config, addr string, stop func()) (watchers, error) {
	if addr == "" {
		return watchers{}, nil
	}
	server, url, err := live.Serve(ctx, addr, page.Live, stop)
	if err != nil {
		return watchers{}, usageError{err}
	}
	cfg.Live = &server.Watch
	fmt.Fprintln(env.stderr, "the run can be watched at "+url)
	return watchers{env, server}, nil
}

// finish shows the report.
func (w watchers) finish(r *report.Report) {
	if w.server == nil {
		return
	}
	if err := w.server.Finish(func() ([]byte, []byte, error) { return page.Report(r) }); err != nil {
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
