package scenario

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/world/link"
)

// world reads the world of a scenario, or what a phase has instead: what it leaves out stays as base has it.
func (r *reader) world(n ast.Node, base World) World {
	w := base
	r.object(n, "world",
		key{"database", func(n ast.Node) { w.Database = r.distance(n, "database", w.Database) }},
		key{"redis", func(n ast.Node) {
			w.Redis = r.distance(n, "redis", w.Redis, key{"maxmemory", func(n ast.Node) { w.MaxMemory = r.bytes(n, "maxmemory") }})
		}},
		key{"replicas", func(n ast.Node) {
			w.Replicas = r.count(n, "replicas", 1, balance.MaxReplicas)
			w.ReplicasLine, _ = position(n)
		}},
		key{"balancing", func(n ast.Node) { w.Balancing = r.balancing(n) }},
	)
	return w
}

func (r *reader) balancing(n ast.Node) balance.Policy {
	s, _ := text(n)
	p, all := balance.Policy(s), balance.Policies()
	if !slices.Contains(all, p) {
		names := make([]string, len(all))
		for i, known := range all {
			names[i] = string(known)
		}
		r.errorf(n, "%s", spell.Unknown("balancing", s, names))
	}
	return p
}

func (r *reader) distance(n ast.Node, server string, base Distance, more ...key) Distance {
	d := base
	r.object(n, server, append([]key{
		{"rtt", func(n ast.Node) { d.RTT = r.durationUpTo(n, "rtt", 0, link.Longest) }},
		{"jitter", func(n ast.Node) { d.Jitter = r.durationUpTo(n, "jitter", 0, link.Longest) }},
		{"bandwidth", func(n ast.Node) { d.Bandwidth = r.bandwidth(n) }},
	}, more...)...)
	return d
}

// bandwidth reads "10mb/s".
func (r *reader) bandwidth(n ast.Node) int64 {
	s, _ := text(n)
	size, ok := strings.CutSuffix(s, "/s")
	if v, sound := parseBytes(size); ok && sound {
		return v
	}
	r.errorf(n, "bandwidth wants bytes a second such as 10mb/s or 500kb/s, got %s", describe(n))
	return 0
}

// bytes reads "4mb".
func (r *reader) bytes(n ast.Node, what string) int64 {
	s, _ := text(n)
	v, ok := parseBytes(s)
	if !ok {
		r.errorf(n, "%s wants a number of bytes such as 4mb or 500kb, got %s", what, describe(n))
	}
	return v
}

// parseBytes reads a number of bytes above 0, with the units of redis.conf: b, kb, mb and gb are powers of 1024.
func parseBytes(s string) (int64, bool) {
	number, factor := strings.ToLower(s), int64(1)
	for _, unit := range []struct {
		suffix string
		factor int64
	}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"b", 1}} {
		if cut, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, factor = cut, unit.factor
			break
		}
	}
	v, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || v <= 0 || v > math.MaxInt64/factor {
		return 0, false
	}
	return v * factor, true
}
