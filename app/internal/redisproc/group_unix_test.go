//go:build unix

package redisproc_test

import (
	"syscall"
	"testing"
)

func TestCtrlCDoesNotReachTheChild(t *testing.T) {
	p, err := start(t, "child")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if group, err := syscall.Getpgid(p.PID()); group != p.PID() || err != nil {
		t.Errorf("the child is in the process group %d, %v, want one of its own", group, err)
	}
}
