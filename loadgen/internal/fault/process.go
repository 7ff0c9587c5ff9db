package fault

import (
	"context"
	"fmt"
	"time"

	"loadlab/loadgen/internal/world"
)

// Processes are the processes of a stack. Replicas count from 0.
type Processes interface {
	// KillServer kills a server, and returns its process's number when it has ended. StartServer starts it again where it was, with its data
	// if keep is true and it can, and returns the number of its process when it answers.
	KillServer(ctx context.Context, server string, keep bool) (pid int, err error)
	StartServer(ctx context.Context, server string, keep bool) (pid int, err error)
	// FreezeServer stops a server with all its processes, and returns how many there are. Thaw lets them go on.
	FreezeServer(ctx context.Context, server string) (thaw func(), processes int, err error)
	// TermApp drains and ends an app, KillApp kills it; both return when it has ended. StartApp starts it again.
	TermApp(ctx context.Context, replica int) error
	KillApp(ctx context.Context, replica int) error
	StartApp(ctx context.Context, replica int) error
}

// Signals does faults by signals to processes.
type Signals struct{ Processes Processes }

// Begin implements Doer.
func (p Signals) Begin(ctx context.Context, f world.Fault, s world.Settings) (Running, error) {
	switch {
	case f.Server == world.App:
		return p.app(ctx, f, max(s.Replica, 1)-1)
	case f.Kind == "kill":
		return p.kill(ctx, f.Server, s.Keep)
	}
	thaw, n, err := p.Processes.FreezeServer(ctx, f.Server)
	return ending(func(context.Context) (Seen, error) {
		thaw()
		return Seen{Effect: true, Text: fmt.Sprintf("SIGSTOP stopped its processes, %d in all; SIGCONT let them go on", n)}, nil
	}), err
}

func (p Signals) kill(ctx context.Context, server string, keep bool) (Running, error) {
	pid, err := p.Processes.KillServer(ctx, server, keep)
	return ending(func(ctx context.Context) (Seen, error) {
		started := time.Now()
		next, err := p.Processes.StartServer(ctx, server, keep)
		return Seen{Effect: true, Text: fmt.Sprintf("SIGKILL ended process %d; process %d answered %s after the end", pid, next, seconds(time.Since(started)))}, err
	}), err
}

// app ends a replica. A restart starts it again at once, the other faults when they end.
func (p Signals) app(ctx context.Context, f world.Fault, replica int) (Running, error) {
	end, how := p.Processes.TermApp, "drained and ended"
	if f.Kind == "kill" {
		end, how = p.Processes.KillApp, "was killed"
	}
	began := time.Now()
	if err := end(ctx, replica); err != nil {
		return nil, err
	}
	ended := time.Since(began)
	return ending(func(ctx context.Context) (Seen, error) {
		started := time.Now()
		err := p.Processes.StartApp(ctx, replica)
		again := seconds(time.Since(started))
		return Seen{Effect: true, Text: fmt.Sprintf("replica %d %s in %s, and served again %s after it was started", replica+1, how, seconds(ended), again)}, err
	}), nil
}
