package main

import (
	"bytes"
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
