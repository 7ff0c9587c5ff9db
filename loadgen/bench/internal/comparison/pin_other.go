//go:build !linux

package comparison

import (
	"errors"
	"os/exec"
	"time"
)

func cores() []int { return nil }

func pin(int) error { return errors.ErrUnsupported }

func startOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }

func ownCPU() time.Duration { return 0 }
