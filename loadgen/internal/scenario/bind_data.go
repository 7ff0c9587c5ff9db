package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/keys"
)

// draft is what a mode's texts were read from, and the variables of its own. Its texts are read when all variables are known.
type draft struct {
	request, body ast.Node
	headers       []ast.Node // by header of the mode
	literal       ast.Node   // the mode's texts have no variables; nil if they may
	taken         []ast.Node // by what the mode takes from its response
	data          variables
	conditional   ast.Node
}

// bind reads the variables in the modes' texts.
func (r *reader) bind(modes []Mode, data variables) {
	errs := len(r.errs)
	all := slices.Clone(data)
	var taken variables // by earlier steps of the same session
	for i := range modes {
		m, d := &modes[i], r.drafts[i]
		all = append(all, d.data...)
		own := d.data
		if session := r.sessionOf(modes, i); session >= 0 {
			own = r.drafts[session].data
		} else {
			taken = nil
		}
		in := scope{own, data, taken}
		if d.literal == nil {
			r.texts(m, d, in)
		}
		for j, t := range m.Take {
			if in.find(t.Name) != nil {
				r.errorf(d.taken[j], "%q is a variable already", t.Name)
			}
			v := &variable{Variable: Variable{Name: t.Name}, at: d.taken[j]}
			taken, all = append(taken, v), append(all, v)
		}
	}
	if len(r.errs) > errs { // what is not used may be misspelt
		return
	}
	for _, v := range all {
		if !v.used {
			r.errorf(v.at, "no request has the variable %q: write {{%[1]s}} in one", v.Name)
		}
	}
}

// sessionOf returns the mode that mode i is a step of; -1 if it is none.
func (r *reader) sessionOf(modes []Mode, i int) int {
	if modes[i].Session == "" {
		return -1
	}
	return slices.IndexFunc(modes, func(m Mode) bool { return m.Name == modes[i].Session })
}

// scope is the variables that a text may have: of its mode, of the scenario, and of what earlier steps took. The first of a name counts.
type scope [3]variables

func (in scope) find(name string) *variable {
	for _, vs := range in {
		if v := vs.named(name); v != nil {
			return v
		}
	}
	return nil
}

// why is a part of the message about a name that is no variable's.
func (in scope) why(name string) string {
	var names []string
	for _, vs := range in {
		for _, v := range vs {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("there is no data: name it by data: {%s: {uniform: 1..100}}", name)
	}
	return spell.Unknown("variable", name, names)
}

// texts reads the texts of one mode. Those of a mode without variables become what they are sent as.
func (r *reader) texts(m *Mode, d draft, in scope) {
	used, env := map[string]*variable{}, map[string]string{}
	names := keys.Names{Known: func(name string) bool { return in.find(name) != nil }, Why: in.why, Env: func(name string) (string, bool) {
		value, ok := r.environ(name)
		if ok {
			env[name] = value
		}
		return value, ok
	}}
	read := func(n ast.Node, s *string, skip int, where keys.Where) keys.Text {
		t := r.parsed(n, *s, skip, where, names)
		for _, p := range t.Parts() {
			if v := in.find(p.Name); v != nil {
				v.used, used[v.Name] = true, v
			}
		}
		return t
	}
	var plain []func()
	keep := func(s *string, t keys.Text) { plain = append(plain, func() { *s = t.Plain() }) }
	if d.request != nil {
		keep(&m.Path, read(d.request, &m.Path, len(m.Method)+1, keys.InPath))
	}
	for i, n := range d.headers {
		if n == nil {
			continue // complete has added it
		}
		t := read(n, &m.Header[i].Value, 0, keys.InHeader)
		keep(&m.Header[i].Value, t)
		r.lines(n, m.Header[i].Name, t, in)
	}
	if d.body != nil {
		keep(&m.Body, read(d.body, &m.Body, 0, keys.InValue))
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		m.Data = append(m.Data, used[name].Variable)
	}
	if len(env) > 0 {
		m.Env = env
	}
	if len(m.Data)+len(m.Env) == 0 {
		for _, set := range plain {
			set()
		}
	}
}

// lines refuses data in a header that could end its line.
func (r *reader) lines(n ast.Node, header string, t keys.Text, in scope) {
	for _, p := range t.Parts() {
		v := in.find(p.Name)
		if v == nil {
			if keys.Unlined(p.Literal) { // the text itself was read by line
				r.errorf(n, "header %s has a variable of the environment with a control character, such as a line end", header)
			}
			continue
		}
		if i := slices.IndexFunc(v.Spec.Values, keys.Unlined); i >= 0 {
			r.errorf(n, "header %s has %q, of which row %d has a control character", header, p.Name, i+1)
		}
	}
}

// supplies refuses phases for which there is not enough data, and those without the users that data is to stick to.
func (r *reader) supplies(s *Scenario) {
	for _, p := range s.Phases {
		if why := s.crowds(p); why != "" {
			r.errs = append(r.errs, Error{r.file, p.Line, 1, fmt.Sprintf("phase %q: %s", p.Name, why)})
		}
		for _, m := range s.Modes {
			if !p.Has(m) {
				continue
			}
			for _, v := range m.Data {
				if why := p.lacks(v.Spec); why != "" {
					r.errs = append(r.errs, Error{r.file, p.Line, 1, fmt.Sprintf("phase %q: the data %q %s", p.Name, v.Name, why)})
				}
			}
		}
	}
}

// Has reports whether a mode takes part in a phase.
func (p Phase) Has(m Mode) bool {
	return len(p.Mix) == 0 || slices.ContainsFunc(p.Mix, func(s Share) bool { return s.Mode == m.Compared() })
}

// lacks returns why a phase cannot be had with that data; empty if it can.
func (p Phase) lacks(spec keys.Spec) string {
	rows := spec.Size()
	switch {
	case spec.Sticky && p.Kind == Open:
		return "is sticky, and an open load has no users that it could stick to"
	case spec.Order != keys.Once:
	case spec.Sticky && int64(p.Users) > rows:
		return fmt.Sprintf("has %d rows, each for one user, and there are %d users", rows, p.Users)
	case !spec.Sticky && int64(p.Requests) > rows:
		return fmt.Sprintf("has %d rows, each to be taken once, and there are %d requests", rows, p.Requests)
	case p.Kind == Open:
		// A Poisson load is seldom 5 standard deviations short of its mean.
		if n := p.Rate() * p.Length().Seconds(); n-5*math.Sqrt(n) > float64(rows) {
			return fmt.Sprintf("has %d rows, each to be taken once, and about %.0f requests are due", rows, n)
		}
	}
	return ""
}
