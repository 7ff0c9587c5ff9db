//go:build unix

package redisproc

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a Ctrl-C in the terminal from the child: its parent still needs it to finish the requests under way, and then closes it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
