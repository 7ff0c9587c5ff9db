package world

import (
	"context"
	"time"
)

// expire makes every cached page reach its expiry now.
func expire() Action {
	return Action{
		Name: "expire", Doc: "makes every cached page reach its expiry now", During: true, Lab: true,
		Do: func(ctx context.Context, s Subject, _ time.Duration) error { return s.Expire(ctx) },
	}
}
