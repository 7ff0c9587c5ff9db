// Package listen takes an address that a flag names. It does not know what is served there.
package listen

import (
	"context"
	"fmt"
	"net"
)

// On listens on addr, such as "127.0.0.1:0", and returns the address as a browser understands it: host:port. An error is one line, of what is to be served there and
// of the flag that chooses another address.
func On(ctx context.Context, addr, what, flag string) (ln net.Listener, host string, err error) {
	ln, err = new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, "", fmt.Errorf("serve %s: %w; %s chooses another address", what, err, flag)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return ln, fmt.Sprintf("localhost:%d", tcp.Port), nil
	}
	return ln, ln.Addr().String(), nil
}
