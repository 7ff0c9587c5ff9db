package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"loadlab/loadgen/internal/collect"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

// closeLimit is how long the last answer may take.
const closeLimit = 2 * time.Second

// offered runs a scenario whose progress and results somebody fetches from elsewhere.
func (f *runFlags) offered(ctx context.Context, env environment, cfg run.Config) error {
	if f.workers.secret == "" {
		return usageError{errors.New(collect.Flag + " goes with --workers-at and --secret")}
	}
	if f.outcome.live != "" {
		return usageError{errors.New(live.Flag + " does not go with " + collect.Flag + ": who collects serves the page")}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := ctx // by a signal, and not by who follows
	ctx, end := context.WithCancel(ctx)
	defer end()
	server, err := collect.Serve(ctx, f.collectAt, cfg.Workers.Secret, end)
	if err != nil {
		return usageError{err}
	}
	defer func() {
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		_ = server.Close(left) // the process ends
	}()
	cfg.Progress, cfg.Live, cfg.Stack.Log = server, &server.Live.Watch, io.MultiWriter(env.stderr, server)
	var text []byte
	out := f.outcome
	out.concluded = func(r *result.Run) { text, err = json.Marshal(r) }
	err = errors.Join(runAndReport(ctx, env, cfg, out), err)
	over := collect.Over{Code: exitCode(err)}
	if err != nil {
		over.Error = err.Error()
	}
	server.Over(over, text)
	if !server.Await(ended, f.pods.hold) {
		fmt.Fprintln(env.stderr, "loadgen: nobody has fetched the results: standard output has the report")
	}
	return err
}
