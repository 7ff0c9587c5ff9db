package housing

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// distant is a connector to a database that has no wire: its connections wait before each round trip that a wire would cost, which is one
// for every statement, prepare, begin, commit, rollback and ping. A wait ends with its context.
type distant struct {
	driver.Connector
	wait func(context.Context) error
}

// atDistance puts rtt between the database's clients and the connector.
func atDistance(c driver.Connector, rtt time.Duration) driver.Connector {
	return distant{c, func(ctx context.Context) error {
		timer := time.NewTimer(rtt)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
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

// Connect implements driver.Connector. What the inner connector does to prepare a connection waits for nothing.
func (d distant) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := inner.(localConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T cannot be put at a distance", inner), inner.Close())
	}
	return &distantConn{conn, d.wait}, nil
}

type distantConn struct {
	localConn
	wait func(context.Context) error
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
