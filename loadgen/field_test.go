package main

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/field"
	"loadlab/loadgen/internal/result"
)

// fieldCase is a command line against the server of package field, and what it must come to. {} in it is the server, {tls} the same over TLS with a certificate that
// nobody knows, {gone} an address where nobody listens.
type fieldCase struct {
	name, args string
	code       int
	want       []string // in what is printed, on either output
	not        []string // in neither
}

// plain is a scenario of one request that is made 20 times a second, with places for its request and its gate.
const plainScenario = "why: a field case\nmodes: {ok: GET %path}\nrounds: 1\nphases: [{name: steady, rate: 20/s, arrivals: constant, for: 500ms}]\ngates: ['%gate']\n"

// What load generators trip over in the field, each case for its kind. Processes and signals are in crash_test.go and terminal_linux_test.go, a generator that stands still is in
// frozen_test.go, the form of JUnit in package report, an outage of Redis and the order of a query in the app's tests.
func TestField(t *testing.T) {
	workplace(t)
	server, gone := field.Serve(t, nil), testkit.FreeAddr(t)
	unknown := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	config := &tls.Config{Certificates: unknown.TLS.Certificates, MinVersion: tls.VersionTLS12}
	unknown.Close()
	secure := field.Serve(t, config)
	scenario := func(name, path, gate string) {
		write(t, name+".yaml", strings.NewReplacer("%path", path, "%gate", gate).Replace(plainScenario))
	}
	scenario("q", "/ok", "errors() == 0")
	scenario("failing", "/404", "errors() == 0")
	scenario("slow", "/ok", "p99() < 0.001*ms")
	write(t, "bom.yaml", "\ufeff"+strings.NewReplacer("%path", "/ok", "%gate", "errors() == 0").Replace(plainScenario))
	write(t, "crlf.yaml", strings.ReplaceAll(strings.NewReplacer("%path", "/ok", "%gate", "errors() == 0").Replace(plainScenario), "\n", "\r\n"))
	write(t, "env.yaml", strings.NewReplacer("GET %path", "\"GET /x?t=${TOKEN}\"", "%gate", "errors() == 0").Replace(plainScenario))
	write(t, "own.yaml", strings.NewReplacer("GET %path", "\"GET /x?t=${TOKEN:-none}\"", "%gate", "errors() == 0").Replace(plainScenario))
	write(t, "hopeless.yaml", strings.NewReplacer("%path", "/500", "%gate", `errors("ok", "steady", "5xx") == 0`, "for: 500ms", "for: 1h, abort_when: error_ratio > 0.5").
		Replace(strings.Replace(plainScenario, "20/s", "200/s", 1)))
	write(t, "dup.yaml", "why: a\nwhy: b\n")
	write(t, "tab.yaml", "why: a\nmodes:\n\tok: GET /ok\n")
	write(t, "=1+1,x.yaml", "why: a field case\nmodes: {ok: GET /ok}\nphases: [{name: p, requests: 1}]\n")
	write(t, "bad\xff.yaml", "why: a field case\nmodes: {ok: GET /ok}\nphases: [{name: p, requests: 1}]\n")

	cases := []fieldCase{
		{"a 404", "hit {}/404 -n 3", 1, []string{"3 requests errors=3: status 404 x 3", "FAIL  hit: no request succeeded"}, []string{"p99=", "status 500"}},
		{"a 500", "hit {}/500 -n 3", 1, []string{"errors=3: status 500 x 3"}, []string{"status 404"}},
		{"two lengths", "hit {}/lengths -n 3", 1, []string{"errors=3: bad response (Content-Length is not one number) x 3"}, nil},
		{"no head", "hit {}/nohead -n 1", 1, []string{"bad response ("}, nil},
		{"no HTTP", "hit {}/html -n 2", 1, []string{"bad response (no status line of HTTP/1.x) x 2"}, nil},
		{"no HTTP, by net/http", "hit {}/html -n 2 --transport net/http", 1, []string{"bad response (no status line of HTTP/1.x) x 2"}, nil},
		{"TLS behind http", "hit {}/alert -n 2", 1, []string{"bad response (the server speaks TLS: its URL is https) x 2"}, nil},
		{"TLS behind http, by net/http", "hit {}/alert -n 2 --transport net/http", 1, []string{"bad response (the server speaks TLS: its URL is https) x 2"}, nil},
		{"no status", "hit {}/status0 -n 2", 1, []string{"bad response (a status that no request asked for) x 2"}, nil},
		{"no status, by net/http", "hit {}/status0 -n 2 --transport net/http", 1, []string{"bad response (a status that no request asked for) x 2"}, nil},
		{"a secret in the query", "hit {}/ok?access_token=s3cret&api_key=s3cret&q=x -n 1 --phases", 0, []string{"GET /ok?access_token=xxxxx&api_key=xxxxx&q=x"}, []string{"s3cret"}},
		{"a secret in the query, as JSON", "hit {}/404?token=s3cret -n 1 --json", 1, []string{"GET /404?token=xxxxx"}, []string{"s3cret"}},
		{"one slash", "hit http:/{host}/ok -n 1", 0, []string{"1 completed"}, nil},
		{"closed", "hit {}/empty -n 2", 1, []string{"errors=2: reset (closed by the server) x 2"}, nil},
		{"an unknown certificate", "hit https://{tls}/ok -n 3", 1, []string{"errors=3: refused (certificate of an unknown authority) x 3", "signed by unknown authority"}, nil},
		{"truncated", "hit {}/short -n 3", 1, []string{"errors=3: truncated x 3"}, nil},
		{"truncated chunks", "hit {}/cut -n 3", 1, []string{"errors=3: truncated x 3"}, nil},
		{"a redirect", "hit {}/redirect -n 5", 0, []string{"5 of 5 responses were redirects, and were not followed further (302 x 5)"}, nil},
		{"a loop of redirects", "hit {}/loop -n 5 --redirects 3", 1, []string{"status 302, the limit of redirects is reached x 5"}, nil},
		{"nobody there", "hit http://user:s3cret@{gone}/p -n 1", 4, []string{"http://user:xxxxx@{gone} does not answer"}, []string{"s3cret"}},
		{"phases", "hit {}/ok -n 3 --phases", 0, []string{"\nPhases of a request\n", "first byte"}, nil},
		{"JSON", "hit {}/404 -n 3 --json", 1, []string{`"failures":[{"kind":"status","status":404,"count":3,`, `"exit_code":1`}, []string{"p99_ms", "Modes by phase"}},
		{"JSON without failures", "hit {}/ok -n 3 --json --allow-limited", 0, []string{`"failures":[]`}, nil},
		{"no folder for results", "run ./q.yaml --target {} --out /proc", 2, []string{"write results: ", "--out names another folder"}, []string{"PASS"}},
		{"no file for a page", "hit {}/ok -n 1 --html none/x.html", 2, []string{"--html: open none/x.html: no such file or directory"}, []string{"round 1"}},
		{"another scheme", "hit ftp://127.0.0.1/ -n 1", 2, []string{"the scheme must be http or https"}, nil},
		{"no such port", "hit http://127.0.0.1:99999/ -n 1", 2, []string{"the port must be from 1 to 65535"}, nil},
		{"zeros", "hit {}/ok -n 0 -c 0 --think 1s --for 0s", 2, []string{"for must be from 1ms to 24h, got 0s"}, nil},
		{"a byte order mark", "validate ./bom.yaml", 0, []string{"bom.yaml: ok"}, nil},
		{"lines of another system", "validate ./crlf.yaml", 0, []string{"crlf.yaml: ok"}, nil},
		{"a key twice", "validate ./dup.yaml", 2, []string{"dup.yaml:2:1: "}, nil},
		{"a tab", "validate ./tab.yaml", 2, []string{"tab.yaml:3:1: "}, nil},
		{"a formula for a name", "run ./=1+1,x.yaml --target {}", 2, []string{"the scenario's name, which is its file's, must be"}, nil},
		{"a name that is no text", "run ./bad\xff.yaml --target {} --metrics-addr 127.0.0.1:0", 2, []string{"the scenario's name, which is its file's, must be"}, nil},
		{"a target without a scheme", "run ./q.yaml --target {host} --allow-limited", 0, []string{"PASS  q: its one gate holds"}, nil},
		{"a gate that fails", "run ./failing.yaml --target {} --allow-limited", 1, []string{"FAIL  failing: ", "status  404"}, nil},
		{"a gate that is not met", "run ./slow.yaml --target {} --allow-limited", 3, nil, []string{"PASS"}}, // p99 of ten requests is not judged
		{"a large body", "hit {}/big200000000 -n 1 --timeout 60s --allow-limited", 0, []string{"1 requests p50=", "Bodies: 200 MB received"}, nil},
		{"a query without a path", "hit {}?x=1 -n 1", 0, []string{"GET /?x=1"}, nil},
		{"variables that are not set", "validate ./env.yaml", 2, []string{"env.yaml:2:", "${TOKEN}: the environment has no TOKEN"}, nil},
		{"a default of a variable", "run ./own.yaml --target {} --allow-limited", 0, []string{"PASS  own: "}, nil},
		{"a hopeless phase", "run ./hopeless.yaml --target {} --allow-limited", 1, []string{"was ended after", "abort_when: error_ratio > 0.5", "errors(ok, steady, 5xx) is "}, nil},
		{"no HTTP/2", "hit https://{tls}/ok -n 2 -k --http2", 1, []string{"refused (the server does not speak HTTP/2) x 2"}, nil},
		{"a connection a request", "hit {}/ok -n 3 -H Connection:close", 0, []string{"3 completed"}, nil},
		{"a body from a file", "hit {}/body -n 1 -d @dup.yaml", 0, []string{"POST /body", "Bodies: 5 B received"}, nil},
		{"a method, lines and empty headers", "hit {}/ok -n 1 -X PURGE -H Cookie:a=1 -H Cookie:b=2 -H X-Empty:", 0, []string{"PURGE /ok"}, nil},
		{"no socket", "hit unix:///nonexistent/x.sock -n 1", 4, []string{"no such file or directory"}, nil},
		{"no certificate", "hit https://{tls}/ok -n 1 --cert none.pem", 2, []string{"none.pem: no such file"}, nil},
		{"an international name", "hit http://münchen.localhost:{port}/ -n 1 --allow-limited", 0, []string{"1 completed"}, nil},
		{"less than one a second", "hit {}/ok --rate 40/m --for 2s --arrivals constant --allow-limited", 0, []string{"\n2 requests p50="}, nil},
		{"a ramp from none", "hit {}/ok --rate 0/s..50/s --for 500ms --arrivals constant --allow-limited", 0, []string{" requests p50="}, nil},
		{"few a second", "hit {}/ok --rate 5/s --for 500ms --arrivals constant --allow-limited", 0, []string{"\n3 requests p50="}, nil},
	}
	for _, path := range []string{"continue", "hints", "interim", "trailers", "extension", "blanks", "204", "304", "case", "twice", "noreason", "newlines", "http10", "both", "leftover", "two", "close",
		"fold", "colon", "zeros", "longline", "longhead", "é?x=é"} {
		cases = append(cases, fieldCase{path, "hit {}/" + path + " -n 10", 0, []string{"Ledger: 10 requests scheduled = 10 completed."}, nil})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			filled := strings.NewReplacer("{}", "http://"+server.Addr, "{host}", server.Addr, "{port}", server.Addr[strings.LastIndexByte(server.Addr, ':')+1:], "{tls}", secure.Addr, "{gone}", gone)
			r := loadgen(t, strings.Fields(filled.Replace(c.args))...)
			printed := r.stdout + r.stderr
			if limited(r) {
				t.Skip("SKIPPED, NOT TESTED: the machine was too busy")
			}
			if r.code != c.code {
				t.Errorf("exit code %d, want %d: %s", r.code, c.code, r)
			}
			for _, want := range c.want {
				if want = filled.Replace(want); !strings.Contains(printed, want) {
					t.Errorf("no %q in %s", want, r)
				}
			}
			for _, not := range c.not {
				if strings.Contains(printed, not) {
					t.Errorf("%q in %s", not, r)
				}
			}
		})
	}
	if requests := strings.Join(server.Requests(), "\n"); !strings.Contains(requests, "GET /?x=1") {
		t.Errorf("a query without a path came as none of\n%s", requests)
	}
	// What failed is a sentence in JUnit, and has its cause in CSV. The run without an argument is the latest.
	junit, table := loadgen(t, "report", "--format", "junit"), loadgen(t, "report", "runs", "--format", "csv")
	paths, err := filepath.Glob("runs/*-failing/run.json")
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	if junit.code != 0 || table.code != 0 {
		t.Error(junit, table)
	}
	junit, table = loadgen(t, "report", filepath.Dir(paths[0]), "--format", "junit"), loadgen(t, "report", paths[0], "--format", "csv")
	if !strings.Contains(junit.stdout, `<failure message="errors() is 10, not 0. 10 of 10 requests (100%) failed: status 404 x 10."`) || !strings.Contains(table.stdout, "status 404 x 10") {
		t.Error(junit, table)
	}
	if run, err := result.Read(paths[0]); err != nil || run.Cells[0].Failures[0].Status != http.StatusNotFound {
		t.Errorf("got %+v, %v", run, err)
	}
}
