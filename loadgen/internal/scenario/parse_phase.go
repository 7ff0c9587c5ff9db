package scenario

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/world"
)

// phases reads the list of phases. base has what the scenario sets for all of them.
func (r *reader) phases(n ast.Node, modes []Mode, base Phase) []Phase {
	var phases []Phase
	r.list(n, "phases", func(n ast.Node) {
		p := r.phase(n, modes, base)
		for _, q := range phases {
			if p.Name != "" && p.Name == q.Name {
				r.errorf(n, "a phase named %q is %s already", p.Name, cmp.Or(place("in line %d", q.Line), "there"))
			}
		}
		phases = append(phases, p)
	})
	return phases
}

// phase reads one phase. Which shape it has is known only when all keys have been read.
func (r *reader) phase(n ast.Node, modes []Mode, base Phase) Phase {
	p := base
	p.Line, _ = position(n)
	var flat Step // the keys rate and for
	errs := len(r.errs)
	load := keysOf{}
	load.has = r.object(n, "a phase",
		key{"name", func(n ast.Node) { p.Name = r.name(n, "a phase's name") }},
		key{"warmup", func(n ast.Node) { p.Warmup = r.boolean(n, "warmup") }},
		key{"rate", func(n ast.Node) { flat.From, flat.To = r.rate(n) }},
		key{"steps", func(n ast.Node) { p.Steps = r.steps(n) }},
		key{"arrivals", func(n ast.Node) { p.Arrivals = r.arrivals(n) }},
		key{"users", func(n ast.Node) { p.Users = r.count(n, "users", 1, maxUsers) }},
		key{"think", func(n ast.Node) { p.Think = r.think(n) }},
		key{"requests", func(n ast.Node) { p.Requests = r.count(n, "requests", 1, maxRequests) }},
		key{"burst", func(n ast.Node) { p.Users = r.count(n, "burst", 1, maxUsers); p.Requests = p.Users }},
		key{"for", func(n ast.Node) { flat.For = r.duration(n, "for", shortest) }},
		key{"mix", func(n ast.Node) { p.Mix = r.mix(n, modes) }},
		key{"before", func(n ast.Node) { p.Before = r.before(n) }},
		key{"during", func(n ast.Node) { p.During = r.during(n) }},
		key{"faults", func(n ast.Node) { p.Faults = r.faults(n) }},
		key{"app", func(n ast.Node) { p.App = r.app(n, true) }},
		key{"world", func(n ast.Node) { p.World = r.world(n, base.World) }},
		key{"connections", func(n ast.Node) { p.Connections = r.count(n, "connections", 1, maxConnections) }},
		key{"timeout", func(n ast.Node) { p.Timeout = r.timeout(n, "timeout") }},
		key{"trace", func(n ast.Node) { p.Trace = r.trace(n) }},
		key{"abort_when", func(n ast.Node) { p.AbortWhen = r.abortWhen(n) }},
	)
	if _, ok := n.(*ast.MappingNode); !ok {
		return p
	}
	load.sound = len(r.errs) == errs
	if load.has["name"] == nil && load.sound {
		r.errorf(n, "a phase wants a name")
	}
	r.shape(n, &p, flat, load)
	r.fits(n, p)
	return p
}

// keysOf are the keys that a phase has.
type keysOf struct {
	has   map[string]ast.Node
	sound bool // nothing was wrong with any: a key that is missing is not just misspelt
}

// first returns the first of the keys that the phase has, and its node.
func (k keysOf) first(names ...string) (string, ast.Node) {
	for _, name := range names {
		if at := k.has[name]; at != nil {
			return name, at
		}
	}
	return "", nil
}

// shapes are the keys of which a phase has exactly one; requests and users go together, and requests alone is a shape too.
func shapes() []string { return []string{"rate", "steps", "burst", "users"} }

// shape finds out the phase's kind and refuses what does not go with it.
func (r *reader) shape(n ast.Node, p *Phase, flat Step, load keysOf) {
	shape, _ := load.first(append(shapes(), "requests")...)
	for _, other := range shapes() {
		if at := load.has[other]; at != nil && other != shape {
			r.errorf(at, "a phase has one load: %s and %s are two", shape, other)
			return
		}
	}
	without := func(names ...string) {
		for _, name := range names {
			if at := load.has[name]; at != nil {
				r.errorf(at, "%s does not go with %s", name, shape)
			}
		}
	}
	switch shape {
	case "":
		if load.sound {
			r.errorf(n, "a phase wants a load: rate and for, steps, users, requests, or burst")
		}
	case "rate":
		without("think", "requests")
		if load.has["for"] == nil {
			r.errorf(load.has["rate"], "rate wants a length: for: 6s")
		}
		p.Steps = []Step{flat}
		p.Kind, p.Arrivals = Open, cmp.Or(p.Arrivals, Poisson)
	case "steps":
		without("think", "requests", "for")
		p.Kind, p.Arrivals = Open, cmp.Or(p.Arrivals, Poisson)
	case "burst":
		without("arrivals", "think", "requests", "for", "connections")
		p.Kind, p.Connections = Burst, p.Users
	default:
		without("arrivals", "connections")
		p.For = flat.For
		r.closed(p, load)
	}
}

// closed finishes a phase of users, or of requests alone.
func (r *reader) closed(p *Phase, load keysOf) {
	p.Kind = Closed
	users, requests := load.has["users"], load.has["requests"]
	switch {
	case users == nil:
		p.Users = 1
	case requests == nil && load.has["for"] == nil:
		r.errorf(users, "users want an end: for: 10s, or requests: 500")
	case requests != nil && p.Requests > 0 && p.Requests < p.Users:
		r.errorf(requests, "%d of %d users would have nothing to do", p.Users-p.Requests, p.Users)
	case requests != nil && p.Requests == p.Users && load.has["think"] == nil && load.has["for"] == nil:
		p.Kind = Burst
	}
	p.Connections = p.Users
}

// fits refuses what would never happen.
func (r *reader) fits(n ast.Node, p Phase) {
	length := p.Length()
	for _, e := range p.During {
		if length > 0 && e.Period >= length {
			r.errorf(n, "%s every %s never happens in a phase of %s", e.Do, e.Period, length)
		}
	}
	r.fitting(p)
}

func (r *reader) steps(n ast.Node) []Step {
	var steps []Step
	r.list(n, "steps", func(n ast.Node) {
		var s Step
		has := r.object(n, "a step",
			key{"rate", func(n ast.Node) { s.From, s.To = r.rate(n) }},
			key{"for", func(n ast.Node) { s.For = r.duration(n, "for", shortest) }},
		)
		if _, ok := n.(*ast.MappingNode); ok && (has["rate"] == nil || has["for"] == nil) {
			r.errorf(n, "a step wants rate and for: {rate: 100/s, for: 2s}")
		}
		steps = append(steps, s)
	})
	return steps
}

func (r *reader) arrivals(n ast.Node) Arrivals {
	s, _ := text(n)
	switch a := Arrivals(s); a {
	case Poisson, Constant:
		return a
	}
	r.errorf(n, "%s", spell.Unknown("arrivals", s, []string{string(Poisson), string(Constant)}))
	return ""
}

// think reads "1s" or "1s..2s".
func (r *reader) think(n ast.Node) Think {
	s, _ := text(n)
	low, high, ramp := strings.Cut(s, "..")
	if !ramp {
		d := r.duration(n, "think", shortest)
		return Think{d, d}
	}
	before := len(r.errs)
	t := Think{r.parseDuration(n, low, "think", 0, longest), r.parseDuration(n, high, "think", shortest, longest)}
	if len(r.errs) == before && t.Min > t.Max {
		r.errorf(n, "think runs from the shorter to the longer: %s..%s", high, low)
	}
	return t
}

// timeout reads how long a request may take. A response time above what a histogram holds would be recorded as less than it was.
func (r *reader) timeout(n ast.Node, what string) time.Duration {
	return r.durationUpTo(n, what, shortest, hist.Highest)
}

// mix reads the weights of a mixed phase, in the order of the file.
func (r *reader) mix(n ast.Node, modes []Mode) []Share {
	var names []string
	for _, m := range modes {
		names = append(names, m.Name)
	}
	var mix []Share
	r.mapping(n, "mix", func(name string, at, value ast.Node) {
		if len(modes) > 0 && !slices.Contains(names, name) {
			r.errorf(at, "%s", spell.Unknown("mode", name, names))
			return
		}
		const most = 1_000_000
		mix = append(mix, Share{name, r.count(value, "the weight of "+name, 1, most)})
	})
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) == 0 {
		r.errorf(n, "mix is empty: say which modes share the phase, {naive: 1, cached: 5}")
	}
	return mix
}

// before reads a list of actions: flush (also as flush: {}), and with a time wait: 500ms.
func (r *reader) before(n ast.Node) []Action {
	var list []Action
	names := world.Names(func(world.Action) bool { return true })
	r.list(n, "before", func(n ast.Node) {
		if s, ok := text(n); ok {
			switch a, known := world.Named(s); {
			case !known:
				r.errorf(n, "%s", spell.Unknown("action", s, names))
			case a.Timed:
				r.errorf(n, "%s wants a duration: {%s: 500ms}", s, s)
			default:
				list = append(list, Action{Do: s})
			}
			return
		}
		r.mapping(n, "an action", func(name string, at, value ast.Node) {
			switch a, known := world.Named(name); {
			case !known:
				r.errorf(at, "%s", spell.Unknown("action", name, names))
			case a.Timed:
				list = append(list, Action{Do: name, For: r.duration(value, name, shortest)})
			default:
				if m, ok := value.(*ast.MappingNode); !ok || len(m.Values) > 0 {
					r.errorf(value, "%s takes nothing: write %s", name, name)
				}
				list = append(list, Action{Do: name})
			}
		})
	})
	return list
}

// during reads a mapping of actions to periods.
func (r *reader) during(n ast.Node) []Every {
	var list []Every
	const often = 10 * time.Millisecond // more often would be a load of its own
	var keys []key
	for _, name := range world.Names(func(a world.Action) bool { return a.During }) {
		keys = append(keys, key{name, func(n ast.Node) { list = append(list, Every{name, r.duration(n, name, often)}) }})
	}
	r.object(n, "during", keys...)
	return list
}
