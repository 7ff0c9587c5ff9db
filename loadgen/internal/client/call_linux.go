//go:build linux && (amd64 || arm64) && !race

package client

import (
	"syscall"
	"unsafe"
)

func send(fd uintptr, p []byte) (int, syscall.Errno) {
	return call(syscall.SYS_SENDTO, fd, unsafe.SliceData(p), len(p), syscall.MSG_NOSIGNAL)
}

func receive(fd uintptr, p []byte) (int, syscall.Errno) {
	return call(syscall.SYS_RECVFROM, fd, unsafe.SliceData(p), len(p), 0)
}
