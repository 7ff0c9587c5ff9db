package housing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// Errors of table locks that callers distinguish with errors.Is.
var (
	ErrNoWaiting = errors.New("nobody waits for a lock here: SQLite's readers (WAL) never wait for a writer")
	ErrLocked    = errors.New("the table is locked already: unlock it first")
)

const (
	lockLook  = 50 * time.Millisecond // how often it is looked who waits
	lockGrace = 5 * time.Second       // for the statements around a lock
)

// locks are the locks of the table of properties that this process took: one at a time. The zero value is none.
type locks struct {
	mu      sync.Mutex
	last    *tableLock
	takes   bool // one is being taken
	stopped bool // no more are
}

// tableLock is a long transaction that holds the table, on connections of its own.
type tableLock struct {
	stop func()        // asks for its end
	done chan struct{} // closed after it

	mu     sync.Mutex // guards all below
	seen   api.LockSeen
	waited map[string]struct{} // transactions
}

func (l *tableLock) now() api.LockSeen {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

// LockTable begins a transaction that locks the table of properties against readers and writers, waits until the lock is granted, and returns.
// The transaction ends after d, by UnlockTable or with the Store. The error is ErrNoWaiting where a lock would not be noticed, and ErrLocked
// if there is one already.
func (s *Store) LockTable(ctx context.Context, d time.Duration) (api.LockSeen, error) {
	if s.dialect.tableLock == "" {
		return api.LockSeen{}, ErrNoWaiting
	}
	if err := s.locks.begin(); err != nil {
		return api.LockSeen{}, err
	}
	l, err := s.lockTable(ctx, d)
	if stopped := s.locks.began(l); stopped {
		s.locks.end()
	}
	if err != nil {
		return api.LockSeen{}, fmt.Errorf("lock the table of properties: %w", because(ctx, oneLine(err)))
	}
	return l.now(), nil
}

// UnlockTable ends the lock and returns what was seen of it, as it does after a lock has ended by itself. The error is ErrNoWaiting as that of
// LockTable, or the context's.
func (s *Store) UnlockTable(ctx context.Context) (api.LockSeen, error) {
	if s.dialect.tableLock == "" {
		return api.LockSeen{}, ErrNoWaiting
	}
	l := s.locks.get()
	if l == nil {
		return api.LockSeen{}, nil
	}
	l.stop()
	select {
	case <-l.done:
		return l.now(), nil
	case <-ctx.Done():
		return l.now(), fmt.Errorf("unlock the table of properties: %w", ctx.Err())
	}
}

// TableLock returns the lock, or the last one. The error is ErrNoWaiting as that of LockTable.
func (s *Store) TableLock() (api.LockSeen, error) {
	if s.dialect.tableLock == "" {
		return api.LockSeen{}, ErrNoWaiting
	}
	if l := s.locks.get(); l != nil {
		return l.now(), nil
	}
	return api.LockSeen{}, nil
}

func (l *locks) get() *tableLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// begin makes sure that there is one lock at a time.
func (l *locks) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.takes || l.stopped || l.last != nil && l.last.now().Held {
		return ErrLocked
	}
	l.takes = true
	return nil
}

// began keeps the lock that was taken; nil if it could not be. It reports whether end has been called meanwhile.
func (l *locks) began(taken *tableLock) (stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takes = false
	if taken != nil {
		l.last = taken
	}
	return l.stopped
}

// end ends the lock and waits for that. There are no more after it.
func (l *locks) end() {
	l.mu.Lock()
	l.stopped = true
	last := l.last
	l.mu.Unlock()
	if last != nil {
		last.stop()
		<-last.done
	}
}

// lockTable takes the lock on connections that are not the pool's: what waits for the lock is not to wait for a connection.
func (s *Store) lockTable(ctx context.Context, d time.Duration) (*tableLock, error) {
	connector, err := s.dialect.connector(s.address, 0)
	if err != nil {
		return nil, err
	}
	db := bun.NewDB(sql.OpenDB(connector), s.dialect.bun())
	granting, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	holder, pid, err := s.hold(granting, db, d)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ctx, cancelAll := context.WithTimeout(context.WithoutCancel(ctx), d+lockGrace)
	stop := make(chan struct{})
	l := &tableLock{stop: sync.OnceFunc(func() { close(stop) }), done: make(chan struct{}), waited: map[string]struct{}{}}
	l.seen = api.LockSeen{Lock: api.Lock{For: api.Duration(d)}, Held: true, Since: time.Now()}
	go func() {
		defer close(l.done)
		defer cancelAll()
		err := l.watch(ctx, d, stop, func() error { return l.look(ctx, db, s.dialect.tableLocks, pid) })
		if err == nil { // else the connection may be gone, and the lock with it
			_, err = holder.ExecContext(ctx, "ROLLBACK")
		}
		l.ended(errors.Join(err, holder.Close(), db.Close()))
	}()
	return l, nil
}

// hold returns a connection in a transaction that holds the lock, and the number of the server's process for it. The server ends the
// transaction by itself if this process stands still.
func (s *Store) hold(ctx context.Context, db *bun.DB, d time.Duration) (_ *sql.Conn, pid int64, err error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, conn.Close())
		}
	}()
	if err := conn.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return nil, 0, err
	}
	limit := strconv.FormatInt((d + lockGrace).Milliseconds(), 10)
	for _, statement := range []string{"SET idle_in_transaction_session_timeout = " + limit, "BEGIN", s.dialect.tableLock} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, 0, err
		}
	}
	return conn, pid, nil
}

// watch looks who waits until the time is over or stop is closed, the last time right before it returns.
func (l *tableLock) watch(ctx context.Context, d time.Duration, stop <-chan struct{}, look func() error) error {
	end, tick := time.NewTimer(d), time.NewTicker(lockLook)
	defer end.Stop()
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := look(); err != nil {
				return err
			}
			continue
		case <-end.C:
		case <-stop:
		case <-ctx.Done():
			return ctx.Err()
		}
		return look()
	}
}

// look counts the transactions that wait. It fails if the lock is not held any more.
func (l *tableLock) look(ctx context.Context, db *bun.DB, query string, holder int64) error {
	rows, err := db.DB.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err returns it
	held := false
	var waiting []string
	for rows.Next() {
		var pid int64
		var transaction string
		var granted bool
		if err := rows.Scan(&pid, &transaction, &granted); err != nil {
			return err
		}
		if held = held || granted && pid == holder; !granted {
			waiting = append(waiting, transaction)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !held {
		return errors.New("the server has ended the transaction that held the lock")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, transaction := range waiting {
		l.waited[transaction] = struct{}{}
	}
	l.seen.Waiting = int64(len(waiting))
	l.seen.MaxWaiting = max(l.seen.MaxWaiting, l.seen.Waiting)
	l.seen.Waited = int64(len(l.waited))
	return nil
}

// ended notes that the lock is held no more.
func (l *tableLock) ended(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Held, l.seen.Ended, l.seen.Waiting = false, time.Now(), 0
	if err != nil {
		l.seen.Error = oneLine(err).Error()
	}
}
