package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"loadlab/loadgen/internal/scenario"
)

// fields are the headers of a request: the names as they were first written, and the values of each.
type fields struct {
	names  []string
	values map[string][]string // by name in lower case; a name without any is not sent
}

// add adds a line; no value makes the name one that is not sent.
func (h *fields) add(name string, value ...string) {
	lower := strings.ToLower(name)
	if !h.has(name) {
		h.names = append(h.names, name)
	}
	if h.values == nil {
		h.values = map[string][]string{}
	}
	h.values[lower] = append(h.values[lower], value...)
}

func (h *fields) has(name string) bool {
	_, ok := h.values[strings.ToLower(name)]
	return ok
}

// headers returns the headers of the request, and a line for each that cannot be sent as it was given.
func (f *hitFlags) headers(body string) (h fields, dropped []string, err error) {
	lines, err := f.headerLines()
	if err != nil {
		return h, nil, err
	}
	for _, line := range lines {
		name, value, colon := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, ":"): // Chrome has pasted those of HTTP/2, which are no headers
			dropped = append(dropped, line)
		case !colon && strings.HasSuffix(line, ";"):
			h.add(strings.TrimSuffix(line, ";"), "")
		case !colon:
			return h, nil, fmt.Errorf("-H %q: want 'Name: value', or 'Name;' for an empty one", line)
		case isOwn(name, value):
			dropped = append(dropped, line)
		case strings.TrimSpace(value) == "" && isCurls(name):
			h.add(name)
		default:
			h.add(name, strings.TrimSpace(value))
		}
	}
	for _, extra := range []struct{ name, value string }{
		{"User-Agent", f.text("user-agent")}, {"Referer", f.text("referer")}, {"Range", f.ranged()}, {"Cookie", strings.Join(f.cookies, "; ")}, {"Authorization", f.bearer()},
	} {
		if extra.value != "" {
			h.add(extra.name, extra.value)
		}
	}
	for _, c := range f.cookies {
		if c != "" && !strings.Contains(c, "=") {
			return h, nil, fmt.Errorf("--cookie %q: want name=value; files of cookies are not read", c)
		}
	}
	if f.compressed && !h.has("Accept-Encoding") {
		h.add("Accept-Encoding", "gzip, deflate, br, zstd")
	}
	if slices.ContainsFunc(f.data, func(d datum) bool { return d.flag == dataJSON }) && !h.has("Accept") {
		h.add("Accept", "application/json")
	}
	if f.formType != "" && !h.has("Content-Type") {
		h.add("Content-Type", f.formType)
	}
	if body != "" && !h.has("Content-Type") && !json.Valid([]byte(body)) {
		if f.upload != "" {
			h.add("Content-Type") // of an upload curl says nothing
		} else {
			h.add("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	return h, dropped, nil
}

// ranged is the value of the header that --range makes; empty without it.
func (f *hitFlags) ranged() string {
	if bytes := f.text("range"); bytes != "" {
		return "bytes=" + bytes
	}
	return ""
}

// bearer is the value of the header that --oauth2-bearer makes; empty without it.
func (f *hitFlags) bearer() string {
	if token := f.text("oauth2-bearer"); token != "" {
		return "Bearer " + token
	}
	return ""
}

// isOwn reports whether a header is one that the generator sets itself. Browsers paste those with what they copy.
func isOwn(name, value string) bool {
	value = strings.ToLower(strings.TrimSpace(value))
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "content-length", "transfer-encoding", "expect", "upgrade", "trailer", "traceparent":
		return true
	case "connection":
		return value != "close" && value != "keep-alive"
	}
	return false
}

// isCurls reports whether curl sends a header of that name of its own accord, so that one without a value there takes it away.
func isCurls(name string) bool {
	return slices.Contains([]string{"accept", "user-agent", "content-type", "host", "connection"}, strings.ToLower(strings.TrimSpace(name)))
}

// all are the values of all headers.
func (h *fields) all() (list []string) {
	for _, values := range h.values {
		list = append(list, values...)
	}
	return list
}

// scenario returns the headers in the form of a scenario.
func (h *fields) scenario() scenario.Map {
	var m scenario.Map
	for _, name := range h.names {
		var value scenario.Value = scenario.Null{}
		switch values := h.values[strings.ToLower(name)]; len(values) {
		case 0:
		case 1:
			value = scenario.Text(values[0])
		default:
			var list scenario.Sequence
			for _, v := range values {
				list = append(list, scenario.Text(v))
			}
			value = list
		}
		m = append(m, scenario.Entry{Key: name, Value: value})
	}
	return m
}
