package main

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/client"
)

// detour is that connections which are meant for one address go to another: curl's --resolve and --connect-to.
type detour struct {
	host, port string // of a URL; empty for any
	to, toPort string // empty for what they were
}

// detours are those of a command line, in its order: the first that fits counts.
type detours []detour

// address returns where connections for a URL go; empty if that is where it says.
func (d detours) address(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	host, port := u.Hostname(), cmp.Or(u.Port(), client.DefaultPort(u.Scheme))
	for _, to := range d {
		if (to.host == "" || strings.EqualFold(to.host, host)) && (to.port == "" || to.port == port) {
			return net.JoinHostPort(cmp.Or(to.to, host), cmp.Or(to.toPort, port))
		}
	}
	return ""
}

// detourFlag is one of the flags that add a detour. They share a list.
type detourFlag struct {
	read func(string) (detour, error)
	list *detours
}

func (d detourFlag) String() string { return "" }
func (d detourFlag) Type() string   { return "addresses" }

// Set implements pflag.Value.
func (d detourFlag) Set(text string) error {
	to, err := d.read(text)
	*d.list = append(*d.list, to)
	return err
}

// resolve reads HOST:PORT:ADDRESS, whose host may be *.
func resolve(text string) (detour, error) {
	parts := colons(strings.TrimPrefix(text, "+"))
	if len(parts) != 3 || !isPort(parts[1]) {
		return detour{}, errors.New("want host:port:address, such as api.example:443:10.0.0.1")
	}
	if _, err := netip.ParseAddr(parts[2]); err != nil {
		return detour{}, errors.New("want one IP address after host:port, an IPv6 one in brackets")
	}
	return detour{strings.TrimPrefix(parts[0], "*"), parts[1], parts[2], ""}, nil
}

// connectTo reads HOST1:PORT1:HOST2:PORT2, each of which may be empty.
func connectTo(text string) (detour, error) {
	parts := colons(text)
	if len(parts) != 4 || parts[1] != "" && !isPort(parts[1]) || parts[3] != "" && !isPort(parts[3]) {
		return detour{}, errors.New("want host1:port1:host2:port2, such as api.example:443:localhost:8443; each may be empty")
	}
	return detour{parts[0], parts[1], parts[2], parts[3]}, nil
}

// colons splits a text at its colons, but for those in brackets, which are left out.
func colons(text string) (parts []string) {
	part, inside := "", false
	for _, c := range text {
		switch {
		case c == '[' || c == ']':
			inside = c == '['
		case c == ':' && !inside:
			parts, part = append(parts, part), ""
		default:
			part += string(c)
		}
	}
	return append(parts, part)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
