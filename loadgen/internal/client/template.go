package client

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"

	"loadlab/app/api"
	"loadlab/loadgen/internal/keys"
)

// Variable is what a variable of a request stands for: a row of Source, or what an earlier request took from its response if there is none.
type Variable struct {
	Name   string
	Source *keys.Source
}

// Taking is a value of a JSON response, by the Path of a Field, that becomes the variable Name of the requests after it.
type Taking struct{ Name, Path string }

// draw is the arrival whose data a connection's requests take, up to the next.
type draw struct {
	seed    uint64
	k, user int64
	taken   map[string][]byte // from responses
	value   []byte            // before it is escaped
	body    []byte            // before its length is known

	written *template // what was written last for this arrival; nil if nothing was
	rows    uint64    // a hash of the rows in it
}

// begin begins another arrival. The values that the one before it took are forgotten; their memory is kept.
func (d *draw) begin(seed uint64, k, user int64) {
	d.seed, d.k, d.user, d.written = seed, k, user, nil
	for name, value := range d.taken {
		d.taken[name] = value[:0]
	}
}

// take keeps values of a response for the requests after it.
func (d *draw) take(list []Taking, doc any) error {
	for _, t := range list {
		got, err := lookUp(doc, t.Path)
		if err != nil {
			return unmet("take "+t.Name, fmt.Errorf("take %s: %w", t.Name, err))
		}
		var value string
		switch v := got.(type) {
		case string:
			value = v
		case json.Number:
			value = v.String()
		case bool:
			value = strconv.FormatBool(v)
		default:
			return unmet("take "+t.Name, fmt.Errorf("take %s: %s is neither a text nor a number, true or false", t.Name, t.Path))
		}
		if keys.Unlined(value) {
			return unmet("take "+t.Name, fmt.Errorf("take %s: %s has a control character", t.Name, t.Path))
		}
		if d.taken == nil {
			d.taken = map[string][]byte{}
		}
		d.taken[t.Name] = append(d.taken[t.Name][:0], value...)
	}
	return nil
}

// pieces are a text with variables, ready to be written.
type pieces []piece

// piece is a literal text, or a variable if it has a source or the name of what was taken.
type piece struct {
	literal string
	source  *keys.Source
	taken   string
	escaped bool
}

func literally(s string) pieces { return pieces{{literal: s}} }

// joined returns one text after the other. Literal texts that meet are one piece then.
func joined(texts ...pieces) (all pieces) {
	for _, p := range slices.Concat(texts...) {
		if n := len(all); n > 0 && all[n-1].isLiteral() && p.isLiteral() {
			all[n-1].literal += p.literal
		} else {
			all = append(all, p)
		}
	}
	return all
}

func (p piece) isLiteral() bool { return p.source == nil && p.taken == "" }

// append appends the text with the values of an arrival.
func (ps pieces) append(dst []byte, d *draw) []byte {
	for i := range ps {
		p := &ps[i]
		var value []byte
		switch {
		case p.source != nil && !p.escaped:
			dst = p.source.Append(dst, d.row(p.source))
			continue
		case p.source != nil:
			d.value = p.source.Append(d.value[:0], d.row(p.source))
			value = d.value
		case p.taken != "":
			value = d.taken[p.taken]
		default:
			dst = append(dst, p.literal...)
			continue
		}
		if p.escaped {
			dst = keys.Escape(dst, value)
		} else {
			dst = append(dst, value...)
		}
	}
	return dst
}

// template is a request that is written anew for each call, because it has variables.
type template struct {
	target, host, body pieces
	header             map[string][]pieces // by canonical name

	start  pieces // in HTTP/1.1: the request line and Host
	fields pieces // the other headers, without Traceparent and Content-Length
	sized  bool   // Content-Length is sent
}

// vary makes the request's template.
func (r *Request) vary(prefix string) error {
	t := &template{header: map[string][]pieces{}, sized: r.sized()}
	names := keys.Names{Known: r.spec.has, Why: func(string) string { return "there is no data of that name" }, Env: func(name string) (string, bool) {
		value, ok := r.spec.Env[name]
		return value, ok
	}}
	read := func(s string, where keys.Where) (pieces, error) {
		text, unfit := keys.Parse(s, where, names)
		if len(unfit) > 0 {
			return nil, fmt.Errorf("%q: %s", s, unfit[0].Msg)
		}
		return r.spec.pieces(text, where), nil
	}
	var err error
	if t.target, err = read(r.spec.Path, keys.InPath); err != nil {
		return err
	}
	t.target = joined(literally(prefix), t.target)
	if t.body, err = read(string(r.spec.Body), keys.InValue); err != nil {
		return err
	}
	t.host = literally(r.host)
	for name, values := range r.header {
		for _, value := range values {
			t.header[name] = append(t.header[name], literally(value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.spec.Header)) {
		var texts []pieces
		for _, value := range r.spec.Header[name] {
			text, err := read(value, keys.InValue)
			if err != nil {
				return err
			}
			texts = append(texts, text)
		}
		if name = textproto.CanonicalMIMEHeaderKey(name); name == "Host" {
			t.host = slices.Concat(texts...)
			continue
		}
		t.header[name] = texts
	}
	t.start = joined(literally(r.method+" "), t.target, literally(" HTTP/1.1\r\nHost: "), t.host, literally("\r\n"))
	for _, name := range slices.Sorted(maps.Keys(t.header)) {
		for _, value := range t.header[name] {
			t.fields = joined(t.fields, literally(name+": "), value, literally("\r\n"))
		}
	}
	if t.varies() {
		r.template = t
		return nil
	}
	r.fix(t)
	return nil
}

// varies reports whether there is anything to write anew.
func (t *template) varies() bool {
	varies := func(p piece) bool { return !p.isLiteral() }
	return slices.ContainsFunc(t.start, varies) || slices.ContainsFunc(t.fields, varies) || slices.ContainsFunc(t.body, varies)
}

// fix takes the texts of a template that does not vary: all of its variables were the environment's.
func (r *Request) fix(t *template) {
	var d draw
	r.target, r.host, r.spec.Body = string(t.target.append(nil, &d)), string(t.host.append(nil, &d)), t.body.append(nil, &d)
	for name, values := range t.header {
		r.header[name] = nil
		for _, value := range values {
			r.header[name] = append(r.header[name], string(value.append(nil, &d)))
		}
	}
}

// has reports whether the request has a variable of that name.
func (s *Spec) has(name string) bool {
	return slices.ContainsFunc(s.Data, func(v Variable) bool { return v.Name == name })
}

// pieces returns a text of the request, ready to be written.
func (s *Spec) pieces(text keys.Text, where keys.Where) pieces {
	var ps pieces
	for _, part := range text.Parts() {
		p := piece{literal: part.Literal, escaped: where == keys.InPath}
		if i := slices.IndexFunc(s.Data, func(v Variable) bool { return v.Name == part.Name }); i >= 0 && part.Name != "" {
			if p.source = s.Data[i].Source; p.source == nil {
				p.taken = part.Name
			}
		}
		ps = append(ps, p)
	}
	return ps
}

// write writes the whole request in HTTP/1.1 over wire. trace is where the traceparent's value starts; 0 if there is none.
func (t *template) write(wire []byte, traced bool, d *draw) (_ []byte, trace int) {
	d.written, d.rows = t, 0
	wire = t.start.append(wire[:0], d)
	if traced {
		wire = append(wire, api.HeaderTraceparent+": "...)
		trace = len(wire)
		wire = append(wire, emptyTraceparent+"\r\n"...)
	}
	wire = t.fields.append(wire, d)
	d.body = t.body.append(d.body[:0], d)
	if t.sized {
		wire = append(wire, "Content-Length: "...)
		wire = append(strconv.AppendInt(wire, int64(len(d.body)), 10), "\r\n"...)
	}
	return append(append(wire, "\r\n"...), d.body...), trace
}
