//go:build unix

package limits

import "syscall"

// files returns how many files the process may have open; 0 if that is unknown.
func files() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur) //nolint:unconvert // it is signed on FreeBSD
}

// raiseFiles raises the soft limit of open files to the hard one, and returns what holds then. Go does so when a program starts, unless something has set the
// limit since.
func raiseFiles() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err == nil && l.Cur < l.Max {
		l.Cur = l.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) // then the limit stays, and that is what is returned
	}
	return files()
}
