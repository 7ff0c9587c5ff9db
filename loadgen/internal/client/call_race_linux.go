//go:build linux && (amd64 || arm64) && race

package client

import "syscall"

// The race detector takes what was sent to have happened before what was received, as it is, but only of system calls that it sees.

func send(fd uintptr, p []byte) (int, syscall.Errno) { return seen(syscall.Write(int(fd), p)) }

func receive(fd uintptr, p []byte) (int, syscall.Errno) { return seen(syscall.Read(int(fd), p)) }

func seen(n int, err error) (int, syscall.Errno) {
	errno, _ := err.(syscall.Errno) //nolint:errorlint // these two return nothing else, and errors.As allocates
	return max(n, 0), errno
}
