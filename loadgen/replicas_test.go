package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A name stands for each of its addresses, in the same order for targets and lab controls, whatever the order of the name server's answer.
func TestEveryAddressIsAReplica(t *testing.T) {
	t.Parallel()
	many := make([]string, 65)
	for i := range many {
		many[i] = "10.0.1." + strconv.Itoa(i)
	}
	names := map[string][]string{"apps": {"10.0.0.12", "10.0.0.9"}, "both": {"fd00::1", "10.0.0.9", "::ffff:10.0.0.9"}, "six": {"fd00::1"}, "many": many}
	answers := 0
	ask := func(_ context.Context, _, host string) (all []netip.Addr, err error) {
		if len(names[host]) == 0 {
			return nil, errors.New("no such host " + host)
		}
		for _, a := range names[host] {
			all = append(all, netip.MustParseAddr(a))
		}
		if answers++; answers%2 == 0 {
			slices.Reverse(all)
		}
		return all, nil
	}
	for _, tt := range []struct {
		urls, want, err string
	}{
		{"http://app http://localhost:1", "http://app http://localhost:1", ""},
		{"dns+http://apps:8000/base", "http://10.0.0.9:8000/base http://10.0.0.12:8000/base", ""},
		{"dns+http://apps:8001", "http://10.0.0.9:8001 http://10.0.0.12:8001", ""},
		{"dns+apps:8001 other", "http://10.0.0.9:8001 http://10.0.0.12:8001 other", ""},
		{"dns+http://both", "http://10.0.0.9", ""},
		{"dns+http://six dns+http://six:80", "http://[fd00::1] http://[fd00::1]:80", ""},
		{"dns+http://nobody", "", "find the replicas: no such host nobody"},
		{"dns+http://many", "", "many has 65 addresses: a run has at most 64 replicas"},
		{"dns+https://user:secret@apps", "", `"dns+https://user:xxxxx@apps" is not like dns+http://name:port`},
		{"dns+", "", "is not like dns+http://name:port"},
	} {
		got, err := eachAddress(t.Context(), strings.Fields(tt.urls), ask)
		if joined := strings.Join(got, " "); joined != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v; want %q, %q", tt.urls, joined, err, tt.want, tt.err)
		}
	}
}
