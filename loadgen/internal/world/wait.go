package world

import (
	"context"
	"time"
)

// wait lets time pass.
func wait() Action {
	return Action{
		Name: "wait", Doc: "lets time pass", Timed: true,
		Do: func(ctx context.Context, _ Subject, d time.Duration) error { return Sleep(ctx, d) },
	}
}

// Sleep returns nil when so much time has passed, or the error of ctx if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
