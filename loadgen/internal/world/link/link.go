// Package link is a wire of a given length: it stands between a client and a server, forwards bytes both ways, and delays them as a distance
// would. A link is a process of its own, so that neither the scheduler of who measures nor that of what is measured delays it.
//
// # What a distance is
//
// A delay per direction, half of the round trip each. Bytes that arrive together leave together: what is under way is a queue of chunks,
// each with the moment at which it leaves, so that a delay costs latency and not throughput. A connection is made at the far side when
// it is made at the near side, and the near side's first byte waits for it. The end of a stream and a reset travel as bytes do.
//
// It knows neither protocols nor what it forwards.
package link

import (
	"fmt"
	"net"
	"time"
)

// Config says what to forward, and how far.
type Config struct {
	Listen Addr // where clients connect; a port of 0 is a free one
	Target Addr // the server

	RTT    time.Duration // of a round trip; 0 delays nothing
	Jitter time.Duration // that is added to each direction's delay, uniformly drawn; what overtakes nothing stays in order
	// Bandwidth is how many bytes a second pass in each direction of each connection; 0 is no limit.
	Bandwidth int64
	Seed      uint64 // of the jitter
}

// Addr is an address: "tcp" and host:port, or "unix" and a path.
type Addr struct{ Network, Address string }

func (a Addr) String() string { return a.Network + ":" + a.Address }

// Longest is the longest round trip and the greatest jitter.
const Longest = 10 * time.Second

// Validate returns an error that names what makes no sense.
func (c Config) Validate() error {
	for _, a := range []Addr{c.Listen, c.Target} {
		if a.Network != "tcp" && a.Network != "unix" || a.Address == "" {
			return fmt.Errorf("link: %q is neither tcp with host:port nor unix with a path", a)
		}
		if a.Network == "tcp" {
			if _, _, err := net.SplitHostPort(a.Address); err != nil {
				return fmt.Errorf("link: %w", err)
			}
		}
	}
	switch {
	case c.RTT < 0 || c.RTT > Longest || c.Jitter < 0 || c.Jitter > Longest:
		return fmt.Errorf("link: round trip %s and jitter %s must be from 0 to %s", c.RTT, c.Jitter, Longest)
	case c.Bandwidth < 0:
		return fmt.Errorf("link: bandwidth %d is below 0", c.Bandwidth)
	}
	return nil
}

// Stats are totals since the link began.
type Stats struct {
	Accepted int64 `json:"accepted"` // connections of clients
	Open     int64 `json:"open"`     // of them open now
	Failed   int64 `json:"failed"`   // of them closed, because the server could not be reached
	Bytes    int64 `json:"bytes"`    // forwarded, both ways
}
