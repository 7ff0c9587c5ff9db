package localserver

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
