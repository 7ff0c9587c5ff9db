package redisproc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2/server"

	"loadlab/app/internal/selfcpu"
)

// sections are those of INFO, in a real Redis' names and units.
func (e *embedded) sections() []section {
	return []section{
		{"clients", func() string {
			return fmt.Sprintf("connected_clients:%d\r\n", e.Server().ClientsLen())
		}},
		{"memory", func() string {
			limit, policy := e.memory.limits()
			return fmt.Sprintf("used_memory:%d\r\nmaxmemory:%d\r\nmaxmemory_policy:%s\r\n", e.memory.total(), limit, policy)
		}},
		{"stats", func() string {
			return fmt.Sprintf("total_connections_received:%d\r\ntotal_commands_processed:%d\r\ntotal_net_output_bytes:%d\r\nevicted_keys:%d\r\n",
				e.Server().TotalConnections(), e.Server().TotalCommands(), e.sent.Load(), e.memory.evicted.Load())
		}},
		{"cpu", func() string {
			user, system := selfcpu.Used()
			return fmt.Sprintf("used_cpu_sys:%.6f\r\nused_cpu_user:%.6f\r\n", system.Seconds(), user.Seconds())
		}},
	}
}

type section struct {
	name string
	text func() string
}

// info answers INFO, with all sections or with one. What is none of them is left to miniredis, which refuses it.
func (e *embedded) info(peer *server.Peer, args []string) bool {
	var text strings.Builder
	for _, s := range e.sections() {
		if len(args) == 0 || len(args) == 1 && strings.EqualFold(args[0], s.name) {
			fmt.Fprintf(&text, "# %s%s\r\n%s", strings.ToUpper(s.name[:1]), s.name[1:], s.text())
		}
	}
	if text.Len() == 0 {
		return false
	}
	peer.WriteBulk(text.String())
	return true
}

// configure answers CONFIG GET and CONFIG SET of maxmemory and maxmemory-policy, the only settings there are.
func (e *embedded) configure(peer *server.Peer, args []string) bool {
	switch {
	case len(args) == 2 && strings.EqualFold(args[0], "get"):
		limit, policy := e.memory.limits()
		var found []string
		switch strings.ToLower(args[1]) {
		case configLimit:
			found = []string{configLimit, strconv.FormatInt(limit, 10)}
		case configPolicy:
			found = []string{configPolicy, policy}
		}
		peer.WriteMapLen(len(found) / 2)
		for _, s := range found {
			peer.WriteBulk(s)
		}
		return true
	case len(args) >= 3 && len(args)%2 == 1 && strings.EqualFold(args[0], "set"):
		return e.set(peer, args[1:])
	}
	return errorf(peer, "the embedded Redis has CONFIG GET and CONFIG SET of %s and %s", configLimit, configPolicy)
}

const (
	configLimit  = "maxmemory"
	configPolicy = "maxmemory-policy"
)

// set sets all the settings or, if one of them is wrong, none.
func (e *embedded) set(peer *server.Peer, pairs []string) bool {
	limit, policy := e.memory.limits()
	for ; len(pairs) > 0; pairs = pairs[2:] {
		name, value := strings.ToLower(pairs[0]), pairs[1]
		switch name {
		case configLimit:
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 {
				return errorf(peer, "CONFIG SET failed (possibly related to argument '%s') - argument must be a number of bytes", name)
			}
			limit = n
		case configPolicy:
			if value != policyLRU && value != policyNone {
				return errorf(peer, "CONFIG SET failed (possibly related to argument '%s') - the embedded Redis has %s and %s", name, policyNone, policyLRU)
			}
			policy = value
		default:
			return errorf(peer, "Unknown option or number of arguments for CONFIG SET - '%s'", name)
		}
	}
	e.memory.setLimits(limit, policy)
	peer.WriteOK()
	return true
}
