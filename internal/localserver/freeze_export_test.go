//go:build linux

package localserver

import "context"

// FreezePID is Process.Freeze of any process.
func FreezePID(ctx context.Context, pid int) (*Frozen, error) {
	f := &Frozen{}
	return f, f.freeze(ctx, pid)
}
