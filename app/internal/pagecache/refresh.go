package pagecache

import (
	"context"
	"errors"
	"log/slog"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
)

// refreshLater starts the refresh of a page whose lock the request has taken. Its span is begun here: the request's own, which makes it a
// recorded one, may have ended by the time the goroutine runs.
func (r *request) refreshLater(ctx context.Context, token string) bool {
	ctx, span := r.startRefresh(ctx)
	work := r.again()
	started := r.c.refreshInBackground(ctx, func(ctx context.Context) {
		err := work.refresh(ctx, token)
		work.logRefresh(ctx, err)
		endWork(span, err)
	})
	if !started {
		endWork(span, nil)
	}
	return started
}

// logRefresh logs what nobody else will see of a refresh that failed. That there is no such page any more is no failure.
func (r *request) logRefresh(ctx context.Context, err error) {
	if err == nil || errors.Is(err, ErrAbsent) {
		return
	}
	level := slog.LevelError
	if errors.Is(err, errDown) || errors.As(err, new(*outage.Error)) {
		level = slog.LevelDebug // the outage has its own lines
	}
	r.cfg.Log.Log(ctx, level, "refresh a page in the background", "strategy", r.strategy, "key", r.key, "err", err)
}

// refresh recomputes the page, unless somebody stored a fresh one after the request had read the old one and before it got the lock.
func (r *request) refresh(ctx context.Context, token string) error {
	defer r.giveBack(ctx, token)
	if e, ok := r.read(ctx); ok {
		defer e.page.Release()
		if e.fresh > 0 {
			return nil
		}
	}
	if r.trouble == api.DetailRedisDown {
		return errDown // where would the page go?
	}
	_, _, err := r.fillAlone(ctx, r.cfg.Grace)
	return err
}
