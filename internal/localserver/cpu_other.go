//go:build !linux

package localserver

import (
	"errors"
	"time"
)

// CPU returns errors.ErrUnsupported: here the system has no clock of another process's CPU time.
func (p *Process) CPU() (time.Duration, error) { return 0, errors.ErrUnsupported }

// TreeCPU returns errors.ErrUnsupported, like CPU.
func (p *Process) TreeCPU() (time.Duration, error) { return 0, errors.ErrUnsupported }
