package run

import (
	"context"

	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/stack"
)

// processes are those of a stack, whose apps take their counters with them when they end: the lab's client adds them up over the processes of a
// replica.
type processes struct {
	*stack.Stack
	lab *lab.Client
}

// TermApp implements fault.Processes. What the app had counted when it ended is known.
func (p processes) TermApp(ctx context.Context, i int) error {
	p.lab.Leave(i)
	last, err := p.Stack.TermApp(ctx, i)
	if err != nil {
		return err
	}
	p.lab.Keep(i, last)
	return nil
}

// KillApp implements fault.Processes. What is known is what the app had counted a moment before.
func (p processes) KillApp(ctx context.Context, i int) error {
	last, err := p.lab.Last(ctx, i)
	if err != nil {
		return err
	}
	p.lab.Leave(i)
	p.lab.Keep(i, last)
	return p.Stack.KillApp(ctx, i)
}

// StartApp implements fault.Processes.
func (p processes) StartApp(ctx context.Context, i int) error {
	if err := p.Stack.StartApp(ctx, i); err != nil {
		return err
	}
	p.lab.Return(i)
	return nil
}
