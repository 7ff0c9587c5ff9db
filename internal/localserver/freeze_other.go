//go:build !linux

package localserver

import (
	"context"
	"errors"
)

// Frozen is a process that is stopped; there is none on this system.
type Frozen struct{}

// Freeze is for Linux only.
func (p *Process) Freeze(context.Context) (*Frozen, error) {
	return nil, errors.New("stop " + p.name + ": that takes Linux")
}

// PIDs are none.
func (f *Frozen) PIDs() []int { return nil }

// Thaw does nothing.
func (f *Frozen) Thaw() {}
