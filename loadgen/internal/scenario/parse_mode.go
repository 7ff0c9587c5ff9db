package scenario

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"loadlab/app/api"
	"loadlab/internal/spell"
)

// modes reads the mapping of names to requests, in the order of the file.
func (r *reader) modes(n ast.Node) []Mode {
	var modes []Mode
	r.mapping(n, "modes", func(_ string, at, value ast.Node) {
		m := Mode{Name: r.name(at, "a mode's name"), Expect: []int{http.StatusOK}}
		m.Line, _ = position(at)
		d := draft{request: value}
		var steps ast.Node
		if _, ok := value.(*ast.MappingNode); ok {
			steps = r.request(value, &m, &d)
		} else {
			m.Method, m.Path = r.target(value)
		}
		modes, r.drafts = append(modes, m), append(r.drafts, d)
		if steps != nil {
			modes = r.sessionSteps(steps, modes)
		}
	})
	if _, ok := n.(*ast.MappingNode); ok && len(modes) == 0 {
		r.errorf(n, "modes is empty: name at least one request")
	}
	return modes
}

// request reads the long form of a mode, and returns the list of its steps if it is a session.
func (r *reader) request(n ast.Node, m *Mode, d *draft) (steps ast.Node) {
	errs := len(r.errs)
	has := r.object(n, "a mode", append(r.requestKeys(m, d),
		key{"data", func(n ast.Node) { d.data = r.data(n) }},
		key{"steps", func(n ast.Node) { steps = n }},
		key{"think", func(n ast.Node) { m.Think = r.think(n) }},
	)...)
	switch {
	case steps != nil:
		for _, k := range r.requestKeys(m, d) {
			if at := has[k.name]; at != nil {
				r.errorf(at, "%s does not go with steps: each of them is a request", k.name)
			}
		}
	case has["think"] != nil:
		r.errorf(has["think"], "think goes with steps: a phase of users has its own")
	case has["request"] == nil && len(r.errs) == errs: // else it may be misspelt
		r.errorf(n, "mode %q has no request: say request: GET /path", m.Name)
	}
	r.revalidates(m, d)
	m.complete()
	return steps
}

// requestKeys are the keys of one request.
func (r *reader) requestKeys(m *Mode, d *draft) []key {
	return []key{
		{"request", func(n ast.Node) { d.request = n; m.Method, m.Path = r.target(n) }},
		{"headers", func(n ast.Node) { m.Header, d.headers = r.headers(n) }},
		{"body", func(n ast.Node) { d.body = n; m.Body = r.text(n, "body") }},
		{"expect", func(n ast.Node) { m.Expect = r.statuses(n) }},
		{"check", func(n ast.Node) { m.Check = r.check(n) }},
		{"conditional", func(n ast.Node) { m.Conditional, d.conditional = r.boolean(n, "conditional"), n }},
	}
}

// revalidates reports what a conditional request cannot have.
func (r *reader) revalidates(m *Mode, d *draft) {
	if !m.Conditional {
		return
	}
	if m.Method != http.MethodGet && m.Method != "" {
		r.errorf(d.conditional, "conditional goes with GET, and this is a %s", m.Method)
	}
	if i := slices.IndexFunc(m.Header, func(h Header) bool { return strings.EqualFold(h.Name, api.HeaderIfNoneMatch) }); i >= 0 {
		r.errorf(d.headers[i], "conditional sets the header %s itself", m.Header[i].Name)
	}
	if len(m.Take) > 0 {
		r.errorf(d.conditional, "conditional does not go with take: a 304 has no body to take from")
	}
}

// complete adds what a request with a body has unless it says otherwise.
func (m *Mode) complete() {
	if m.Body != "" && !slices.ContainsFunc(m.Header, func(h Header) bool { return strings.EqualFold(h.Name, "Content-Type") }) {
		m.Header = append(m.Header, Header{"Content-Type", "application/json"})
	}
}

// target reads "GET /path?query". It is copied into a request line as it is, so that nothing that could end one is let through.
func (r *reader) target(n ast.Node) (method, path string) {
	s := r.text(n, "a request")
	if s == "" {
		return "", ""
	}
	method, path, _ = strings.Cut(s, " ")
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	if !slices.Contains(methods, method) {
		if strings.HasPrefix(method, "/") {
			r.errorf(n, "a request begins with its method: GET %s", s)
		} else {
			r.errorf(n, "%s", spell.Unknown("method", method, methods))
		}
		return "", ""
	}
	unfit := func(c rune) bool { return c <= ' ' || c > '~' || c == '#' }
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, unfit) {
		r.errorf(n, "a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got %q", path)
		return "", ""
	}
	return method, path
}

// headers reads the extra header lines of a request, and returns the nodes of their values with them.
func (r *reader) headers(n ast.Node) (list []Header, values []ast.Node) {
	// The generator itself sets what frames a request and what traces it.
	reserved := []string{"content-length", "transfer-encoding", "connection", "traceparent", "expect", "upgrade"}
	r.mapping(n, "headers", func(name string, at, value ast.Node) {
		const token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
		lower := strings.ToLower(name)
		switch {
		case name == "" || strings.Trim(lower, token) != "":
			r.errorf(at, "%q is not the name of a header", name)
		case slices.Contains(reserved, lower):
			r.errorf(at, "header %q is set by the generator", name)
		case slices.ContainsFunc(list, func(h Header) bool { return strings.EqualFold(h.Name, name) }):
			r.errorf(at, "header %q is said twice", name)
		default:
			list, values = append(list, Header{name, r.line(value, "header "+name)}), append(values, value)
		}
	})
	return list, values
}

// statuses reads a status or a list of them.
func (r *reader) statuses(n ast.Node) []int {
	const least, most = 200, 599
	if _, ok := n.(*ast.SequenceNode); !ok {
		return []int{r.count(n, "expect", least, most)}
	}
	var list []int
	r.list(n, "expect", func(n ast.Node) {
		status := r.count(n, "expect", least, most)
		if status != 0 && slices.Contains(list, status) {
			r.errorf(n, "expect says %d twice", status)
		}
		list = append(list, status)
	})
	return list
}

func (r *reader) check(n ast.Node) Check {
	var c Check
	r.object(n, "check",
		key{"min_bytes", func(n ast.Node) { c.MinBytes = r.count(n, "min_bytes", 1, maxRequests) }},
		key{"json", func(n ast.Node) {
			r.mapping(n, "json", func(path string, at, value ast.Node) {
				if slices.Contains(strings.Split(path, "."), "") {
					r.errorf(at, "%s", notAPath(path))
					return
				}
				c.JSON = append(c.JSON, Field{path, r.scalar(value, path)})
			})
		}},
	)
	return c
}

// notAPath is the message about what is no path into JSON.
func notAPath(path string) string {
	return strconv.Quote(path) + " is no path into JSON: keys and list indices, joined by dots, as in results.0.id"
}

// scalar reads a value as encoding/json would.
func (r *reader) scalar(n ast.Node, what string) any {
	switch x := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return x.Value
	case *ast.IntegerNode, *ast.FloatNode:
		v, err := strconv.ParseFloat(n.GetToken().Value, 64)
		if err != nil {
			r.errorf(n, "%s wants a number as JSON has them, got %s", what, describe(n))
		}
		return v
	}
	s, ok := text(n)
	if !ok {
		r.errorf(n, "%s wants a text, a number, true, false or null, got %s", what, describe(n))
	}
	return s
}
