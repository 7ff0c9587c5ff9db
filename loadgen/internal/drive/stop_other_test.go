//go:build !unix

package drive_test

// stopSelf does nothing: only Unix can stop a process, and TestStopped runs only there.
func stopSelf() {}
