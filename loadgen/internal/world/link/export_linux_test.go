package link

import (
	"context"
	"net/netip"
)

// ListenWith is Listen with other addresses of hosts.
func ListenWith(ctx context.Context, cfg Config, find func(ctx context.Context, host string) ([]netip.Addr, error)) (*Link, error) {
	return listenWith(ctx, cfg, find)
}
