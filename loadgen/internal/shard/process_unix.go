//go:build unix

package shard

import (
	"os/exec"
	"syscall"
)

// apart keeps a terminal's Ctrl-C from a process: the coordinator ends it, in order.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
