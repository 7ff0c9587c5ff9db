// Package link is a wire of a given length: it stands between a client and a server, forwards bytes both ways, and delays them as a distance
// would. It is also where the wire breaks: a fault refuses, holds, slows, cuts or drops. A link is a process of its own, so that neither the
// scheduler of who measures nor that of what is measured delays it; package control runs such a process and talks to it.
//
// # What a distance is
//
// A delay per direction, half of the round trip each. Bytes that arrive together leave together: what is under way is a queue of chunks,
// each with the moment at which it leaves, so that a delay costs latency and not throughput. A connection is made at the far side when
// it is made at the near side, and the near side's first byte waits for it. The end of a stream and a reset travel as bytes do.
//
// # What a fault is
//
// One of Faults, of one link, from Begin to End. It strikes connections that are open when it begins and those made while it lasts, all of them
// or a share. What it did is counted in its Effect: one that did nothing has zero counts, and whoever asked for it has measured no fault.
//
// The package knows neither protocols nor what it forwards.
package link

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"
)

// Config says what to forward, and how far.
type Config struct {
	Name   string // of the link, for its control; default "link"
	Listen Addr   // where clients connect; a port of 0 is a free one
	To     Addr   // the server; its name is looked up again when it was not reached
	Wire   Wire
	Seed   uint64 // of the jitter, and of which connections a fault's share is
}

// Wire is how long and how wide a link is. The zero value delays nothing.
type Wire struct {
	RTT    time.Duration // of a round trip: half of it each way
	Jitter time.Duration // the most that is added to the delay of a direction, uniformly drawn; what overtakes nothing stays in order
	// Bandwidth is how many bytes a second pass in each direction of each connection; 0 is no limit.
	Bandwidth int64
}

// Longest is the longest round trip, jitter and delay of a fault.
const Longest = 10 * time.Second

// Validate returns an error that names what makes no sense.
func (w Wire) Validate() error {
	switch {
	case w.RTT < 0 || w.RTT > Longest || w.Jitter < 0 || w.Jitter > Longest:
		return fmt.Errorf("round trip %s and jitter %s must be from 0 to %s", w.RTT, w.Jitter, Longest)
	case w.Bandwidth < 0:
		return fmt.Errorf("bandwidth %d is below 0 (0 is no limit)", w.Bandwidth)
	}
	return nil
}

// wireJSON is a Wire as {"rtt": "1ms", "jitter": "100us", "bandwidth": 1000000}.
type wireJSON struct {
	RTT       duration `json:"rtt"`
	Jitter    duration `json:"jitter"`
	Bandwidth int64    `json:"bandwidth"`
}

// MarshalJSON writes {"rtt": "1ms", "jitter": "100us", "bandwidth": 1000000}: durations in Go's notation, bytes a second.
func (w Wire) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireJSON{duration(w.RTT), duration(w.Jitter), w.Bandwidth})
}

// UnmarshalJSON reads what MarshalJSON writes, and refuses any other field. What is not there is 0.
func (w *Wire) UnmarshalJSON(data []byte) error {
	var j wireJSON
	if err := strictly(data, &j); err != nil {
		return err
	}
	*w = Wire{RTT: time.Duration(j.RTT), Jitter: time.Duration(j.Jitter), Bandwidth: j.Bandwidth}
	return nil
}

// Addr is an address: "tcp" and host:port, or "unix" and a path.
type Addr struct{ Network, Address string }

func (a Addr) String() string { return a.Network + ":" + a.Address }

// ParseAddr reads tcp:HOST:PORT or unix:PATH. Without a host it is every address of the machine.
func ParseAddr(s string) (Addr, error) {
	network, address, _ := strings.Cut(s, ":")
	a := Addr{Network: network, Address: address}
	return a, a.Validate()
}

// Validate returns an error if a is no address.
func (a Addr) Validate() error {
	if a.Network != "tcp" && a.Network != "unix" || a.Address == "" {
		return fmt.Errorf("%q is neither tcp:HOST:PORT nor unix:PATH", a)
	}
	if a.Network == "tcp" {
		if _, _, err := net.SplitHostPort(a.Address); err != nil {
			return fmt.Errorf("%q is not tcp:HOST:PORT: %w", a, err)
		}
	}
	return nil
}

// MarshalText writes what ParseAddr reads.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is ParseAddr.
func (a *Addr) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddr(string(text))
	return err
}

// Validate returns an error that names what makes no sense.
func (c Config) Validate() error {
	if c.Name != "" && !validName(c.Name) {
		return fmt.Errorf("link: the name %q is not made of a-z, 0-9, - and _", c.Name)
	}
	for _, err := range []error{c.Listen.Validate(), c.To.Validate(), c.Wire.Validate()} {
		if err != nil {
			return fmt.Errorf("link: %w", err)
		}
	}
	return nil
}

func validName(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
