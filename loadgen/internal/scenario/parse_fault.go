package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/unit"
	"loadlab/loadgen/internal/world"
)

// defaultDelay is how much longer a slow server takes if the file leaves it open.
const defaultDelay = 200 * time.Millisecond

// faults reads the faults of a phase: {at: 3s, for: 3s, redis: stop}.
func (r *reader) faults(n ast.Node) []Fault {
	var all []Fault
	r.list(n, "faults", func(n ast.Node) { all = append(all, r.fault(n)) })
	return all
}

func (r *reader) fault(n ast.Node) Fault {
	f := Fault{}
	f.Line, _ = position(n)
	s := &f.Settings
	kinds := map[string]string{}
	keys := []key{
		{"at", func(n ast.Node) { f.At = r.duration(n, "at", 0) }},
		{"for", func(n ast.Node) { f.For = r.duration(n, "for", shortest) }},
		{string(world.Share), func(n ast.Node) { s.Share = r.share(n) }},
		{string(world.Delay), func(n ast.Node) { s.Delay = r.duration(n, "delay", shortest) }},
		{string(world.Keep), func(n ast.Node) { s.Keep = r.boolean(n, "keep") }},
		{string(world.MaxMemory), func(n ast.Node) { s.MaxMemory = r.bytes(n, "maxmemory") }},
		{string(world.Replica), func(n ast.Node) { s.Replica = r.count(n, "replica", 1, balance.MaxReplicas) }},
	}
	for _, server := range world.ServerNames() {
		keys = append(keys, key{server, func(n ast.Node) {
			kind, _ := text(n)
			if _, ok := world.FaultNamed(server, kind); !ok {
				r.errorf(n, "%s", spell.Unknown("fault of "+server, kind, world.Kinds(server)))
			}
			kinds[server] = kind
		}})
	}
	errs := len(r.errs)
	has := r.object(n, "a fault", keys...)
	if len(r.errs) == errs {
		r.befalls(n, &f, kinds, has)
	}
	return f
}

// befalls finds out which fault it is, and refuses what does not go with it.
func (r *reader) befalls(n ast.Node, f *Fault, kinds map[string]string, has map[string]ast.Node) {
	if len(kinds) != 1 {
		r.errorf(n, "a fault befalls one of %s: {at: 3s, for: 3s, redis: stop}", strings.Join(world.ServerNames(), ", "))
		return
	}
	for server, kind := range kinds {
		f.Fault, _ = world.FaultNamed(server, kind)
	}
	name := f.Fault.Server + ": " + f.Fault.Kind
	for _, o := range world.Options() {
		if at := has[string(o)]; at != nil && !f.Fault.Has(o) {
			r.errorf(at, "%s takes no %s", name, o)
		}
	}
	switch at := has["for"]; {
	case has["at"] == nil:
		r.errorf(n, "a fault wants the time at which it begins: {at: 3s, for: 3s, redis: stop}")
	case at != nil && f.Fault.Moment:
		r.errorf(at, "%s happens at a moment: leave out for", name)
	case at == nil && !f.Fault.Moment:
		r.errorf(n, "%s wants a length: for: 3s", name)
	case f.Fault.Has(world.MaxMemory) && has[string(world.MaxMemory)] == nil:
		r.errorf(n, "%s wants maxmemory: 1mb", name)
	}
	if f.Fault.Has(world.Delay) && f.Settings.Delay == 0 {
		f.Settings.Delay = defaultDelay
	}
}

// share reads a share of connections: 0.5.
func (r *reader) share(n ast.Node) float64 {
	const least = 0.01
	return r.number(n, "share", least, 1)
}

// fitting refuses faults that would outlast their phase, that the phase does not run long enough to see, or that overlap: two faults of one
// server at a time would undo each other.
func (r *reader) fitting(p Phase) {
	refuse := func(f Fault, format string, args ...any) {
		r.errs = append(r.errs, Error{r.file, f.Line, 1, fmt.Sprintf(format, args...)})
	}
	for i, f := range p.Faults {
		switch {
		case p.Length() == 0:
			refuse(f, "faults want a phase of a known length: give phase %s for: 10s", p.Name)
		case f.At+f.For > p.Length():
			refuse(f, "%s outlasts its phase, which takes %s", f.Describe(), length(p.Length()))
		case p.Warmup:
			refuse(f, "a fault in a warm-up phase is in no figure")
		case f.Settings.Replica > p.World.Replicas:
			refuse(f, "%s: the phase has %s, write world: {replicas: %d}", f.Describe(), unit.Counted(int64(p.World.Replicas), "replica"), f.Settings.Replica)
		}
		for _, g := range p.Faults[:i] {
			same := f.Fault.Server == g.Fault.Server && f.Settings.Replica == g.Settings.Replica
			if same && f.At < g.At+g.For && g.At < f.At+f.For {
				refuse(f, "%s overlaps %s", f.Describe(), g.Describe())
			}
		}
	}
}
