package scenario_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/scenario"
)

// env is an environment.
func env(name string) (string, bool) {
	value, ok := map[string]string{"TOKEN": "s3cret", "EMPTY": "", "LINE": "a\n", "HOST": "api.example"}[name]
	return value, ok
}

// beside are files in the scenario's folder.
func beside() fstest.MapFS {
	return fstest.MapFS{"order.json": {Data: []byte(`{"id": {{id}}, "t": "${TOKEN}"}`)}, "literal.txt": {Data: []byte("{{x}} $HOME")}, "image": {Data: []byte("\xff{{x}}")}}
}

// service reads a scenario of one mode m, which has a request, and keys of its own.
func service(t *testing.T, keys, mode, phase string) (*scenario.Scenario, error) {
	t.Helper()
	yaml := "why: x\n" + keys + "\nmodes:\n  m: {" + mode + "}\nphases: [{name: p, requests: 1, " + phase + "}]\n"
	return scenario.ParseIn(beside(), "dir/x.yaml", []byte(yaml), env)
}

func TestRequestsAsTheyMustBe(t *testing.T) {
	id := scenario.Variable{Name: "id"}
	for _, tt := range []struct {
		mode string
		want scenario.Mode
	}{
		{`request: PURGE /é?q=é&x=%C3`, scenario.Mode{Method: "PURGE", Path: "/%C3%A9?q=%C3%A9&x=%C3"}},
		{
			`request: GET /, headers: {Cookie: [a=1, b=2], X: "", User-Agent: null, Connection: close, TE: trailers}`,
			scenario.Mode{Method: "GET", Path: "/", Header: []scenario.Header{
				{Name: "Cookie", Value: "a=1"}, {Name: "Cookie", Value: "b=2"}, {Name: "X"}, {Name: "User-Agent", Without: true}, {Name: "Connection", Value: "close"},
				{Name: "TE", Value: "trailers"},
			}},
		},
		{
			`request: "GET /?t=${TOKEN}&e=${EMPTY:-x}", headers: {A: "Bearer ${TOKEN}"}`,
			scenario.Mode{Method: "GET", Path: "/?t=${TOKEN}&e=${EMPTY:-x}", Header: []scenario.Header{{Name: "A", Value: "Bearer ${TOKEN}"}}, Env: map[string]string{"TOKEN": "s3cret", "EMPTY": ""}},
		},
		{`request: "GET /?t=${UNSET:-a+b}"`, scenario.Mode{Method: "GET", Path: "/?t=a%2Bb"}},
		{
			`request: POST /, headers: {Content-Type: x}, body: {file: order.json}, data: {id: {list: ["${TOKEN}", "1"]}}`,
			scenario.Mode{Method: "POST", Path: "/", Header: []scenario.Header{{Name: "Content-Type", Value: "x"}}, Body: `{"id": {{id}}, "t": "${TOKEN}"}`, Data: []scenario.Variable{id}, Env: map[string]string{"TOKEN": "s3cret"}},
		},
		{`request: POST /, headers: {Content-Type: x}, body: {file: literal.txt, literal: true}`, scenario.Mode{Method: "POST", Path: "/", Header: []scenario.Header{{Name: "Content-Type", Value: "x"}}, Body: "{{x}} $HOME"}},
		{`request: POST /, headers: {Content-Type: x}, body: {file: image}`, scenario.Mode{Method: "POST", Path: "/", Header: []scenario.Header{{Name: "Content-Type", Value: "x"}}, Body: "\xff{{x}}"}},
		{`request: "GET /{x}?$HOME", literal: true`, scenario.Mode{Method: "GET", Path: "/{x}?$HOME"}},
		{
			`request: GET /, check: {bytes: 0, text: "a ${TOKEN}", without: [b, c], header: {X: 1, Y: null}, json: {a: 1}}`,
			scenario.Mode{Method: "GET", Path: "/", Check: scenario.Check{
				Empty: true, Text: []string{"a s3cret"}, Without: []string{"b", "c"}, Header: []scenario.HeaderCheck{{"X", "1"}, {"Y", "*"}}, JSON: []scenario.Field{{"a", json.Number("1")}},
			}},
		},
		{`request: GET /, check: {min_bytes: 3, max_bytes: 5}`, scenario.Mode{Method: "GET", Path: "/", Check: scenario.Check{MinBytes: 3, MaxBytes: 5}}},
	} {
		s, err := service(t, "", tt.mode, "")
		if err != nil {
			t.Errorf("%s: %v", tt.mode, err)
			continue
		}
		got := s.Modes[0]
		for i := range got.Data { // package keys has the rest
			got.Data[i].Spec = id.Spec
		}
		tt.want.Name, tt.want.Expect, tt.want.Line = "m", []int{200}, 4
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.mode, diff)
		}
		if want := strings.Contains(tt.mode, "${TOKEN}") || strings.Contains(tt.mode, "order.json"); (len(s.Secrets) > 0) != want {
			t.Errorf("%s: secrets %q", tt.mode, s.Secrets)
		}
	}
}

func TestExpectAClass(t *testing.T) {
	s, err := service(t, "", "request: GET /, expect: [2xx, 404]", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Modes[0].Expect; len(got) != 101 || got[0] != 200 || got[99] != 299 || got[100] != 404 {
		t.Errorf("got %v", got)
	}
	if _, err := service(t, "", "request: GET /, expect: [2xx, 204]", ""); err == nil || !strings.HasSuffix(err.Error(), "expect says 204 twice") {
		t.Errorf("got %v", err)
	}
}

func TestTargetAndAbort(t *testing.T) {
	s, err := service(t, "abort_when: error_ratio > 0.5\ntarget: {url: 'https://${HOST}', user: 'me:${TOKEN}', cacert: ca.pem, cert: /c.pem, key: k.pem, insecure: true, "+
		"unix_socket: /s, connect_to: 'h:1', connect_timeout: 3s, proxy: 'http://p:1', http2: true, redirects: 3}", "request: GET /", "")
	if err != nil {
		t.Fatal(err)
	}
	want := &scenario.Target{
		URL: "https://api.example", User: "me:s3cret", CACert: "dir/ca.pem", Cert: "/c.pem", Key: "dir/k.pem", Insecure: true, Socket: "/s", ConnectTo: "h:1", ConnectTimeout: 3 * time.Second, Proxy: "http://p:1", HTTP2: true, Redirects: 3,
	}
	if diff := cmp.Diff(want, s.Target); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(&scenario.Abort{"error_ratio", 0.5}, s.Phases[0].AbortWhen); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for text, want := range map[string]string{"p95() > 1500ms": "p95 > 1.5s", "errors>100": "errors > 100", "error_ratio > 0": "error_ratio > 0"} {
		s, err := service(t, "abort_when: error_ratio > 0.5", "request: GET /", "abort_when: "+text)
		if err != nil || s.Phases[0].AbortWhen.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, s, err, want)
		}
	}
	if s, err := service(t, "target: http://x", "request: GET /", ""); err != nil || s.Target.URL != "http://x" {
		t.Errorf("the short form: %v", err)
	}
}

// Each has one error, in its line and column.
func TestServiceErrors(t *testing.T) {
	const noVar = "the environment has no NONE: set it, or write ${NONE:-text} for a default, or {{'${NONE}'}} for the text itself"
	for _, tt := range []struct{ keys, mode, phase, want string }{
		{"", `request: "GET /?t=${NONE}"`, "", "4:25: ${NONE}: " + noVar},
		{"target: http://${NONE}", "request: GET /", "", "2:16: ${NONE}: " + noVar},
		{"", `request: GET /, headers: {A: "x $TOKEN"}`, "", "4:39: $TOKEN is sent as it stands: a variable of the environment is written ${TOKEN}; write {{'$TOKEN'}} for the text itself"},
		{"", `request: GET /, headers: {A: "{id}"}`, "", "4:37: {id} is text here, and not the variable: write {{id}}, or {{'{id}'}} for the text itself"},
		{"", `request: GET /, headers: {A: "${LINE}"}`, "", "4:36: header A has a variable of the environment with a control character, such as a line end"},
		{"", `request: POST /, body: "{{wrod}}", data: {word: {uniform: 9}}`, "", `4:31: {{wrod}}: unknown variable "wrod", did you mean "word"? (allowed: word); write {{'{{wrod}}'}} for the text itself`},
		{"", `request: GET /, headers: {Connection: upgrade}`, "", `4:45: header Connection is close, for a connection a request, or keep-alive; got "upgrade"`},
		{"", `request: CONNECT /`, "", `4:16: "CONNECT" is no method that a request can have, such as GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS`},
		{"", `request: POST /, body: {file: ../x}`, "", "4:37: file ../x: want the path of a file in the scenario's folder or below it, such as data/users.csv"},
		{"", `request: GET /, check: {bytes: 3, min_bytes: 1}`, "", "4:31: bytes is the length itself: min_bytes and max_bytes do not go with it"},
		{"", `request: GET /, check: {min_bytes: 3, max_bytes: 1}`, "", "4:45: max_bytes is below min_bytes"},
		{"", `request: GET /, check: {text: "{{id}}"}`, "", "4:38: {{id}}: text takes no data; write {{'{{id}}'}} for the text itself"},
		{"", "request: GET /", "abort_when: errors < 5", `5:45: abort_when wants a figure that is too great, such as error_ratio > 0.5, got "errors < 5"`},
		{"", "request: GET /", "abort_when: error_ratio > 1", `5:45: abort_when: error_ratio is from 0 to 1, and never above its greatest: write a bound below 1, got "1"`},
		{"", "request: GET /", "abort_when: p98 > 1s", `5:45: abort_when: unknown figure "p98", did you mean "p95"? (allowed: error_ratio, errors, p50, p95, p99)`},
		{"", "request: GET /", "abort_when: p99 > 1", "5:45: abort_when: p99 needs a unit: 1s or 1ms"},
		{"target: {url: 'http://x', connect_to: 'h'}", "request: GET /", "", "2:39: connect_to wants host:port, such as 127.0.0.1:8443"},
		{"target: {user: me}", "request: GET /", "", "2:9: target wants a url: http://localhost:3000\n2:10: user wants a name and a password: name:${PASSWORD}"},
	} {
		_, err := service(t, tt.keys, tt.mode, tt.phase)
		got := "none"
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "dir/x.yaml:", "")
		}
		if got != tt.want {
			t.Errorf("%s %s %s:\n got %s\nwant %s", tt.keys, tt.mode, tt.phase, got, tt.want)
		}
		if strings.Contains(got, "s3cret") {
			t.Errorf("a secret in %s", got)
		}
	}
}
