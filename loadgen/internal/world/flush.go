package world

import (
	"context"
	"time"
)

// flush empties the cache.
func flush() Action {
	return Action{
		Name: "flush", Doc: "empties the cache", During: true, Lab: true,
		Do: func(ctx context.Context, s Subject, _ time.Duration) error { return s.Flush(ctx) },
	}
}
