package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"loadlab/loadgen/internal/cluster"
	"loadlab/loadgen/internal/collect"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
)

const (
	// lostAfter is how long a run in a cluster is asked again when a connection to it ends.
	lostAfter = 30 * time.Second
	// askAgain is how long is waited in between.
	askAgain = 500 * time.Millisecond
	// endLimit is how long a run may take to its end once it is to end.
	endLimit = 90 * time.Second
)

// home follows a run in a cluster, and brings its results home.
type home struct {
	env     environment
	cluster *cluster.Cluster
	name    string
	workers int
	secret  []byte
	start   time.Duration // that pods may take to start

	watchers watchers // of its page
}

// home is that of a run of a name, whose pods may take a time to start, if its results can be written here.
func (f *accessFlags) home(env environment, folder, name string, start time.Duration) (*home, error) {
	if err := writable(folder, stack.Remote); err != nil {
		return nil, err
	}
	c, err := cluster.Connect(f.Access)
	if err != nil {
		return nil, usageError{err}
	}
	return &home{env: env, cluster: c, name: name, start: start}, nil
}

// collected is what a run came to.
type collected struct {
	over   collect.Over
	report []byte
}

// bring shows the run, and then its report as that of a run on this machine. When ctx ends, the run is to; when atOnce does, it is not waited for.
func (h *home) bring(ctx, atOnce context.Context, out outcome) error {
	starting, cancel := context.WithTimeoutCause(ctx, h.start, fmt.Errorf("no pod 0 ran within %s: kubectl -n %s describe job %s says why", h.start, h.cluster.Namespace, h.name))
	defer cancel()
	leader, err := h.cluster.Started(starting, h.name, h.workers, h.log)
	if err != nil {
		return err
	}
	got, err := h.follow(ctx, atOnce, leader)
	switch {
	case errors.Is(err, errAtOnce):
		return err
	case err != nil:
		return fmt.Errorf("the run is lost: %w%s", err, h.ends(ctx, ""))
	}
	if !got.over.Report {
		fmt.Fprintln(h.env.stderr, "loadgen:", got.over.Error+h.ends(ctx, leader))
		return verdict(got.over.Code)
	}
	r, err := result.Parse(got.report)
	if err != nil {
		return fmt.Errorf("the report of the run: %w", err)
	}
	if len(r.Invalid) > 0 {
		h.log(strings.TrimPrefix(h.ends(ctx, leader), "; "))
	}
	return conclude(h.env, r, out, "", h.watchers)
}

func (h *home) log(line string) {
	if line != "" {
		fmt.Fprintln(h.env.stderr, line)
	}
}

// ends is what became of pods that did not end well, to be written after something else; empty if all is well, or nobody knows. leader is pod 0 if the verdict is known.
func (h *home) ends(ctx context.Context, leader string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	list, err := h.cluster.Ends(ctx, h.name, leader)
	if err != nil || len(list) == 0 {
		return ""
	}
	return "; " + strings.Join(list, "; ")
}

// follow shows the run to its end, over as many connections as it takes. When ctx ends, the run is to end in good order, and is followed to its end,
// unless atOnce ends before.
func (h *home) follow(ctx, atOnce context.Context, leader string) (got collected, err error) {
	client, err := collect.NewClient(h.secret, collect.View{Begin: newProgress(h.env).Begin, Log: h.log, Live: h.watchers.take()})
	if err != nil {
		return got, err
	}
	defer client.Leave()
	running, leave := context.WithCancelCause(atOnce)
	defer leave(nil)
	defer context.AfterFunc(ctx, func() {
		h.log("the run is to end: its report follows")
		time.AfterFunc(endLimit, func() { leave(fmt.Errorf("it did not end within %s", endLimit)) })
	})()
	for last := time.Now(); ; {
		known := client.Known()
		got, err := h.over(ctx, running, client, leader)
		if running.Err() != nil && err != nil {
			return got, context.Cause(running)
		}
		if err == nil || errors.Is(err, collect.ErrOther) || errors.Is(err, cluster.ErrRights) {
			return got, err
		}
		if alive, unknown := h.cluster.Alive(running, h.name, leader); unknown == nil && !alive {
			return got, err
		}
		if client.Known() > known {
			last = time.Now()
		}
		if time.Since(last) > lostAfter {
			return got, err
		}
		again := time.NewTimer(askAgain)
		select {
		case <-again.C:
		case <-running.Done():
			again.Stop()
			return got, context.Cause(running)
		}
	}
}

// over follows the run over one connection.
func (h *home) over(ctx, running context.Context, client *collect.Client, leader string) (got collected, err error) {
	f, err := h.cluster.Forward(running, leader, cluster.CollectPort)
	if err != nil {
		return got, err
	}
	defer f.Close()
	url := "http://" + f.Addr(0)
	stop := context.AfterFunc(ctx, func() { _ = client.Stop(running, url) }) // if it fails, the connection has, and the next one does it again
	defer stop()
	if got.over, err = client.Follow(running, url); err != nil {
		return got, err
	}
	if got.over.Report {
		if got.report, err = client.Report(running, url); err != nil {
			return got, err
		}
	}
	_ = client.Done(running, url) // else the pod waits for a while, and costs nothing
	return got, nil
}
