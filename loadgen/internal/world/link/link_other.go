//go:build !linux

package link

import (
	"context"
	"errors"
	"fmt"
)

// Link forwards, on Linux. Elsewhere there is none, and none of its methods is ever called.
type Link struct{}

// Listen returns errors.ErrUnsupported: a link is made of Linux' own calls.
func Listen(context.Context, Config) (*Link, error) {
	return nil, fmt.Errorf("link: %w on this system: run it on Linux", errors.ErrUnsupported)
}

// Addr is where the link listens.
func (l *Link) Addr() Addr { return Addr{} }

// Name is its name.
func (l *Link) Name() string { return "" }

// Stats returns the totals so far.
func (l *Link) Stats() Stats { return Stats{} }

// Status returns what the link is and what it did so far.
func (l *Link) Status() Status { return Status{} }

// Set makes the wire another.
func (l *Link) Set(context.Context, Wire) error { return errors.ErrUnsupported }

// Begin begins a fault.
func (l *Link) Begin(context.Context, Fault) (Effect, error) {
	return Effect{}, errors.ErrUnsupported
}

// End ends it.
func (l *Link) End(context.Context) (Effect, error) { return Effect{}, errors.ErrUnsupported }

// Serve forwards.
func (l *Link) Serve(context.Context) error { return errors.ErrUnsupported }
