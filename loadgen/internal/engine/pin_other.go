//go:build !linux

package engine

import (
	"errors"
	"os/exec"
)

func cores() []int { return nil }

func pin(int) error { return errors.ErrUnsupported }

func startOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }
