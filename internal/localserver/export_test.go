package localserver

import "time"

// PostgresBin is postgresBin.
func PostgresBin(folders ...string) (string, error) { return postgresBin(folders) }

// WithPorts makes o try these ports in turn, and any free one after them.
func WithPorts(o Options, ports ...int) Options {
	o.port = func() (int, error) {
		if len(ports) == 0 {
			return freePort()
		}
		port := ports[0]
		ports = ports[1:]
		return port, nil
	}
	return o
}

// Spent returns the CPU time of a process that has ended, with all its descendants that were waited for, as the kernel reported it to whoever
// waited for the process.
func (p *Process) Spent() time.Duration {
	r := p.now()
	<-r.done
	return r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()
}
