package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/pflag"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/scenario"
)

// hitFlags are the flags of hit that make its scenario. Those of the load and the timeout have the names and the values of a
// scenario's keys, and are read by what reads those: they are texts here. Those of the request are curl's.
type hitFlags struct {
	set                   *pflag.FlagSet
	stdin                 io.Reader // of --data @-
	data                  []datum
	form, cookies, urls   []string
	upload                string
	formType              string // Content-Type of a body of --form
	head, get, compressed bool
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
	flags.StringP("method", "X", http.MethodGet, "HTTP `method` (default POST with a body); --request is the same")
	flags.VarP(dataFlag{dataText, &f.data}, dataText, "d", "`body` of the request, or @file without its line ends; again is joined by &. It is application/json if it is JSON, and else a form")
	flags.Var(dataFlag{dataRaw, &f.data}, dataRaw, "the same, in which @ means nothing")
	flags.Var(dataFlag{dataBinary, &f.data}, dataBinary, "the same, with the file's line ends")
	flags.Var(dataFlag{dataJSON, &f.data}, dataJSON, "the same, of type application/json, which is asked for too")
	flags.BoolVarP(&f.get, "get", "G", false, "the body is the query")
	flags.BoolVarP(&f.head, "head", "I", false, "HEAD")
	flags.StringArrayP("header", "H", nil, "`header` of the request, as in 'Accept: text/html'; may be repeated; 'Name;' is empty, 'Accept:' is not sent")
	flags.StringP("user-agent", "A", "", "`header` User-Agent")
	flags.StringP("referer", "e", "", "`header` Referer")
	flags.StringArrayVarP(&f.cookies, "cookie", "b", nil, "`header` Cookie, name=value; again is joined by ;")
	f.defineCurls(flags)
	defineRefused(flags)
	flags.BoolVar(&f.compressed, "compressed", false, "ask for a compressed response")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "request": // curl's word
			name = "method"
		case "data-ascii":
			name = dataText
		case "http2-prior-knowledge":
			name = "http2"
		case "max-redirs":
			name = "redirects"
		}
		return pflag.NormalizedName(name)
	})
}

// drafted is what the flags describe: the keys of a scenario, its target, and notes on what is otherwise than was asked for.
type drafted struct {
	keys   scenario.Map
	target string // its URL
	why    string // the request
	shown  string // the same without its secrets
	body   string
	file   string // that the body is, byte by byte; empty if it is in none
	notes  []string
}

// scenario returns the scenario that the flags describe, and the target's URL.
func (f *hitFlags) scenario(address string) (*scenario.Scenario, drafted, error) {
	d, err := f.draft(address)
	if err != nil {
		return nil, d, err
	}
	s, err := scenario.New(d.keys)
	if err != nil {
		return nil, d, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	s.Why = d.shown + ", " + s.Phases[0].Describe()
	return s, d, nil
}

// draft returns the keys of the scenario that the flags describe.
func (f *hitFlags) draft(url string) (d drafted, err error) {
	if url, err = f.unglobbed(url); err != nil {
		return d, err
	}
	at, err := addressOf(url)
	if err != nil {
		return d, err
	}
	if f.set.Changed("rate") && (f.set.Changed("requests") || f.set.Changed("think")) {
		return d, errors.New("--rate is an open load, which --for ends; --requests and --think are of a closed one: choose one")
	}
	if f.upload != "" {
		if f.upload != "-" {
			d.file = f.upload
		}
		d.body, at.path, err = f.uploaded(at.path)
	} else {
		d.body, d.file, err = f.body()
	}
	if err != nil {
		return d, err
	}
	if f.get {
		at.path, d.body = withQuery(at.path, d.body), ""
	}
	if f.head && d.body != "" {
		return d, errors.New("--head has no body")
	}
	d.target, d.why, d.shown = at.target, f.methodOf()+" "+at.path, f.methodOf()+" "+redact.URL(at.path)
	mode, err := f.mode(&d)
	if err != nil {
		return d, err
	}
	d.keys = f.given(scenario.Map{
		{Key: "name", Value: scenario.Text("hit")},
		{Key: "why", Value: scenario.Text("one request")},
		{Key: "rounds", Value: scenario.Text("1")},
		{Key: "modes", Value: scenario.Map{{Key: "hit", Value: mode}}},
		{Key: "phases", Value: scenario.Sequence{f.phase()}},
	}, "timeout")
	return d, nil
}

// mode returns the one mode.
func (f *hitFlags) mode(d *drafted) (scenario.Map, error) {
	// Whatever succeeds, and redirects: hit does not know which of them the user wants.
	expect := scenario.Sequence{scenario.Text("2xx"), scenario.Text("3xx")}
	mode := scenario.Map{{Key: "request", Value: scenario.Text(d.why)}, {Key: "expect", Value: expect}}
	headers, dropped, err := f.headers(d.body)
	if err != nil {
		return nil, err
	}
	for _, line := range dropped {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, ":"), ":")
		d.notes = append(d.notes, fmt.Sprintf("header %s is not sent as it was given: the generator sets it", name))
	}
	if len(headers.names) > 0 {
		mode = append(mode, scenario.Entry{Key: "headers", Value: headers.scenario()})
	}
	if d.body != "" {
		mode = append(mode, scenario.Entry{Key: "body", Value: scenario.Text(d.body)})
	}
	all := headers.all()
	if hasVariables(keys.InPath, d.why) || hasVariables(keys.InValue, d.body) || hasVariables(keys.InHeader, all...) {
		mode = append(mode, scenario.Entry{Key: "literal", Value: scenario.Text("true")})
	}
	return mode, nil
}

// phase returns the one phase.
func (f *hitFlags) phase() scenario.Map {
	phase := f.given(scenario.Map{{Key: "name", Value: scenario.Text("hit")}}, "rate", "arrivals")
	switch open := f.set.Changed("rate"); {
	case open && f.set.Changed("users"):
		phase = append(phase, scenario.Entry{Key: "connections", Value: scenario.Text(f.text("users"))})
	case !open && f.set.Changed("users"):
		phase = f.given(phase, "users")
	case !open:
		phase = append(phase, scenario.Entry{Key: "users", Value: scenario.Text("1")})
	}
	phase = f.given(phase, "requests", "think", "for")
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
