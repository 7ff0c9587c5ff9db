package scenario_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/scenario"
)

const users = "name,city\nann,Berlin\nbob,\"New York\"\n"

// varied has every kind of data, everywhere that it can stand.
const varied = `why: x
data:
  page: {zipf: 0.9, of: 250}
  far: {zipf: 1, of: 10, from: 900}
  id: {uniform: 1..5000}
  n: {uniform: 7}
  gone: {sequence: 900000..999999}
  city: {list: [Berlin, "New York", 3]}
  user: {csv: data/users.csv, column: name, order: shuffled}
  home: {csv: data/users.csv, column: city, order: once, sticky: true}
modes:
  page: GET /p/?page={page}&far={{far}}
  user:
    request: GET /u/{user}/{id}
    headers: {X-City: "{{city}}", X-Home: "{{home}}"}
    body: '{"n": {{n}}, "gone": {"a": {{gone}}}}'
  own:
    request: GET /o/{page}
    data: {page: {list: [a, b]}}
  literal:
    request: "GET /l/{{'{page}'}}"
    headers: {X: "{{'${HOME} {{page}}'}}"}
    body: '{"a": {}}'
phases: [{name: p, users: 2, requests: 4}]
`

func files() fstest.MapFS { return fstest.MapFS{"data/users.csv": {Data: []byte(users)}} }

func TestData(t *testing.T) {
	s, err := scenario.ParseIn(files(), "x.yaml", []byte(varied), nil)
	if err != nil {
		t.Fatal(err)
	}
	user := keys.Spec{Kind: keys.CSV, File: "data/users.csv", Column: "name", Values: []string{"ann", "bob"}, Order: keys.Shuffled}
	home := keys.Spec{Kind: keys.CSV, File: "data/users.csv", Column: "city", Values: []string{"Berlin", "New York"}, Order: keys.Once, Sticky: true}
	for name, want := range map[string][]scenario.Variable{
		"page": {{"far", keys.Spec{Kind: keys.Zipf, S: 1, From: 900, To: 909}}, {"page", keys.Spec{Kind: keys.Zipf, S: 0.9, From: 1, To: 250}}},
		"user": {
			{"city", keys.Spec{Kind: keys.List, Values: []string{"Berlin", "New York", "3"}, Order: keys.Sequential}},
			{"gone", keys.Spec{Kind: keys.Sequence, From: 900_000, To: 999_999}},
			{"home", home},
			{"id", keys.Spec{Kind: keys.Uniform, From: 1, To: 5000}},
			{"n", keys.Spec{Kind: keys.Uniform, From: 1, To: 7}},
			{"user", user},
		},
		"own":     {{"page", keys.Spec{Kind: keys.List, Values: []string{"a", "b"}, Order: keys.Sequential}}},
		"literal": nil,
	} {
		if diff := cmp.Diff(want, s.Mode(name).Data); diff != "" {
			t.Errorf("mode %s: -want +got\n%s", name, diff)
		}
	}
	for _, m := range s.Modes {
		for _, v := range m.Data {
			if _, err := keys.New(v.Spec, v.Name, 1); err != nil {
				t.Errorf("mode %s: %v", m.Name, err)
			}
		}
	}
	if m := s.Mode("page"); m.Path != "/p/?page={page}&far={{far}}" {
		t.Errorf("the path is %q, want it as it was written", m.Path)
	}
	if m := s.Mode("literal"); m.Path != "/l/%7Bpage%7D" || m.Header[0].Value != "${HOME} {{page}}" || m.Body != `{"a": {}}` {
		t.Errorf("literal texts became %q, %q, %q", m.Path, m.Header[0].Value, m.Body)
	}
	sum := sha256.Sum256([]byte(varied + users))
	if want := hex.EncodeToString(sum[:]); s.SHA256 != want {
		t.Errorf("the sum is %s, want %s: that of the scenario and its data", s.SHA256, want)
	}
}

// The files of a scenario's data are found beside it, wherever the program runs.
func TestDataBesideTheScenario(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"mine.yaml": strings.ReplaceAll(varied, "data/users.csv", "users.csv"), "users.csv": users} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := scenario.Find(dir, "mine", nil); err != nil {
		t.Error(err)
	}
	_, err := scenario.Parse("nowhere/mine.yaml", []byte(varied), nil)
	if err == nil || !strings.Contains(err.Error(), "csv data/users.csv: ") {
		t.Errorf("without its file: got %v", err)
	}
}

// session is a mode of three steps.
const session = `why: x
data: {page: {uniform: 9}, price: {uniform: 1..5}}
modes:
  visit:
    steps:
      - {name: list, request: "GET /l?page={page}", take: {id: results.3.id, first: results.0.id}}
      - {name: property, request: "GET /p/{id}/", check: {min_bytes: 10}}
      - {name: price, request: "PATCH /p/{id}/", body: '{"price": {{price}}, "first": {{first}}}', expect: [200, 404]}
    think: 200ms..1s
  plain: GET /
phases:
  - {name: open, rate: 10/s, for: 1s}
  - {name: both, rate: 10/s, for: 1s, mix: {visit: 1, plain: 1}}
  - {name: lone, rate: 10/s, for: 1s, mix: {plain: 1}}
gates:
  - p99("visit/list", "open") < 1*s and p99("visit", "both") < 9*s
`

func TestSession(t *testing.T) {
	s, err := scenario.Parse("x.yaml", []byte(session), nil)
	if err != nil {
		t.Fatal(err)
	}
	page := scenario.Variable{"page", keys.Spec{Kind: keys.Uniform, From: 1, To: 9}}
	price := scenario.Variable{"price", keys.Spec{Kind: keys.Uniform, From: 1, To: 5}}
	want := []scenario.Mode{
		{Name: "visit", Expect: []int{200}, Line: 4, Steps: 3, Think: scenario.Think{Min: 200 * time.Millisecond, Max: time.Second}},
		{
			Name: "visit/list", Method: "GET", Path: "/l?page={page}", Expect: []int{200}, Line: 6, Session: "visit", Data: []scenario.Variable{page},
			Take: []scenario.Taking{{"id", "results.3.id"}, {"first", "results.0.id"}},
		},
		{
			Name: "visit/property", Method: "GET", Path: "/p/{id}/", Expect: []int{200}, Line: 7, Session: "visit", Data: []scenario.Variable{{Name: "id"}},
			Check: scenario.Check{MinBytes: 10},
		},
		{
			Name: "visit/price", Method: "PATCH", Path: "/p/{id}/", Expect: []int{200, 404}, Line: 8, Session: "visit",
			Header: []scenario.Header{{Name: "Content-Type", Value: "application/json"}}, Body: `{"price": {{price}}, "first": {{first}}}`,
			Data: []scenario.Variable{{Name: "first"}, {Name: "id"}, price},
		},
		{Name: "plain", Method: "GET", Path: "/", Expect: []int{200}, Line: 10},
	}
	if diff := cmp.Diff(want, s.Modes); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if c := s.Compared(); len(c) != 2 || c[0].Name != "visit" || c[1].Name != "plain" {
		t.Errorf("compared are %+v", c)
	}
	// Two modes through the phase that is not mixed.
	if got := s.Estimate(); got != 3*(2+1+1)*time.Second {
		t.Errorf("estimate %s, want 12s", got)
	}
}

// dataTests are files and all that is wrong with each, without the name of the file.
var dataTests = []struct{ name, file, want string }{
	{"no data", with("", "a: 'GET /a/{id}?t=${TOKEN}'"), "2:20: {id}: there is no data: name it by data: {id: {uniform: 1..100}}; " +
		"write {{'{id}'}} for the text itself\n" +
		"2:27: ${TOKEN}: the environment has no TOKEN: set it, or write ${TOKEN:-text} for a default, or {{'${TOKEN}'}} for the text itself"},
	{"unknown", with("data: {page: {uniform: 9}}", `a: {request: "GET /{pge}", headers: {X: "{{ page }}"}, body: "{page} {{pag}}"}`),
		`2:28: {pge}: unknown variable "pge", did you mean "page"? (allowed: page); write {{'{pge}'}} for the text itself` + "\n" +
			"2:50: {{ page }} is no variable: write {{name}}, or {{'{{'}} for the text itself\n" +
			"2:71: {page} is text here, and not the variable: write {{page}}, or {{'{page}'}} for the text itself\n" +
			`2:78: {{pag}}: unknown variable "pag", did you mean "page"? (allowed: page); write {{'{{pag}}'}} for the text itself`},
	{"unused", with("data: {page: {uniform: 9}, id: {uniform: 9}}", `a: {request: "GET /{page}", data: {page: {uniform: 8}}}`),
		"4:8: no request has the variable \"page\": write {{page}} in one\n4:28: no request has the variable \"id\": write {{id}} in one"},
	{"empty", with("data: {}", "a: GET /"), "4:7: data is empty: name a variable, {page: {zipf: 0.9, of: 250}}"},
	{"ways", with(`data:
  A: {uniform: 9}
  b: {}
  c: {zipf: 0.9}
  d: {zipf: 0, of: 5}
  e: {uniform: 9..1}
  f: {uniform: 9, sequence: 1..2}
  g: {uniform: 9, of: 5, sticky: true}
  h: {list: []}
  i: {list: [[1]], order: random}
  j: {csv: data/users.csv}
  k: {csv: data/users.csv, column: town}
  l: {csv: ../users.csv, column: name}
  m: {csv: none.csv, column: name}
  n: {csv: data, column: name}
  o: {pareto: 1}
  p: 5
  q: {sequence: 1..x}
  r: {sequence: -1..5}
  "7": {uniform: 9}`, "a: GET /"), `5:3: a variable's name must be 1 to 40 of a-z, 0-9, _ and -, and no number, got "A"
6:6: data b wants a way to be drawn: zipf, uniform, sequence, list, or csv
7:6: zipf wants a number of ids: of: 250
8:13: zipf must be from 0.01 to 10, got 0
9:16: uniform runs from the lower id to the higher: 1..9
10:19: data is drawn in one way: uniform and sequence are two
11:19: of does not go with uniform
11:26: sticky does not go with uniform
12:13: list is an empty list
13:14: a row of a list wants a text or a number, got a list
13:27: unknown order "random" (allowed: sequential, shuffled, once)
14:6: csv wants a column: column: name
15:28: data/users.csv: unknown column "town" (allowed: name, city)
16:7: csv ../users.csv: want the path of a file in the scenario's folder or below it, such as data/users.csv
17:7: csv none.csv: open none.csv: file does not exist
18:7: csv data: want a file of at most 67108864 bytes
19:7: unknown key "pareto" (allowed: zipf, of, from, uniform, sequence, list, csv, column, order, sticky)
20:6: the data p wants a mapping of keys to values, got "5"
21:17: sequence wants ids such as 1..5000, got "1..x"
22:17: sequence must be within 0..1000000000000000, got -1..5
23:3: a variable's name must be 1 to 40 of a-z, 0-9, _ and -, and no number, got "7"`},
	{"header", with("data: {x: {list: [a, \"b\\nc\"]}}", `a: {request: GET /, headers: {X: "{{x}}"}}`),
		`2:42: header X has "x", of which row 2 has a control character`},
	{"phases", `why: x
data: {x: {list: [a, b], sticky: true}, y: {list: [a, b], order: once}, z: {list: [a, b], order: once, sticky: true}}
modes: {a: "GET /{x}{y}{z}"}
phases:
  - {name: p, rate: 100/s, for: 1s}
  - {name: q, users: 2, requests: 3}
  - {name: r, users: 3, for: 3s}
`, `5:1: phase "p": the data "x" is sticky, and an open load has no users that it could stick to
5:1: phase "p": the data "y" has 2 rows, each to be taken once, and about 100 requests are due
5:1: phase "p": the data "z" is sticky, and an open load has no users that it could stick to
6:1: phase "q": the data "y" has 2 rows, each to be taken once, and there are 3 requests
7:1: phase "r": the data "z" has 2 rows, each for one user, and there are 3 users`},
	{"sessions", `why: x
data: {page: {uniform: 9}}
modes:
  a: {steps: []}
  b: {steps: [{request: GET /}, {name: x}, {name: y, request: GET /}, {name: y, request: GET /}], request: GET /}
  c: {request: GET /, think: 1s}
  d: {steps: [{name: x, request: "GET /{id}", take: {id: a..b, page: c, "7": d}}, {name: y, request: "GET /{id}{page}"}], think: 61s}
phases: [{name: p, requests: 1}]
`, `4:14: steps is an empty list
5:15: a step wants a name and a request: {name: list, request: GET /path}
5:33: a step wants a name and a request: {name: list, request: GET /path}
5:72: a step named "y" is there already
5:99: request does not go with steps: each of them is a request
6:23: think goes with steps: a phase of users has its own
7:14: a session whose user thinks for up to 1m1s is longer than the greatest time that is recorded, which is 1m
7:40: {id}: unknown variable "id" (allowed: page); write {{'{id}'}} for the text itself
7:58: "a..b" is no path into JSON: keys and list indices, joined by dots, as in results.0.id
7:64: "page" is a variable already
7:73: a variable's name must be 1 to 40 of a-z, 0-9, _ and -, and no number, got "7"`},
	{"crowded", `why: x
modes: {a: {steps: [{name: x, request: GET /}, {name: y, request: GET /}], think: 1s..2s}, b: GET /}
connections: 50
phases:
  - {name: p, rate: 10/s..40/s, for: 1s}
  - {name: q, rate: 100/s, for: 1s, mix: {a: 1, b: 9}}
  - {name: r, rate: 30/s, for: 1s}
`, `5:1: phase "p": up to 40/s sessions that think for 1.5s keep 60 connections busy, and there are 50: set connections`},
	{"conditional", `why: x
modes:
  a: {request: GET /, conditional: maybe}
  b: {request: POST /, conditional: true}
  c: {request: GET /, headers: {if-none-match: x}, conditional: true}
  d: {steps: [{name: x, request: GET /, conditional: true, take: {id: a}}, {name: y, request: "GET /{id}"}], conditional: true}
  e: {request: POST /, conditional: false}
phases: [{name: p, requests: 1}]
`, `3:36: conditional wants true or false, got "maybe"
4:37: conditional goes with GET, and this is a POST
5:48: conditional sets the header if-none-match itself
6:54: conditional does not go with take: a 304 has no body to take from
6:110: conditional does not go with steps: each of them is a request`},
	{"not taken", `why: x
modes: {a: {steps: [{name: x, request: GET /, take: {id: a}}, {name: y, request: GET /}]}}
phases: [{name: p, requests: 1}]
`, `2:54: no request has the variable "id": write {{id}} in one`},
}

// with is a file of one mode, in line 2, and other keys from line 4 on.
func with(keys, mode string) string {
	return "why: x\nmodes: {" + mode + "}\nphases: [{name: p, requests: 1}]\n" + keys + "\n"
}

func TestDataErrors(t *testing.T) {
	for _, tt := range dataTests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := scenario.ParseIn(files(), "x.yaml", []byte(tt.file), nil)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), "x.yaml:", "")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s\nof\n%s", diff, tt.file)
			}
		})
	}
}

// FuzzData is FuzzParse with a file beside the scenario: what can be read can be drawn.
func FuzzData(f *testing.F) {
	f.Add([]byte(varied), []byte(users))
	f.Add([]byte(session), []byte(users))
	for _, tt := range dataTests {
		f.Add([]byte(tt.file), []byte(users))
	}
	f.Fuzz(func(t *testing.T, data, csv []byte) {
		s, err := scenario.ParseIn(fstest.MapFS{"data/users.csv": {Data: csv}}, "f.yaml", data, nil)
		if err != nil {
			var es scenario.Errors
			if !errors.As(err, &es) || len(es) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		runnable(t, s)
		for _, m := range s.Modes {
			for _, v := range m.Data {
				if v.Spec.Kind == "" && m.Session != "" {
					continue
				}
				source, err := keys.New(v.Spec, v.Name, 1)
				if err != nil {
					t.Fatalf("%+v: %v", v, err)
				}
				source.Append(nil, source.Row(1, 12345, 3))
			}
		}
	})
}
