//go:build linux

package link

import (
	"context"
	"net/netip"
	"time"
)

// ListenWith is Listen with other addresses of hosts.
func ListenWith(ctx context.Context, cfg Config, find func(ctx context.Context, host string) ([]netip.Addr, error)) (*Link, error) {
	return listenWith(ctx, cfg, find)
}

// OnOldKernel makes a link that has not begun to serve do without epoll_pwait2.
func (l *Link) OnOldKernel() { l.wait.old = true }

// ReadsLate returns how late the loop has learnt that it is at what there is to read.
func (l *Link) ReadsLate(ctx context.Context) (late time.Duration, err error) {
	err = l.do(ctx, func() { late = time.Duration(l.clock.read) })
	return late, err
}
