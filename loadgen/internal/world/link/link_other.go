//go:build !linux

package link

import (
	"context"
	"errors"
	"fmt"
)

// Link forwards, on Linux.
type Link struct{}

// Listen returns errors.ErrUnsupported: a link is made of Linux' own calls.
func Listen(context.Context, Config) (*Link, error) {
	return nil, fmt.Errorf("link: %w on this system: run it on Linux", errors.ErrUnsupported)
}

// Addr is never called: there is no Link.
func (l *Link) Addr() Addr { return Addr{} }

// Stats is never called.
func (l *Link) Stats() Stats { return Stats{} }

// Serve is never called.
func (l *Link) Serve(context.Context) error { return errors.ErrUnsupported }
