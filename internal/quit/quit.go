// Package quit has the signals that end a program in good order.
package quit

import (
	"os"
	"os/signal"
	"syscall"
)

// Signals are Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is closed, unless the program was started to ignore it, as nohup does.
func Signals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
