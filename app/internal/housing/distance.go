package housing

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// wire stands in for what a database without one has none of: a distance, and faults. The connections of its connectors wait before each
// round trip that a wire would cost, which is one for every statement, prepare, begin, commit, rollback and ping. A wait ends with its
// context, or with the wire.
type wire struct {
	alarm func() alarm
	now   atomic.Pointer[conditions] // nil: no distance and no fault
	trips atomic.Uint64              // that had a jitter
	done  chan struct{}              // closed by close
	close func()                     // ends what waits for a fault that does not

	mu   sync.Mutex // guards now against other writers, and all below
	made uint64     // connections, also those that failed
	open map[*distantConn]struct{}
	last *fault // the last fault, which may be over
}

// conditions are what every round trip meets. They are never modified, only replaced.
type conditions struct {
	rtt    time.Duration
	jitter time.Duration // the most that is added to the delay of each direction
	fault  *fault        // in force; nil for none
}

func newWire(a func() alarm) *wire {
	w := &wire{alarm: a, done: make(chan struct{}), open: map[*distantConn]struct{}{}}
	w.close = sync.OnceFunc(func() { close(w.done) })
	return w
}

// setDistance changes the distance of all connections.
func (w *wire) setDistance(rtt, jitter time.Duration) {
	w.change(func(c *conditions) { c.rtt, c.jitter = rtt, jitter })
}

// change replaces the conditions.
func (w *wire) change(f func(*conditions)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changeLocked(f)
}

func (w *wire) changeLocked(f func(*conditions)) {
	var next conditions
	if now := w.now.Load(); now != nil {
		next = *now
	}
	if f(&next); next == (conditions{}) {
		w.now.Store(nil)
		return
	}
	w.now.Store(&next)
}

// delay returns how long the next round trip takes. Jitter is that of a link: drawn for each direction, uniformly. The k-th round trip always
// has the same.
func (w *wire) delay(c *conditions) time.Duration {
	if c.jitter == 0 {
		return c.rtt
	}
	k := w.trips.Add(1)
	return c.rtt + part(c.jitter, 2*k) + part(c.jitter, 2*k+1)
}

// part returns the k-th of durations that are uniform from 0 to most: the output function of SplitMix64.
func part(most time.Duration, k uint64) time.Duration {
	z := k * golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	high, _ := bits.Mul64(z, uint64(most)+1) //nolint:gosec // a knob is not negative
	return time.Duration(high)               //nolint:gosec // at most most
}

// golden is 2^64 over the golden ratio: the multiples of no other number are spread as evenly (Knuth, volume 3, 6.4).
const golden = 0x9e3779b97f4a7c15

// distant is a connector to a database at the end of a wire.
type distant struct {
	driver.Connector
	wire *wire
}

// localConn is what a connection must be to be put at a distance: all that database/sql uses of it.
type localConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// Connect implements driver.Connector. What the inner connector does to prepare a connection waits for nothing but a fault.
func (d distant) Connect(ctx context.Context) (driver.Conn, error) {
	number := d.wire.number()
	if err := d.wire.connect(ctx, number); err != nil {
		return nil, err
	}
	inner, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := inner.(localConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T cannot be put at a distance", inner), inner.Close())
	}
	c := &distantConn{localConn: conn, wire: d.wire, number: number}
	d.wire.mu.Lock()
	d.wire.open[c] = struct{}{}
	d.wire.mu.Unlock()
	return c, nil
}

// number returns that of the next connection.
func (w *wire) number() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	return w.made
}

type distantConn struct {
	localConn
	wire   *wire
	number uint64
	alarm  alarm                 // made by the first wait
	fate   atomic.Pointer[fault] // one that stays with the connection when it is over
	lost   error                 // what every round trip returns from now on
}

// wait is a round trip: what comes before the statement. It costs two loads when there is neither a distance nor a fault.
func (c *distantConn) wait(ctx context.Context) error {
	now, fate := c.wire.now.Load(), c.fate.Load()
	if now == nil && fate == nil && c.lost == nil {
		return nil
	}
	if c.lost != nil {
		return c.lost
	}
	var d time.Duration
	if now != nil {
		d = c.wire.delay(now)
		if fate == nil {
			fate = now.fault
		}
	}
	if fate != nil && fate.hits(c.number) {
		later, err := c.meet(ctx, fate)
		if err != nil {
			return err
		}
		d += later
	}
	if d == 0 {
		return nil
	}
	if c.alarm == nil {
		c.alarm = c.wire.alarm()
	}
	return c.alarm.wait(ctx, d)
}

// IsValid implements driver.Validator: a connection that is lost does not go back to the pool.
func (c *distantConn) IsValid() bool { return c.lost == nil && c.localConn.IsValid() }

// Close implements driver.Conn. It waits for nothing.
func (c *distantConn) Close() error {
	c.wire.mu.Lock()
	delete(c.wire.open, c)
	c.wire.mu.Unlock()
	if c.alarm != nil {
		c.alarm.close()
	}
	return c.localConn.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *distantConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	return c.localConn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *distantConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	return c.localConn.QueryContext(ctx, query, args)
}

// Ping implements driver.Pinger.
func (c *distantConn) Ping(ctx context.Context) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	return c.localConn.Ping(ctx)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *distantConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	inner, err := c.localConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := inner.(localStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T cannot be put at a distance", inner), inner.Close())
	}
	return &distantStmt{stmt, c.wait}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *distantConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	tx, err := c.localConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return distantTx{tx, func() error { return c.wait(ctx) }}, nil
}

// localStmt is what a prepared statement must be to be put at a distance.
type localStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type distantStmt struct {
	localStmt
	wait func(context.Context) error
}

// ExecContext implements driver.StmtExecContext.
func (s *distantStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.localStmt.ExecContext(ctx, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s *distantStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.localStmt.QueryContext(ctx, args)
}

// distantTx is a transaction whose waits end with the context that it was begun with: Commit and Rollback are given none.
type distantTx struct {
	driver.Tx
	wait func() error
}

// Commit implements driver.Tx. A transaction whose commit is given up is rolled back: the connection goes back to the pool, and whoever
// has it next would be inside of it.
func (t distantTx) Commit() error {
	if err := t.wait(); err != nil {
		return errors.Join(err, t.Tx.Rollback())
	}
	return t.Tx.Commit()
}

// Rollback implements driver.Tx. It rolls back at once when its wait is cut short.
func (t distantTx) Rollback() error {
	_ = t.wait()
	return t.Tx.Rollback()
}
