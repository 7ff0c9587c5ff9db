package scenario

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"loadlab/app/api"
	"loadlab/loadgen/internal/keys"
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
			m.Method, m.Path = r.requestLine(value)
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
		{"request", func(n ast.Node) { d.request = n; m.Method, m.Path = r.requestLine(n) }},
		{"headers", func(n ast.Node) { m.Header, d.headers = r.headers(n) }},
		{"body", func(n ast.Node) { r.body(n, m, d) }},
		{"literal", func(n ast.Node) {
			if r.boolean(n, "literal") {
				d.literal = n
			}
		}},
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
		m.Header = append(m.Header, Header{Name: "Content-Type", Value: "application/json"})
	}
}

// requestLine reads "GET /path?query". It is copied into a request line as it is, but for characters that are not ASCII, which are percent-encoded; nothing that
// could end it is let through.
func (r *reader) requestLine(n ast.Node) (method, path string) {
	s := r.text(n, "a request")
	if s == "" {
		return "", ""
	}
	method, path, _ = strings.Cut(s, " ")
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	switch upper := strings.ToUpper(method); {
	case strings.HasPrefix(method, "/"):
		r.errorf(n, "a request begins with its method: GET %s", s)
		return "", ""
	case method != upper && slices.Contains(methods, upper):
		r.errorf(n, "methods are in upper case: %s and not %s", upper, method)
		return "", ""
	case !isToken(method) || upper == http.MethodConnect:
		r.errorf(n, "%q is no method that a request can have, such as %s", method, strings.Join(methods, ", "))
		return "", ""
	}
	unfit := func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' || c == utf8.RuneError }
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, unfit) {
		r.errorf(n, "a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got %q", path)
		return "", ""
	}
	return method, escaped(path)
}

// escaped returns a path with characters that are not ASCII percent-encoded.
func escaped(path string) string {
	var ascii []byte
	for i := range len(path) {
		if c := path[i]; c < utf8.RuneSelf {
			ascii = append(ascii, c)
		} else {
			ascii = keys.Escape(ascii, path[i:i+1])
		}
	}
	return string(ascii)
}

// isToken reports whether s can be a method, or the name of a header (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	const token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	return s != "" && strings.Trim(strings.ToLower(s), token) == ""
}

// headers reads the extra header lines of a request, and returns the nodes of their values with them.
func (r *reader) headers(n ast.Node) (list []Header, values []ast.Node) {
	// The generator itself sets what frames a request and what traces it.
	reserved := []string{"content-length", "transfer-encoding", "traceparent", "expect", "upgrade", "trailer"}
	r.mapping(n, "headers", func(name string, at, value ast.Node) {
		lower := strings.ToLower(name)
		switch {
		case !isToken(name):
			r.errorf(at, "%q is not the name of a header", name)
		case slices.Contains(reserved, lower):
			r.errorf(at, "header %q is set by the generator", name)
		case slices.ContainsFunc(list, func(h Header) bool { return strings.EqualFold(h.Name, name) }):
			r.errorf(at, "header %q is said twice: two lines of it are a list, %[1]s: [a, b]", name)
		default:
			lines, nodes := r.headerLines(name, value)
			if lower == "connection" {
				r.connection(value, lines)
			}
			list, values = append(list, lines...), append(values, nodes...)
		}
	})
	return list, values
}

// headerLines reads the value of a header, which may be empty, or the values of its lines; null is none.
func (r *reader) headerLines(name string, n ast.Node) (list []Header, values []ast.Node) {
	one := func(n ast.Node) {
		s, ok := text(n)
		switch s = strings.TrimSpace(s); {
		case !ok:
			r.errorf(n, "header %s wants a text, got %s", name, describe(n))
		case keys.Unlined(s):
			r.errorf(n, "header %s must be one line without control characters", name)
			s = ""
		}
		list, values = append(list, Header{Name: name, Value: s}), append(values, n)
	}
	switch n.(type) {
	case *ast.NullNode:
		return []Header{{Name: name, Without: true}}, []ast.Node{nil}
	case *ast.SequenceNode:
		r.list(n, "header "+name, one)
	default:
		one(n)
	}
	return list, values
}

// connection refuses what a header Connection has beside whether the connection is kept.
func (r *reader) connection(n ast.Node, lines []Header) {
	for _, h := range lines {
		if !h.Without && !strings.EqualFold(h.Value, "close") && !strings.EqualFold(h.Value, "keep-alive") {
			r.errorf(n, "header Connection is close, for a connection a request, or keep-alive; got %q", h.Value)
		}
	}
}

// body reads a text, or the file that it is in. A file that is no text has no variables.
func (r *reader) body(n ast.Node, m *Mode, d *draft) {
	if _, ok := n.(*ast.MappingNode); !ok {
		body, ok := text(n)
		if d.body, m.Body = n, body; !ok {
			r.errorf(n, "body wants a text, or a file: {file: order.json}, got %s", describe(n))
		}
		return
	}
	literal, file, errs := false, ast.Node(nil), len(r.errs)
	r.object(n, "body",
		key{"file", func(n ast.Node) { file = n }},
		key{"literal", func(n ast.Node) { literal = r.boolean(n, "literal") }},
	)
	if file == nil && len(r.errs) > errs {
		return // it may be misspelt
	}
	if file == nil {
		r.errorf(n, "body wants a text, or a file: {file: order.json}")
		return
	}
	path := r.text(file, "file")
	if path == "" {
		return
	}
	data, err := r.fileOf(path, maxBody)
	if err != nil {
		r.errorf(file, "file %s: %v", path, err)
		return
	}
	if m.Body = string(data); !literal && utf8.Valid(data) {
		d.body = file
	}
}

// maxBody is the longest body.
const maxBody = 64 << 20

// maxHeaderChecks is how many headers a check may have: see package client.
const maxHeaderChecks = 64

// notAPath is the message about what is no path into JSON.
func notAPath(path string) string {
	return strconv.Quote(path) + " is no path into JSON: keys and list indices, joined by dots, as in results.0.id"
}
