package scenario_test

import (
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/scenario"
)

const (
	fileKeys = "(allowed: name, why, target, app, world, modes, default_modes, objective, data, rounds, seed, timeout, connections, abort_when, max_in_flight, phases, gates)"
	modeKeys = "(allowed: request, headers, body, literal, expect, check, conditional, data, steps, think)"
)

const phaseKeys = "(allowed: name, warmup, rate, steps, arrivals, users, think, requests, burst, for, mix, before, during, faults, app, world, connections, timeout, trace, abort_when)"

// appKeys are the keys of the app section, as an error lists them.
func appKeys() string {
	var names []string
	for _, k := range api.Knobs() {
		if k.Scenario {
			names = append(names, k.Name)
		}
	}
	return "(allowed: " + strings.Join(names, ", ") + ")"
}

// errorTests are files and all that is wrong with each, without the name of the file.
var errorTests = []struct{ name, file, want string }{
	{"empty", "", "1:1: the file is empty"},
	{"comment only", "# nothing\n", "1:1: the file is empty"},
	{"not a mapping", "hello", `1:1: a scenario wants a mapping of keys to values, got "hello"`},
	{"not UTF-8", "why: \xff", "1:1: a scenario is UTF-8 text of at most 1048576 bytes"},
	{"broken YAML", "why: x\nmodes: [a", "2:8: sequence end token ']' not found"},
	{"tab", "why: x\n\tmodes: 1", "2:1: found character '\t' that cannot start any token"},
	{"byte order mark", "\ufeffwhyy: x", `1:1: unknown key "whyy", did you mean "why"? ` + fileKeys + "\n" + `1:1: key "why" is missing` + "\n" + `1:1: key "modes" is missing` + "\n" + `1:1: key "phases" is missing`},
	{"two objectives", "objective: {p50: 1ms, p99: 50ms}\n" + file("requests: 1"), "1:12: objective wants one percentile and its bound, such as {p99: 50ms}"},
	{"no objective", "objective: {}\n" + file("requests: 1"), "1:12: objective wants one percentile and its bound, such as {p99: 50ms}"},
	{"objective of no percentile", "objective: {p98: 50ms}\n" + file("requests: 1"), `1:13: unknown key "p98", did you mean "p90"? (allowed: p50, p90, p95, p99)`},
	{"objective beyond what is recorded", "objective: {p99: 2m}\n" + file("requests: 1"), "1:18: p99 must be from 1ms to 1m, got 2m"},
	{"byte order mark only", "\ufeff", "1:1: the file is empty"},
	{"two documents", file("requests: 1") + "---\nwhy: y\n", "5:1: a file holds one scenario: a second document begins here"},
	{"alias", "why: &x y\nmodes: {a: GET /}\nphases: *x\n", "1:6: why wants a text, got an anchor or an alias, which scenarios do not have\n" +
		"3:9: phases wants a list, got an anchor or an alias, which scenarios do not have"},
	{"nothing said", "name: x", `1:1: key "why" is missing` + "\n" + `1:1: key "modes" is missing` + "\n" + `1:1: key "phases" is missing`},
	{"values missing", "why:\nmodes:\nphases:\n", "1:5: why wants a text, got nothing\n" +
		"2:7: modes wants a mapping of keys to values, got nothing\n3:9: phases wants a list, got nothing"},
	{"all at once", `why: x
appp: {}
app: {ttl: 0s, tll: 1s, properties: many, beta: x, index: 1, ttl: 5}
modes:
  A: GET /
  b: get /
  c: {requests: GET /}
rounds: 0
phases:
  - {name: p, rat: 200/s, for: 6s}
gates:
  - errors() == 0
`, `2:1: unknown key "appp", did you mean "app"? ` + fileKeys + `
3:12: ttl must be from 1ms to 24h, got 0s
3:16: unknown key "tll", did you mean "ttl"? ` + appKeys() + `
3:37: properties wants a whole number, got "many"
3:49: beta wants a number, got "x"
3:59: index wants true or false, got "1"
3:62: key "ttl" is said twice, first in line 3
5:3: a mode's name must be 1 to 40 of a-z, 0-9, _ and -, got "A"
6:6: methods are in upper case: GET and not get
7:7: unknown key "requests", did you mean "request"? ` + modeKeys + `
8:9: rounds must be from 1 to 1000, got 0
10:15: unknown key "rat", did you mean "rate"? ` + phaseKeys},
	{"no modes", "why: x\nmodes: {}\nphases: [{name: p, requests: 1}]", "2:8: modes is empty: name at least one request"},
	{"requests", `why: x
modes:
  a: /path
  b: GET path
  c: "GET /a b"
  d: GET
  e: {request: GET /, headers: {Content-Length: 3, "a b": x, X: "1", x: "2", Y: "a\nb"}}
  f: {request: GET /, expect: [200, 200, 99], check: {json: {a..b: 1, c: [1]}, min_bytes: -1}}
  g: 12
  "h": {request: GET /, body: {}, expect: ok}
  i: {expect: 200}
phases: [{name: p, requests: 1}]
`, `3:6: a request begins with its method: GET /path
4:6: a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got "path"
5:6: a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got "/a b"
6:6: a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got ""
7:33: header "Content-Length" is set by the generator
7:52: "a b" is not the name of a header
7:70: header "x" is said twice: two lines of it are a list, x: [a, b]
7:81: header Y must be one line without control characters
8:37: expect says 200 twice
8:42: expect must be from 200 to 599, got 99
8:62: "a..b" is no path into JSON: keys and list indices, joined by dots, as in results.0.id
8:74: c wants a text, a number, true, false or null, got a list
8:91: min_bytes must be from 1 to 1000000000, got -1
9:6: a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got ""
10:31: body wants a text, or a file: {file: order.json}
10:43: expect wants a whole number, got "ok"
11:6: mode "i" has no request: say request: GET /path`},
	{"phases", phases(
		"{name: p, requests: 1}",
		"{name: p, requests: 1}",
		"{requests: 1}",
		"requests",
		"{name: ümlaut, requests: 1}",
		"{name: [q], requests: 1}",
	), `5:5: a phase named "p" is in line 4 already
6:5: a phase wants a name
7:5: a phase wants a mapping of keys to values, got "requests"
8:12: a phase's name must be 1 to 40 of a-z, 0-9, _ and -, got "ümlaut"
9:12: a phase's name wants a name, got a list`},
	{"shapes", phases(
		"{name: a, rate: 200/s, users: 5, for: 6s}",
		"{name: b, steps: [{rate: 1/s, for: 1s}], rate: 1/s}",
		"{name: c, burst: 5, users: 5}",
		"{name: d, for: 6s}",
		"{name: e, rate: 200/s}",
		"{name: f, users: 5}",
		"{name: g, rate: 1/s, for: 1s, think: 1s, requests: 4}",
		"{name: h, burst: 5, for: 1s}",
		"{name: i, users: 5, for: 1s, arrivals: constant, connections: 4}",
		"{name: j, users: 5, requests: 4}",
		"{name: k, steps: [{rate: 1/s}, {for: 1s}, 7], for: 1s}",
		"{name: l, steps: []}",
	), `4:28: a phase has one load: rate and users are two
5:15: a phase has one load: rate and steps are two
6:25: a phase has one load: burst and users are two
7:5: a phase wants a load: rate and for, steps, users, requests, or burst
8:15: rate wants a length: for: 6s
9:15: users want an end: for: 10s, or requests: 500
10:35: think does not go with rate
10:46: requests does not go with rate
11:25: for does not go with burst
12:34: arrivals does not go with users
12:54: connections does not go with users
13:25: 1 of 5 users would have nothing to do
14:23: a step wants rate and for: {rate: 100/s, for: 2s}
14:36: a step wants rate and for: {rate: 100/s, for: 2s}
14:47: a step wants a mapping of keys to values, got "7"
14:51: for does not go with steps
15:22: steps is an empty list`},
	{"values", phases(
		"{name: a, rate: 200, for: 6}",
		"{name: b, rate: 200/h, for: -6s}",
		"{name: c, rate: 0/s, for: 25h}",
		"{name: d, rate: 2000000/s, for: soon}",
		"{name: e, rate: 1e3/s, for: 1s, arrivals: poison}",
		"{name: f, rate: 1/s..x, for: [1s]}",
		"{name: g, rate: 1.2.3/s, for: 500us}",
		"{name: h, users: 5, think: 2s..1s, for: 1s}",
		"{name: i, users: 1.5, think: 1, for: 1s}",
		"{name: j, requests: 1, trace: some, warmup: yes}",
		"{name: k, requests: 1, timeout: 0, trace: 0/s}",
		"{name: l, rate: -5/s, for: 1s, connections: 70000}",
		"{name: m, rate: {a: 1}, for: 1s}",
		"{name: n, requests: 1, timeout: 2m}",
		"{name: o, requests: 1, timeout: 60001ms}",
	), `4:21: rate needs a unit: 200/s or 200/m
4:31: for needs a unit: 6s or 6ms
5:21: unknown unit "/h", did you mean "/s"? (allowed: /s, /m)
5:33: for must be from 1ms to 24h, got -6s
6:21: rate must be above 0, got 0/s
6:31: for must be from 1ms to 24h, got 25h
7:21: rate must be at most 1000000/s, got 2000000/s
7:37: for wants a duration such as 6s, 500ms or 1m30s, got "soon" (allowed units: us, ms, s, m, h)
8:21: rate wants a rate such as 200/s, 90/m or 50/s..500/s, got "1e3/s"
8:47: unknown arrivals "poison", did you mean "poisson"? (allowed: poisson, constant)
9:21: rate wants a rate such as 200/s, 90/m or 50/s..500/s, got "x"
9:34: for wants a duration such as 6s or 500ms, got a list
10:21: rate wants a number before its unit, got "1.2.3/s"
10:35: for must be from 1ms to 24h, got 500us
11:32: think runs from the shorter to the longer: 1s..2s
12:22: users wants a whole number, got "1.5"
12:34: think needs a unit: 1s or 1ms
13:35: trace wants all, none, or how many a second as in 10/s, got "some"
13:49: warmup wants true or false, got "yes"
14:37: timeout must be from 1ms to 1m, got 0
14:47: rate must be above 0, got 0/s
15:21: rate wants a rate such as 200/s, 90/m or 50/s..500/s, got "-5/s"
15:49: connections must be from 1 to 65535, got 70000
16:21: rate wants a rate such as 200/s, got a mapping
17:37: timeout must be from 1ms to 1m, got 2m
18:37: timeout must be from 1ms to 1m, got 60001ms`},
	{"timeout", file("requests: 1") + "timeout: 61s\n", "4:10: timeout must be from 1ms to 1m, got 61s"},
	{"actions", phases(
		"{name: a, requests: 1, before: flush}",
		"{name: b, requests: 1, before: [flsh, wait, {wait: 5}, {price_change: {id: 1}}, {explode: 1}, [flush]]}",
		"{name: c, rate: 1/s, for: 6s, during: {wait: 1s, price_change: 1ms, expire: 6s}}",
		"{name: d, requests: 1, mix: {a: 0, c: 1}}",
		"{name: e, requests: 1, mix: {}}",
		"{name: f, requests: 1, mix: [a]}",
	), `4:36: before wants a list, got "flush"
5:37: unknown action "flsh", did you mean "flush"? (allowed: flush, expire, price_change, wait)
5:43: wait wants a duration: {wait: 500ms}
5:56: wait needs a unit: 5s or 5ms
5:75: price_change takes nothing: write price_change
5:86: unknown action "explode" (allowed: flush, expire, price_change, wait)
5:99: an action wants a mapping of keys to values, got a list
6:5: expire every 6s never happens in a phase of 6s
6:44: unknown key "wait" (allowed: flush, expire, price_change)
6:68: price_change must be from 10ms to 24h, got 1ms
7:37: the weight of a must be from 1 to 1000000, got 0
7:40: unknown mode "c" (allowed: a, b)
8:33: mix is empty: say which modes share the phase, {naive: 1, cached: 5}
9:33: mix wants a mapping of keys to values, got a list`},
	{"only warm-up", file("requests: 1, warmup: true"), "3:9: every phase is warm-up: nothing would be measured"},
	{"idle mode", file("requests: 1, mix: {a: 1}"), `2:1: mode "b" has no part in any phase that is measured`},
	{"warm-up only mode", file("requests: 1, mix: {a: 1}}, {name: q, warmup: true, requests: 1"), `2:1: mode "b" has no part in any phase that is measured`},
	{"gates", file("requests: 1, warmup: true}, {name: q, requests: 1, mix: {a: 1}}, {name: r, requests: 1") + `gates:
  - errors() == 0
  - p99("a", "q") <= 0.5 * p99("c", "q")
  - 'p99("b", "s") < 1'
  -   p99("a", "p") < 1 and p99("b", "q") < 1
  - "sql(\"a\") < 1*msec"
  - >
    p98() < 1
  -
  - errors() = 0
`, `6:32: unknown mode "c" (allowed: a, b)
7:15: unknown phase "s" (allowed: q, r)
8:16: phase "p" is warm-up, which has no figures
8:29: mode "b" takes no part in phase "q" (in it: a)
9:19: unknown unit "msec" (allowed: us, ms, s)
10:5: unknown function "p98", did you mean "p90"? (allowed: ` + strings.Join(figure.Names(), ", ") + `)
12:4: a gate wants a text, got nothing
13:14: = is no comparison: equality is written ==`},
}

// file is a scenario of modes a and b with one phase named p of those keys.
func file(keys string) string { return strings.Replace(minimal, "%", keys, 1) }

// phases is a scenario of modes a and b whose first phase is in line 4.
func phases(list ...string) string {
	return "why: x\nmodes: {a: GET /a, b: GET /b}\nphases:\n  - " + strings.Join(list, "\n  - ") + "\n"
}

func TestErrors(t *testing.T) {
	for _, tt := range errorTests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := scenario.Parse("scenarios/x.yaml", []byte(tt.file), nil)
			if err == nil {
				t.Fatalf("no error, want\n%s", tt.want)
			}
			const file = "scenarios/x.yaml:"
			want := file + strings.ReplaceAll(tt.want, "\n", "\n"+file)
			if got := err.Error(); got != want {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", got, want, tt.file)
			}
		})
	}
}
