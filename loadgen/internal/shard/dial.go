package shard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// again is how long a worker waits before it dials once more.
const again = 200 * time.Millisecond

// reach connects to the coordinator. Workers and the coordinator start in any order, so that one that cannot be reached yet, or whose name is not known yet,
// is dialled until the time to join is over. Who answers and has not the secret is not asked again.
func (c *WorkerConfig) reach(ctx context.Context, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Join)
	defer cancel()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Addr)
		if err == nil {
			return c.shake(ctx, tls.Client(conn, config))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(err, ctx.Err()) {
				err = context.Cause(ctx)
			}
			return nil, fmt.Errorf("reach the coordinator at %s: %w", c.Addr, err)
		}
	}
}

// shake has both ends show that they have the secret.
func (c *WorkerConfig) shake(ctx context.Context, conn *tls.Conn) (net.Conn, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it is of no use
		return nil, fmt.Errorf("reach the coordinator at %s: %w", c.Addr, err)
	}
	return conn, nil
}
