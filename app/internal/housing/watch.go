package housing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/probe"
)

// pingTimeout bounds the question whether the database answers.
const pingTimeout = time.Second

// newWatch returns the watch of a store's database. It has no breaker: a page that is not cached can be had from nowhere else. A statement
// that is not answered in time may wait for a lock, so what makes an outage is a new connection that is not answered either.
func newWatch(book *outage.Book, connector driver.Connector, log *slog.Logger) *outage.Watch {
	if book == nil {
		book = outage.NewBook(nil)
	}
	return book.Watch(outage.Config{
		Dependency: api.DependencyDatabase,
		Ping:       func(ctx context.Context) error { return ping(ctx, connector) },
		Timeout:    func() time.Duration { return pingTimeout },
		Confirm:    true,
		Log:        log,
	})
}

// ping asks the database on a connection of its own: those of the pool may all be in use, or dead.
func ping(ctx context.Context, connector driver.Connector) error {
	conn, err := connector.Connect(ctx)
	if err != nil {
		return oneLine(err)
	}
	if p, ok := conn.(driver.Pinger); ok {
		err = p.Ping(ctx)
	}
	return errors.Join(err, conn.Close())
}

// Ping returns an error unless the database answers on a new connection.
func (s *Store) Ping(ctx context.Context) error { return ping(ctx, s.connector) }

// work is a sequence of statements on one connection.
type work func(context.Context, bun.Conn) error

// within runs f on one connection of db within the store's timeout. The error is an *outage.Error if the database did not answer, or not in
// time.
func (s *Store) within(ctx context.Context, db *bun.DB, f work) error {
	return s.watched(ctx, func(ctx context.Context) error {
		err := s.once(ctx, db, f)
		if s.stale(ctx, err) {
			s.dropIdle()
		}
		return err
	})
}

// reading is within for what only reads. A connection that a server left behind when it ended fails its next statement, however long there
// has been another server: then f is run once more, on a new connection.
func (s *Store) reading(ctx context.Context, db *bun.DB, f work) error {
	return s.watched(ctx, func(ctx context.Context) error {
		err := s.once(ctx, db, f)
		if s.stale(ctx, err) {
			s.dropIdle()
			err = s.once(ctx, db, f)
		}
		return err
	})
}

// watched makes one call to the database, and notes what came of it.
func (s *Store) watched(ctx context.Context, call func(context.Context) error) error {
	started := time.Now()
	inner, cancel := context.WithTimeout(ctx, s.timeout-s.dialect.graceOf(s.timeout))
	defer cancel()
	watched, _ := s.watch.Begin(started) // it has no breaker
	err := call(inner)
	result := s.resultOf(ctx, err)
	if result == outage.Failed {
		probe.From(ctx).Count(api.CountDBFailures)
		err = &outage.Error{Dependency: api.DependencyDatabase, Err: err}
	}
	s.watch.End(watched, result, err)
	return err
}

// resultOf returns what err of a call shows of the database. ctx is the caller's, without the store's timeout: if that has ended, nobody
// waited for the database any more.
func (s *Store) resultOf(ctx context.Context, err error) outage.Result {
	switch {
	case err == nil:
		return outage.Answered
	case outage.GaveUp(ctx) || errors.Is(err, sql.ErrConnDone):
		return outage.Unknown
	case errors.Is(err, context.DeadlineExceeded) || s.dialect.unreachable(err):
		return outage.Failed
	}
	return outage.Answered
}

// stale reports whether err is that the connection was dead, of which a new one may know nothing.
func (s *Store) stale(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && s.dialect.unreachable(err) && !s.dialect.refused(err)
}

// dropIdle closes the connections that nobody uses: when one is dead, so are most.
func (s *Store) dropIdle() {
	s.db.SetMaxIdleConns(-1)
	s.db.SetMaxIdleConns(s.connections)
}
