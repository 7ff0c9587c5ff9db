//go:build !unix

package redisproc

import "os/exec"

// ownGroup does nothing where there are no process groups to keep the child from its parent's Ctrl-C.
func ownGroup(*exec.Cmd) {}
