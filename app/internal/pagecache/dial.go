package pagecache

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// dialer returns o's dialer, but a dial that fails is a connection on which everything fails with the dial's error. go-redis' pool counts
// dials that fail: after as many as it has connections it dials no more, answers with the last error, and looks only once a second whether
// that has changed. A Redis that was gone for a while would be out of use for up to a second more.
func dialer(o *redis.Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(o)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return noConn{err}, nil //nolint:nilerr // the connection has it
		}
		return conn, nil
	}
}

// noConn is a connection that was never made.
type noConn struct{ err error }

// Read implements net.Conn.
func (c noConn) Read([]byte) (int, error) { return 0, c.err }

// Write implements net.Conn.
func (c noConn) Write([]byte) (int, error) { return 0, c.err }

// Close implements net.Conn.
func (noConn) Close() error { return nil }

// LocalAddr implements net.Conn.
func (noConn) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (noConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn.
func (noConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (noConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (noConn) SetWriteDeadline(time.Time) error { return nil }
