package shard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// How long a worker waits before it dials once more: at first, and after attempts in vain, each of which doubles it.
const (
	leastPause = 50 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

// How many connections can be tried in the time that an end may be silent, where none comes to an answer; and the least that one may take, as machines are busy.
const (
	attempts = 8
	leastTry = 250 * time.Millisecond
)

// refusedError is the coordinator's answer to who has the secret and is not what it should be.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return "the coordinator refuses this worker: it " + e.reason }

// hold keeps the worker connected, over as many connections as it takes, until ctx or the run ends. It returns why it cannot any more.
func (w *worker) hold(ctx context.Context) error {
	gone := "reach the coordinator at " + w.Addr
	until, away, ended := time.Now().Add(w.Limits.Join), time.Time{}, false
	for {
		conn, welcome, err := w.connect(ctx, until, away)
		if err != nil {
			return fmt.Errorf("%s: %w", gone, err)
		}
		undo := context.AfterFunc(ctx, conn.close)
		w.attach(conn, welcome.Received, 0)
		err = w.pass(ctx, arrived{message: message{Welcome: welcome}})
		if err == nil {
			err = w.carry(conn, func(m arrived) error {
				ended = ended || m.End
				return w.pass(ctx, m)
			})
		}
		away = w.detach(err)
		if undo(); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if ended {
			return nil
		}
		gone = "the coordinator is gone"
		if errors.As(err, new(fatal)) {
			return fmt.Errorf("%s: %w", gone, err)
		}
		until = away.Add(w.Limits.Silence)
	}
}

// pass hands a message over to who does the work.
func (w *worker) pass(ctx context.Context, m arrived) error {
	select {
	case w.messages <- m:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// connect dials until there is a connection or the time is over. Workers and the coordinator start in any order, a name may not be known yet, and what cut a connection may cut the
// next. Who answers and has not the secret, or refuses the worker, is not asked again.
func (w *worker) connect(ctx context.Context, until, away time.Time) (*wire, *welcome, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		conn, welcome, err := w.greet(ctx, away)
		if err == nil || errors.Is(err, ErrSecret) || errors.As(err, new(*refusedError)) {
			return conn, welcome, err
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return nil, nil, err
		}
	}
}

// greet makes a connection on which both ends have shown that they have the secret, and have told each other what they have received.
func (w *worker) greet(ctx context.Context, away time.Time) (*wire, *welcome, error) {
	ctx, cancel := context.WithTimeout(ctx, max(w.Limits.Silence/attempts, leastTry))
	defer cancel()
	raw, err := w.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn := newWire(tls.Client(raw, w.tls), w.Limits.Silence)
	undo := context.AfterFunc(ctx, conn.close)
	welcome, err := w.hello(ctx, conn, away)
	if err == nil && !undo() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.close()
		return nil, nil, err
	}
	return conn, welcome, nil
}

func (w *worker) dial(ctx context.Context) (net.Conn, error) {
	if w.Dial != nil {
		return w.Dial(ctx)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", w.Addr)
}

func (w *worker) hello(ctx context.Context, conn *wire, away time.Time) (*welcome, error) {
	if err := conn.conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	h := hello{Identity: w.Identity, Instance: w.instance, Received: w.has()}
	if !away.IsZero() {
		h.Away = time.Since(away)
	}
	if err := conn.send(message{Hello: &h}); err != nil {
		return nil, err
	}
	m, _, err := conn.receive()
	switch {
	case err != nil:
		return nil, err
	case m.Refused != "":
		return nil, &refusedError{m.Refused}
	case m.Welcome == nil:
		return nil, errors.New("it answers something else than a coordinator")
	}
	return m.Welcome, nil
}
