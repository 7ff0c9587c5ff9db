package run

import (
	"fmt"
	"reflect"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
)

// sources are the sources of a run's data. Modes that draw a variable alike share its table.
type sources struct {
	seed uint64
	made []source
}

type source struct {
	scenario.Variable
	*keys.Source
}

// variables returns a mode's variables in the client's terms.
func (s *sources) variables(data []scenario.Variable) ([]client.Variable, error) {
	var list []client.Variable
	for _, v := range data {
		drawn, err := s.of(v)
		if err != nil {
			return nil, fmt.Errorf("data %s: %w", v.Name, err)
		}
		list = append(list, client.Variable{Name: v.Name, Source: drawn})
	}
	return list, nil
}

// of returns the source of a variable; nil of one that is taken from a response.
func (s *sources) of(v scenario.Variable) (*keys.Source, error) {
	if v.Spec.Kind == "" {
		return nil, nil
	}
	for _, known := range s.made {
		if reflect.DeepEqual(known.Variable, v) {
			return known.Source, nil
		}
	}
	drawn, err := keys.New(v.Spec, v.Name, s.seed)
	if err == nil {
		s.made = append(s.made, source{v, drawn})
	}
	return drawn, err
}

// drawing is a connection whose requests take the data of one phase.
type drawing struct {
	borrowed
	seed uint64
}

// Draw implements drive.Drawer.
func (d drawing) Draw(k, user int64) { d.Caller.Draw(d.seed, k, user) }

// callers returns what makes the connections of a phase. All are told which arrival they request for: it decides over rows, replicas and traces.
func (r *runner) callers(d *driven) func() drive.Caller {
	pool, seed := r.subject.connections, r.plan.derive(dataStream, d.block.round, d.phase.index)
	if len(pool.replicas) > 1 {
		w := d.phase.World
		return func() drive.Caller { return drawing{pool.borrowOver(w.Replicas, w.Balancing), seed} }
	}
	return func() drive.Caller { return drawing{pool.borrow(), seed} }
}

// scarcest returns the variable of a phase's modes whose rows run out first, and how many it has; 0 if none ever does.
func (r *runner) scarcest(d *driven) (name string, rows int64) {
	for _, m := range d.modes {
		for _, v := range r.Scenario.Modes[m].Data {
			if n := v.Spec.Size(); v.Spec.Finite() && (rows == 0 || n < rows) {
				name, rows = v.Name, n
			}
		}
	}
	return name, rows
}

// sessions returns the sessions among the modes of a phase, by mode; nil if there are none.
func (r *runner) sessions(d *driven) []*drive.Session {
	var list []*drive.Session
	for _, m := range d.modes {
		mode := r.Scenario.Modes[m]
		if mode.Steps == 0 {
			continue
		}
		if list == nil {
			list = make([]*drive.Session, len(r.Scenario.Modes))
		}
		v := &drive.Session{
			ThinkMin: mode.Think.Min, ThinkMax: mode.Think.Max, Seed: r.plan.derive(stepStream, d.block.round, d.phase.index),
		}
		for i := range mode.Steps {
			v.Steps = append(v.Steps, m+1+i)
		}
		list[m] = v
	}
	return list
}

// areSessions reports which modes of a scenario are sessions.
func areSessions(modes []scenario.Mode) []bool {
	list := make([]bool, len(modes))
	for i, m := range modes {
		list[i] = m.Steps > 0
	}
	return list
}

// keysOf returns how the keys of a mode are drawn; nil unless it takes exactly one variable, and that is drawn.
func keysOf(m scenario.Mode) *result.Keys {
	if len(m.Data) != 1 || m.Data[0].Spec.Kind == "" {
		return nil
	}
	spec := m.Data[0].Spec
	return &result.Keys{Kind: string(spec.Kind), S: spec.S, Of: int(spec.Distinct())}
}

// appMode returns the name under which the app counts a mode's requests; empty if it has none, or none that is the same for every row of data.
func appMode(method, path string) string {
	one, other := filled(path)
	if name := api.ModeOf(method, one); name == api.ModeOf(method, other) {
		return name
	}
	return ""
}

// strategyOf returns the caching strategy that a path asks for; empty if it asks for none, or not for the same with every row of data.
func strategyOf(path string) string {
	one, other := filled(path)
	if name := api.StrategyOf(one); name == api.StrategyOf(other) {
		return name
	}
	return ""
}

// filled returns a path with two different values of its variables.
func filled(path string) (one, other string) {
	t, unfit := keys.Parse(path, keys.InPath, keys.Names{Known: func(string) bool { return true }, Env: func(string) (string, bool) { return "", true }})
	if len(unfit) > 0 {
		return path, path // it has no data: its braces are its own
	}
	for _, p := range t.Parts() {
		if p.Name != "" {
			one, other = one+"1", other+"2"
		} else {
			one, other = one+p.Literal, other+p.Literal
		}
	}
	return one, other
}
