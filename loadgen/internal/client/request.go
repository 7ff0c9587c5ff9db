package client

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"loadlab/app/api"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/measure"
)

// Spec is what to send and what to expect.
type Spec struct {
	Name   string // for messages
	Method string // "" is GET
	Path   string // with its query: "/api/properties/cached/?page=2"
	// Header is sent over that of the target; Host sets the Host header. A name with several values is sent several times, one without any not at all.
	Header http.Header
	Body   []byte
	Expect []int // the statuses that are a success; none are 2xx and 3xx
	Check  Check
	// Copies make the request conditional: it asks whether the copy that there is of its URL is current, and a 304 is a success if it asked. nil asks nothing.
	Copies *Copies

	// Data is what the variables in Path, the values of Header, and Body stand for. Without any, they are sent as they are; otherwise they
	// are texts as package keys has them.
	Data []Variable
	Env  map[string]string // what the variables of the environment stand for: as Data
	Take []Taking          // from a response that was as expected
}

// Request is a Spec made ready for a target. It is immutable, and may be shared by any number of callers.
type Request struct {
	spec   Spec
	method string
	target string      // path and query, with the target's prefix
	header http.Header // without Host and Traceparent; names without a value are not sent
	host   string
	expect statusSet
	wire   []byte // the whole request in HTTP/1.1
	trace  int    // where the traceparent's value starts in wire; 0 if there is none

	template   *template // instead of wire, of a request with variables
	fixed      uint64    // of the digest: see Spec.fixedDigest
	idempotent bool
	closes     bool // it asks for its connection to be closed
}

// Prepare serialises a request. An error names what is wrong with it.
func (t *Target) Prepare(spec Spec) (*Request, error) {
	r := &Request{spec: spec, method: spec.Method, target: t.prefix + spec.Path, host: t.host, header: http.Header{"User-Agent": {"loadlab"}}, fixed: spec.fixedDigest()}
	if r.method == "" {
		r.method = http.MethodGet
	}
	if err := t.prepare(r); err != nil {
		return nil, fmt.Errorf("request %q: %w", spec.Name, err)
	}
	return r, nil
}

func (t *Target) prepare(r *Request) error {
	if !isToken(r.method) || r.method == http.MethodConnect {
		return fmt.Errorf("method %q", r.method)
	}
	if !strings.HasPrefix(r.spec.Path, "/") || strings.ContainsFunc(r.spec.Path, notInPath) {
		return fmt.Errorf("path %q: want an escaped path that begins with a slash", r.spec.Path)
	}
	if err := errors.Join(r.setHeaders(t.header), r.setHeaders(r.spec.Header)); err != nil {
		return err
	}
	for _, code := range r.spec.Expect {
		if !r.expect.add(code) {
			return fmt.Errorf("expected status %d: want 200 to 599", code)
		}
	}
	if len(r.spec.Expect) == 0 {
		r.expect = successes()
	}
	if err := r.spec.Check.valid(r.method); err != nil {
		return err
	}
	r.spec.Check = r.spec.Check.ready()
	if r.method == http.MethodHead && len(r.spec.Take) > 0 {
		return errors.New("take: HEAD has no body")
	}
	if err := r.conditional(); err != nil {
		return err
	}
	switch r.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		r.idempotent = true
	}
	if len(r.spec.Data)+len(r.spec.Env) > 0 {
		if err := r.vary(t.prefix); err != nil {
			return err
		}
	}
	if r.template == nil {
		r.serialise(!t.opts.Untraced)
	}
	return nil
}

// keeps reports whether the body of a response is looked at, and not just counted. A body that the request lets be encoded is: its length is that of what was
// encoded.
func (r *Request) keeps() bool {
	return !r.spec.Check.lengths() || len(r.spec.Take) > 0 || r.spec.Check.sized() && r.header.Get("Accept-Encoding") != ""
}

// reads reports whether the headers of a response are looked at.
func (r *Request) reads() bool { return r.keeps() || len(r.spec.Check.Headers) > 0 }

// sized reports whether Content-Length is sent.
func (r *Request) sized() bool {
	return len(r.spec.Body) > 0 || r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch
}

// setHeaders puts headers in place of those of the same name.
func (r *Request) setHeaders(header http.Header) error {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		values := header[name]
		name = textproto.CanonicalMIMEHeaderKey(name)
		if i := slices.IndexFunc(values, keys.Unlined); i >= 0 || !isToken(name) {
			return fmt.Errorf("header %q: %q is not valid", name, values)
		}
		switch name {
		case "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade", "Expect", api.HeaderTraceparent:
			return errors.New("header " + name + " is the client's own")
		case "Host":
			r.host = strings.Join(values, "")
			continue
		case "Connection":
			r.closes = slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, "close") })
		}
		r.header[name] = values
	}
	return nil
}

func (r *Request) serialise(traced bool) {
	w := append([]byte(nil), r.method+" "+r.target+" HTTP/1.1\r\nHost: "+r.host+"\r\n"...)
	if traced {
		w = append(w, api.HeaderTraceparent+": "...)
		r.trace = len(w)
		w = append(w, emptyTraceparent+"\r\n"...)
	}
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		for _, value := range r.header[name] {
			w = append(w, name+": "+value+"\r\n"...)
		}
	}
	if r.sized() {
		w = append(w, "Content-Length: "...)
		w = append(strconv.AppendInt(w, int64(len(r.spec.Body)), 10), "\r\n"...)
	}
	w = append(w, "\r\n"...)
	r.wire = append(w, r.spec.Body...)
}

// noteEnd notes how a call ended: as kind, because of err unless that is OK.
func noteEnd(out *measure.Outcome, kind measure.Kind, err error) {
	out.Kind = kind
	if err != nil {
		out.Err, out.Code = err, codeOf(out, err)
	}
}

// statusSet is a set of status codes below 640.
type statusSet [10]uint64

func successes() (s statusSet) {
	for code := 200; code < 400; code++ {
		s.add(code)
	}
	return s
}

func (s *statusSet) add(code int) bool {
	if code < 200 || code > 599 {
		return false
	}
	s[code/64] |= 1 << (code % 64)
	return true
}

func (s *statusSet) has(code int) bool {
	return code >= 0 && code < 64*len(s) && s[code/64]&(1<<(code%64)) != 0
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

func notInPath(c rune) bool { return c <= ' ' || c >= 0x7f || c == '#' }
