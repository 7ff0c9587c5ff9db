//go:build !(linux && (amd64 || arm64))

package client

// direct is empty where system calls go through package net.
type direct struct{}

func (s *sock) prepare() {}

// exchange writes req and reads the first bytes of what comes back.
func (s *sock) exchange(req, buf []byte) (int, error) {
	if _, err := s.Write(req); err != nil {
		return 0, &writeError{err}
	}
	return s.Read(buf)
}

func (s *sock) read(buf []byte) (int, error) { return s.Read(buf) }

// drop receives up to want bytes into scratch.
func (s *sock) drop(want int64, scratch []byte) (int, error) {
	return s.Read(scratch[:min(want, int64(len(scratch)))])
}

// idle cannot be determined here without reading.
func (s *sock) idle() bool { return true }
