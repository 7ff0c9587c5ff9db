package client

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// hostInASCII returns the host and port of a URL with an internationalised name (RFC 5890) as it is looked up and sent.
func hostInASCII(u *url.URL) (string, error) {
	name := u.Hostname()
	if !strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return u.Host, nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return u.Host, fmt.Errorf("%q is no name of a host: %w", name, err)
	}
	return strings.Replace(u.Host, name, ascii, 1), nil
}

// addressInFull returns the host and port of a URL whose host is an IPv4 address in one of the forms of inet_aton(3), such as 127.1, 0x7f.1 or 2130706433, in the
// usual one. curl and browsers take those, and package net does not.
func addressInFull(u *url.URL) string {
	name := u.Hostname()
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return u.Host
	}
	var address uint64
	for i, part := range parts {
		bits := 8 * (5 - len(parts)) // that the last part has
		if i < len(parts)-1 {
			bits = 8
		}
		n, err := number(part, bits)
		if err != nil {
			return u.Host
		}
		address = address<<bits | n
	}
	full := netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)})
	return strings.Replace(u.Host, name, full.String(), 1)
}

// number reads a part of an address, which may be hexadecimal (0x7f) or octal (0177).
func number(part string, bits int) (uint64, error) {
	if hex, ok := strings.CutPrefix(strings.ToLower(part), "0x"); ok {
		return strconv.ParseUint(hex, 16, bits)
	}
	if len(part) > 1 && part[0] == '0' {
		return strconv.ParseUint(part[1:], 8, bits)
	}
	return strconv.ParseUint(part, 10, bits)
}
