package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/scenario"
)

// hitFlags are the flags of hit that make its scenario. Those of the load and the timeout have the names and the values of a
// scenario's keys, and are read by what reads those: they are texts here.
type hitFlags struct {
	set *pflag.FlagSet
}

// defaultLength is how long hit drives load that nothing else ends.
const defaultLength = "10s"

// define adds the flags to a command's.
func (f *hitFlags) define(flags *pflag.FlagSet) {
	f.set = flags
	flags.String("rate", "", "open load: this `rate`, whatever the server does: 200/s, 50/s..500/s")
	flags.String("arrivals", "", "of an open load: `kind` of arrivals, poisson or constant (default poisson)")
	flags.StringP("users", "c", "", "closed load: this `number` of users, each of which waits for its response (default 1); with --rate, the most connections")
	flags.StringP("requests", "n", "", "closed load: end after this `number` of requests")
	flags.String("for", "", "`duration` of the load (default "+defaultLength+", unless --requests ends it)")
	flags.String("think", "", "closed load: `duration` that a user waits before its next request; 1s..2s draws it")
	flags.String("timeout", "", fmt.Sprintf("longest `duration` of a request, from when it was due (default %s)", scenario.DefaultTimeout))
	flags.StringP("method", "X", http.MethodGet, "HTTP `method`")
	flags.StringP("data", "d", "", "`body` of the request; it is application/json unless a header says otherwise")
	flags.StringArrayP("header", "H", nil, "`header` of the request, as in 'Accept: text/html'; may be repeated")
}

// scenario returns the scenario that the flags describe, and the target's URL.
func (f *hitFlags) scenario(address string) (*scenario.Scenario, string, error) {
	u, err := redact.Parse(withScheme(address))
	if err != nil {
		return nil, "", fmt.Errorf("the URL cannot be read: %w", err)
	}
	if f.set.Changed("rate") && (f.set.Changed("requests") || f.set.Changed("think")) {
		return nil, "", errors.New("--rate is an open load, which --for ends; --requests and --think are of a closed one: choose one")
	}
	request := f.text("method") + " " + requestPath(u)
	keys := scenario.Map{
		{Key: "name", Value: scenario.Text("hit")},
		{Key: "why", Value: scenario.Text("one request")},
		{Key: "rounds", Value: scenario.Text("1")},
		{Key: "modes", Value: scenario.Map{{Key: "hit", Value: f.mode(request)}}},
		{Key: "phases", Value: scenario.Sequence{f.phase()}},
	}
	s, err := scenario.New(f.given(keys, "timeout"))
	if err != nil {
		return nil, "", errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	s.Why = request + ", " + s.Phases[0].Describe()
	return s, (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String(), nil
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

// mode returns the one mode.
func (f *hitFlags) mode(request string) scenario.Map {
	// The statuses that RFC 9110 has for success and for redirects: hit does not know which of them the user wants.
	var expect scenario.Sequence
	for _, status := range []int{200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308} {
		expect = append(expect, scenario.Text(strconv.Itoa(status)))
	}
	mode := scenario.Map{{Key: "request", Value: scenario.Text(request)}, {Key: "expect", Value: expect}}
	if f.set.Changed("header") {
		mode = append(mode, scenario.Entry{Key: "headers", Value: f.headers()})
	}
	if f.set.Changed("data") {
		mode = append(mode, scenario.Entry{Key: "body", Value: scenario.Text(f.text("data"))})
	}
	return mode
}

// headers returns the headers of the request.
func (f *hitFlags) headers() scenario.Map {
	lines, _ := f.set.GetStringArray("header") // cannot fail: define made it one
	var headers scenario.Map
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		headers = append(headers, scenario.Entry{Key: name, Value: scenario.Text(value)})
	}
	return headers
}

// phase returns the one phase.
func (f *hitFlags) phase() scenario.Map {
	phase := scenario.Map{{Key: "name", Value: scenario.Text("hit")}}
	if f.set.Changed("users") {
		key := "users"
		if f.set.Changed("rate") {
			key = "connections"
		}
		phase = append(phase, scenario.Entry{Key: key, Value: scenario.Text(f.text("users"))})
	}
	phase = f.given(phase, "rate", "arrivals", "requests", "think", "for")
	if !f.set.Changed("rate") && !f.set.Changed("users") {
		phase = append(phase, scenario.Entry{Key: "users", Value: scenario.Text("1")})
	}
	if !f.set.Changed("for") && !f.set.Changed("requests") {
		phase = append(phase, scenario.Entry{Key: "for", Value: scenario.Text(defaultLength)})
	}
	return phase
}

// given returns m with an entry for each of the flags that the command line has, which are keys of m.
func (f *hitFlags) given(m scenario.Map, flags ...string) scenario.Map {
	for _, flag := range flags {
		if f.set.Changed(flag) {
			m = append(m, scenario.Entry{Key: flag, Value: scenario.Text(f.text(flag))})
		}
	}
	return m
}

// text returns the value of a flag.
func (f *hitFlags) text(flag string) string { return f.set.Lookup(flag).Value.String() }
