package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/scenario"
)

// datum is one of the flags --data, --data-raw, --data-binary, --data-urlencode and --json-body, in the order of the command line.
type datum struct{ flag, text string }

// dataFlag is one of them. All share a list.
type dataFlag struct {
	name string
	list *[]datum
}

func (d dataFlag) String() string { return "" }
func (d dataFlag) Type() string   { return "body" }

// Set implements pflag.Value.
func (d dataFlag) Set(text string) error {
	*d.list = append(*d.list, datum{d.name, text})
	return nil
}

// Flags of a body.
const (
	dataText    = "data"
	dataRaw     = "data-raw"
	dataBinary  = "data-binary"
	dataJSON    = "json-body"
	dataEncoded = "data-urlencode"
)

// body returns the body that the data flags make: as curl, joined by &. file is the one that it is, if it is just that.
func (f *hitFlags) body() (body, file string, err error) {
	if len(f.form) > 0 {
		body, f.formType, err = f.multipart()
		return body, "", err
	}
	var parts []string
	for _, d := range f.data {
		if d.flag == dataEncoded {
			text, err := f.encoded(d.text)
			if err != nil {
				return "", "", err
			}
			parts = append(parts, text)
			continue
		}
		name, named := strings.CutPrefix(d.text, "@")
		if !named || d.flag == dataRaw {
			parts = append(parts, d.text)
			continue
		}
		text, err := f.read(name)
		if err != nil {
			return "", "", fmt.Errorf("--%s @%s: %w", d.flag, name, err)
		}
		stripped := text
		if d.flag == dataText {
			stripped = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
		}
		if len(f.data) == 1 && name != "-" && stripped == text {
			file = name
		}
		parts = append(parts, stripped)
	}
	if slices.ContainsFunc(f.data, func(d datum) bool { return d.flag == dataJSON }) {
		return strings.Join(parts, ""), file, nil
	}
	return strings.Join(parts, "&"), file, nil
}

// read reads a file, or the standard input of the name -.
func (f *hitFlags) read(name string) (string, error) {
	if name == "-" && f.stdin != nil {
		text, err := io.ReadAll(f.stdin)
		return string(text), err
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

// methodOf returns the method: that of -X, or what the data and --head make of it.
func (f *hitFlags) methodOf() string {
	switch {
	case f.set.Changed("method"):
		return f.text("method")
	case f.head:
		return http.MethodHead
	case f.upload != "":
		return http.MethodPut
	case len(f.data)+len(f.form) > 0 && !f.get:
		return http.MethodPost
	}
	return http.MethodGet
}

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

// address is where a request goes: the target's URL, and the request's path.
type address struct{ target, path string }

// addressOf reads a URL. That of a Unix socket may have a path after it: unix:///run/app.sock:/path.
func addressOf(text string) (address, error) {
	if socket, ok := strings.CutPrefix(text, "unix://"); ok {
		socket, path, _ := strings.Cut(socket, ":")
		u, err := redact.Parse("http://localhost" + path)
		if err != nil {
			return address{}, fmt.Errorf("the URL cannot be read: %w", err)
		}
		return address{"unix://" + socket, requestPath(u)}, nil
	}
	u, err := redact.Parse(withScheme(text))
	if err != nil {
		return address{}, fmt.Errorf("the URL cannot be read: %w", err)
	}
	if u.Hostname() == "" {
		return address{}, fmt.Errorf("the URL %q names no host: want scheme://host[:port][/path]", redact.URL(text))
	}
	return address{(&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String(), requestPath(u)}, nil
}

// requestPath returns what a request line has of u.
func requestPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// withQuery returns a path with the data in its query: --get.
func withQuery(path, data string) string {
	switch {
	case data == "":
		return path
	case strings.Contains(path, "?"):
		return path + "&" + data
	}
	return path + "?" + data
}

// hasVariables reports whether a text in a file would not be sent as it stands.
func hasVariables(where keys.Where, texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool {
		t, unfit := keys.Parse(s, where, keys.Names{Why: func(string) string { return "" }})
		return len(unfit) > 0 || t.Plain() != s
	})
}

// isText reports whether a body can stand in a scenario file.
func isText(body string) bool {
	return !bytes.ContainsFunc([]byte(body), func(c rune) bool { return c == utf8.RuneError || c < ' ' && c != '\n' && c != '\t' || c == 0x7f })
}
