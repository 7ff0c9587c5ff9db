package main

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// secondsFlag is a duration, or a number of seconds, which is what curl takes.
type secondsFlag struct{ d *time.Duration }

func (s secondsFlag) String() string { return "" }
func (s secondsFlag) Type() string   { return "seconds" }

// Set implements pflag.Value.
func (s secondsFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d <= 0 {
		return errors.New("want seconds, such as 3 or 0.5, or a duration, such as 500ms")
	}
	*s.d = d
	return nil
}

// refusedFlagError is a flag of curl's that a load generator has not. Its error is why.
type refusedFlagError struct{ name, why string }

func (r refusedFlagError) String() string   { return "" }
func (r refusedFlagError) Type() string     { return "" }
func (r refusedFlagError) Set(string) error { return r }
func (r refusedFlagError) Error() string    { return "--" + r.name + ": " + r.why }

// defineRefused adds the flags of curl that are refused with a sentence of their own.
func defineRefused(flags *pflag.FlagSet) {
	const retries = "what failed is counted, and not tried again: a load generator must not hide failures"
	for _, f := range []struct{ name, short, why string }{
		{"retry", "", retries}, {"retry-delay", "", retries}, {"retry-max-time", "", retries},
		{"config", "K", "files of options are not read"},
		{"limit-rate", "", "responses are read as fast as they come"},
		{"proxy-user", "U", "write the credentials into the URL: -x http://name:password@host:port"},
		{"remote-name", "O", "responses are not kept"},
		{"parallel-max", "", "-c is the number of connections"},
	} {
		flags.VarP(refusedFlagError{f.name, f.why}, f.name, f.short, "")
		_ = flags.MarkHidden(f.name) // fails for no flag that there is
	}
	for _, f := range []struct{ name, short, why string }{
		{"next", ":", "hit makes one request: several are modes, or the steps of a session, in a scenario, which --save begins"},
		{"parallel", "Z", "-c is the number of connections, and --rate a rate that does not wait for responses"},
		{"retry-all-errors", "", retries}, {"retry-connrefused", "", retries},
		{"digest", "", "credentials are sent as Basic (-u) or as a token (--oauth2-bearer)"},
		{"ntlm", "", "credentials are sent as Basic (-u) or as a token (--oauth2-bearer)"},
		{"negotiate", "", "credentials are sent as Basic (-u) or as a token (--oauth2-bearer)"},
		{"anyauth", "", "credentials are sent as Basic (-u) or as a token (--oauth2-bearer)"},
		{"http1.0", "0", "requests are of HTTP/1.1, or with --http2 of HTTP/2"},
		{"http3", "", "requests are of HTTP/1.1, or with --http2 of HTTP/2"},
	} {
		flag := flags.VarPF(refusedFlagError{f.name, f.why}, f.name, f.short, "")
		flag.NoOptDefVal, flag.Hidden = "true", true
	}
}

// uploaded returns the body of --upload-file, and the path that it goes to: as with curl, one that ends with a slash gets the file's name.
func (f *hitFlags) uploaded(to string) (body, at string, err error) {
	if len(f.data)+len(f.form) > 0 || f.get || f.head {
		return "", "", errors.New("--upload-file goes with no other body, nor with --get or --head")
	}
	if body, err = f.read(f.upload); err != nil {
		return "", "", fmt.Errorf("--upload-file: %w", err)
	}
	base, query, _ := strings.Cut(to, "?")
	if strings.HasSuffix(base, "/") && f.upload != "-" {
		to = path.Join(base, url.PathEscape(filepath.Base(f.upload)))
		if query != "" {
			to += "?" + query
		}
	}
	return body, to, nil
}

// urlOf returns the one URL of a command line: an argument, or --url.
func (f *hitFlags) urlOf(args []string) (string, error) {
	urls := append(slices.Clone(args), f.urls...)
	switch {
	case len(urls) == 1:
		return urls[0], nil
	case len(urls) == 0:
		return "", errors.New("there is no URL (usage: loadgen hit URL [flags])")
	}
	for _, text := range args {
		if f.set.Changed("json") && strings.HasPrefix(strings.TrimSpace(text), "{") {
			return "", errors.New("--json prints one object and takes no value: a body of JSON is --json-body")
		}
	}
	return "", fmt.Errorf("hit makes one request, and these are %d URLs: %s; several are modes of a scenario", len(urls), strings.Join(urls, ", "))
}

// glob is what curl makes several URLs of: {a,b}, [1-3], [a-z], [01-10:2].
var glob = regexp.MustCompile(`\{[^{}]*,[^{}]*\}|\[(?:[0-9]+-[0-9]+|[a-zA-Z]-[a-zA-Z])(?::[0-9]+)?\]`)

// unglobbed returns a URL as curl has it that is one URL: without the backslashes by which a browser keeps curl from making several. With --globoff it is as it stands.
func (f *hitFlags) unglobbed(text string) (string, error) {
	if off, _ := f.set.GetBool("globoff"); off { // cannot fail: defineCurls made it one
		return text, nil
	}
	escaped := regexp.MustCompile(`\\([\[\]{}])`)
	if several := glob.FindString(escaped.ReplaceAllString(text, "")); several != "" {
		return "", fmt.Errorf("curl makes several URLs of %s, and hit makes one request: write {{variable}} in a scenario, with data: {variable: {list: [...]}}; --globoff takes it as it stands", several)
	}
	return escaped.ReplaceAllString(text, "$1"), nil
}

// headerLines returns the lines of -H, with those of the files that @ names.
func (f *hitFlags) headerLines() (all []string, err error) {
	lines, _ := f.set.GetStringArray("header") // cannot fail: define made it one
	for _, line := range lines {
		name, named := strings.CutPrefix(line, "@")
		if !named {
			all = append(all, line)
			continue
		}
		text, err := f.read(name)
		if err != nil {
			return nil, fmt.Errorf("-H @%s: %w", name, err)
		}
		for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
			if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, line)
			}
		}
	}
	return all, nil
}
