package link

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseConfig reads NAME=LISTEN,TO[,rtt=1ms][,jitter=100us][,bandwidth=1000000], where LISTEN and TO are addresses as ParseAddr reads them. What
// the text does not say of the wire is as in wire. An error shows the form.
func ParseConfig(s string, wire Wire) (Config, error) {
	c := Config{Wire: wire}
	name, rest, found := strings.Cut(s, "=")
	parts := strings.Split(rest, ",")
	if !found || name == "" || len(parts) < 2 {
		return c, fmt.Errorf("%q is not NAME=LISTEN,TO[,rtt=1ms][,jitter=100us][,bandwidth=1000000]", s)
	}
	c.Name = name
	var err error
	if c.Listen, err = ParseAddr(parts[0]); err != nil {
		return c, fmt.Errorf("link %s: %w", name, err)
	}
	if c.To, err = ParseAddr(parts[1]); err != nil {
		return c, fmt.Errorf("link %s: %w", name, err)
	}
	for _, part := range parts[2:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "rtt":
			c.Wire.RTT, err = time.ParseDuration(value)
		case "jitter":
			c.Wire.Jitter, err = time.ParseDuration(value)
		case "bandwidth":
			c.Wire.Bandwidth, err = strconv.ParseInt(value, 10, 64)
		default:
			err = fmt.Errorf("there is no key %q: there are rtt, jitter and bandwidth", key)
		}
		if err != nil {
			return c, fmt.Errorf("link %s: %w", name, err)
		}
	}
	return c, c.Validate()
}
