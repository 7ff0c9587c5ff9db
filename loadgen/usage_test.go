package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// marker is a program that leaves a file behind if it is ever started.
func marker(t *testing.T) (program, trace string) {
	t.Helper()
	dir := t.TempDir()
	program, trace = filepath.Join(dir, "app"), filepath.Join(dir, "trace")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+trace+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, trace
}

// What is wrong with a scenario is reported with file and line, and nothing is started: no app, no folder for results.
func TestABadScenario(t *testing.T) {
	const valid = `why: x
modes: {page: GET /api/properties/cached/}
phases:
  - {name: p, rate: 10/s, for: 1s}
gates:
  - p99("page", "p") <= 10*ms
`
	for name, tt := range map[string]struct{ old, bad, want string }{
		"key":          {"rate:", "rat:", `bad.yaml:4:15: unknown key "rat", did you mean "rate"?`},
		"unit of rate": {"10/s", "10/h", `bad.yaml:4:21: unknown unit "/h", did you mean "/s"? (allowed: /s, /m)`},
		"no unit":      {"1s}", "1}", "bad.yaml:4:32: for needs a unit: 1s or 1ms"},
		"mode":         {`"page", "p"`, `"pages", "p"`, `bad.yaml:6:9: unknown mode "pages", did you mean "page"? (allowed: page)`},
		"phase":        {`"page", "p"`, `"page", "q"`, `bad.yaml:6:17: unknown phase "q" (allowed: p)`},
		"function":     {"p99(", "p98(", `bad.yaml:6:5: unknown function "p98", did you mean "p90"?`},
		"unit of gate": {"10*ms", "10*msec", `bad.yaml:6:28: unknown unit "msec" (allowed: us, ms, s)`},
		"not YAML":     {"modes: {page:", "modes: [page:", "bad.yaml:3:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			workplace(t)
			app, trace := marker(t)
			write(t, "bad.yaml", strings.Replace(valid, tt.old, tt.bad, 1))
			for _, args := range [][]string{{"run", "./bad.yaml", "--app", app}, {"run", "bad.yaml", "--stack", "local", "--app", app}, {"validate", "bad.yaml"}} {
				r := loadgen(t, args...)
				if r.code != 2 || !strings.Contains(r.stderr, tt.want) || !strings.HasPrefix(r.stderr, "loadgen: ") || r.stdout != "" {
					t.Errorf("%v: %s\nwant exit code 2 and %s", args, r, tt.want)
				}
			}
			if _, err := os.Stat(trace); err == nil {
				t.Error("the app was started")
			}
			if _, err := os.Stat("runs"); err == nil {
				t.Error("there is a folder for results")
			}
		})
	}
}

// Every mistake in a command line is reported in one line with what to do, with exit code 2.
func TestUsage(t *testing.T) {
	workplace(t)
	app, trace := marker(t)
	write(t, "good.yaml", "why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}]\n")
	write(t, "scenarios/stampede.yaml", "why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}]\n")
	write(t, "no.json", "{}")
	write(t, "empty.json", `{"schema": 1, "id": "x", "scenario": {"name": "x"}}`)
	write(t, "file", "")
	for _, tt := range []struct{ args, want string }{
		{"rum stampede", `there is no command "rum"`},
		{"run", "accepts 1 arg(s), received 0 (usage: loadgen run SCENARIO"},
		{"run a b", "accepts 1 arg(s), received 2"},
		{"run stamped", `unknown scenario "stamped", did you mean "stampede"?`},
		{"run ./nothing.yaml", "open ./nothing.yaml: no such file or directory"},
		{"run good.yaml --scenarios elsewhere --rounds -1", "want a number of rounds, or auto"},
		{"run good.yaml --round 1", "unknown flag: --round (loadgen run --help lists the flags)"},
		{"run good.yaml --modes b", `--modes: good.yaml: unknown mode "b" (allowed: a)`},
		{"run good.yaml --modes=", "--modes: good.yaml: choose at least one of its modes: a"},
		{"run good.yaml --seed x", `invalid argument "x" for "--seed" flag`},
		{"run good.yaml --grafana http://localhost:3000", "--grafana goes with --metrics-addr"},
		{"run good.yaml --metrics-addr :0 --grafana localhost:3000", `--grafana: "localhost:3000" is not the URL of a Grafana`},
		{"run good.yaml --jaeger localhost:16686", `--jaeger: "localhost:16686" is not the URL of a Jaeger`},
		{"run good.yaml --stack compose --target http://127.0.0.1:1", "--stack compose has addresses of its own: leave out --target, --lab and --links"},
		{"run good.yaml --stack cloud", `--stack is "cloud": use embedded, local, compose, remote`},
		{"run good.yaml --stack remote", "a remote stack needs its address: --target http://host:port"},
		{"run good.yaml --lab http://localhost:1", "--lab goes with --target"},
		{"run good.yaml --target http://localhost:1 --redis-rtt 1ms", "--database-rtt and --redis-rtt take links, which a service that runs already does not have"},
		{"run good.yaml --out file/runs", "make a folder for the results: mkdir file: not a directory"},
		{"run stampede --scenarios elsewhere", "list scenarios: open elsewhere: no such file or directory"},
		{"list --scenarios elsewhere", "list scenarios: open elsewhere: no such file or directory"},
		{"list stampede", `unknown command "stampede" for "loadgen list"`},
		{"validate --scenarios elsewhere", "list scenarios: open elsewhere: no such file or directory"},
		{"validate nothing", `unknown scenario "nothing"`},
		{"report", "there are no results in runs: give the path of a run.json"},
		{"report scenarios", "there are no results in scenarios: give the path of a run.json"},
		{"report a b", "several runs go with --format html alone (loadgen compare writes them as text or Markdown)"},
		{"compare empty.json", "requires at least 2 arg(s), only received 1"},
		{"compare empty.json nothing.json", "nothing.json: no such file or directory"},
		{"compare empty.json empty.json --format pdf", `--format is "pdf": use text or markdown`},
		{"report nothing.json", "open nothing.json: no such file or directory"},
		{"report no.json", "read no.json: "},
		{"trace", "there are no results in runs: give the path of a run.json"},
		{"trace no.json", "read no.json: "},
		{"trace empty.json", "it kept no traces: "},
		{"hit", "there is no URL"},
		{"hit http://x --rate 10/s -n 5", "--rate is an open load, which --for ends; --requests and --think are of a closed one: choose one"},
		{"hit http://x --rate 10", "rate needs a unit: 10/s or 10/m"},
		{"hit http://x --rate 10/s --arrivals even", `unknown arrivals "even"`},
		{"hit http://x --users -3", "users must be"},
		{"hit http://x -X CONNECT", `"CONNECT" is no method that a request can have`},
		{"hit http://x --rate 5/s -H Accept", `-H "Accept": want 'Name: value'`},
		{"run good.yaml --target ftp://x", `target "ftp://x": the scheme must be http or https`},
		{"run good.yaml --target x:99999", `target "http://x:99999": the port must be from 1 to 65535`},
		{"hit ftp://127.0.0.1/", `target "ftp://127.0.0.1": the scheme must be http or https`},
		{"hit http://127.0.0.1:99999/", `target "http://127.0.0.1:99999": the port must be from 1 to 65535`},
		{"hit http:///x", `the URL "http:///x" names no host: want scheme://host[:port][/path]`},
		{"hit http:////h", `the URL "http:////h" names no host`},
		{"hit http://%zz", "the URL cannot be read: "},
	} {
		args := strings.Fields(tt.args)
		if args[0] == "run" {
			args = append(args, "--app", app)
		}
		r := loadgen(t, args...)
		if r.code != 2 || !strings.Contains(r.stderr, tt.want) || !strings.HasPrefix(r.stderr, "loadgen: ") || strings.Count(r.stderr, "\n") != 1 || r.stdout != "" {
			t.Errorf("%s: %s\nwant exit code 2 and one line with %s", tt.args, r, tt.want)
		}
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("the app was started")
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"help"}} {
		r := loadgen(t, args...)
		for _, command := range []string{"run ", "hit ", "list ", "validate ", "report "} {
			if r.code != 0 || !strings.Contains(r.stdout, "\n  "+command) || !strings.Contains(r.stdout, "Exit codes: 0 pass, 1 a gate failed") {
				t.Errorf("%v: no %s in %s", args, command, r)
			}
		}
	}
}

// A missing program is reported in one line with how to get it, before anything is started.
func TestAMissingApp(t *testing.T) {
	workplace(t)
	write(t, "good.yaml", "why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}]\n")
	r := loadgen(t, "run", "./good.yaml", "--app", "nowhere/app")
	if want := "nowhere/app (build it: make build)\n"; r.code != 4 || !strings.HasSuffix(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 || r.stdout != "" {
		t.Errorf("%s\nwant exit code 4 and one line that ends with %s", r, want)
	}
	// Without --app it is looked for next to this program, which is a test's.
	if r := loadgen(t, "run", "./good.yaml"); r.code != 4 || !strings.Contains(r.stderr, "the app's program is missing: no file "+filepath.Dir(os.Args[0])) {
		t.Error(r)
	}
	t.Setenv("PATH", t.TempDir())
	if r := loadgen(t, "run", "./good.yaml", "--stack", "local", "--app", os.Args[0]); r.code != 4 || strings.Count(r.stderr, "\n") != 1 ||
		!strings.Contains(r.stderr, "redis-server not found: install redis") {
		t.Error(r)
	}
}

// A folder of scenarios is listed and checked as far as it is good.
func TestListAndValidate(t *testing.T) {
	workplace(t)
	write(t, "mine/a.yaml", "why: the first\nmodes: {a: GET /, b: GET /b}\nrounds: 2\nphases: [{name: p, rate: 5/s, for: 10s}]\ngates: [errors() == 0]\n")
	write(t, "mine/b.yaml", "why: the second\nmodes: {a: get /}\nphases: [{name: p, requests: 1}]\n")
	write(t, "mine/c.yaml", "why: the third\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}, {name: q, burst: 5}]\n")
	r := loadgen(t, "list", "--scenarios", "mine")
	want := "a              40s  the first\nb                   cannot be run: see loadgen validate b\nc               0s  the third\n"
	if r.code != 0 || r.stdout != want || r.stderr != "" {
		t.Errorf("%s\nwant\n%s", r, want)
	}
	r = loadgen(t, "validate", "--scenarios", "mine")
	want = "mine/a.yaml: ok, 2 modes, 1 phases, 1 gates\nmine/c.yaml: ok, 1 modes, 2 phases, 0 gates\n"
	if r.code != 2 || r.stdout != want || !strings.HasPrefix(r.stderr, `loadgen: mine/b.yaml:2:12: methods are in upper case: GET and not get`) {
		t.Errorf("%s\nwant\n%s", r, want)
	}
	if r := loadgen(t, "validate", "a", "mine/c.yaml", "--scenarios", "mine"); r.code != 0 || strings.Count(r.stdout, ": ok, ") != 2 {
		t.Error(r)
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("there is a folder for results")
	}
}

// A report of another program's file, or in a format that there is not.
func TestReportRefuses(t *testing.T) {
	workplace(t)
	write(t, "run.json", `{"schema": 99}`)
	if r := loadgen(t, "report", "run.json"); r.code != 2 || !strings.Contains(r.stderr, "schema") {
		t.Error(r)
	}
	write(t, "run.json", `{"schema": 1, "id": "x", "scenario": {"name": "x"}}`)
	if r := loadgen(t, "report", "run.json", "--format", "pdf"); r.code != 2 || !strings.Contains(r.stderr, `--format is "pdf": use text, markdown, junit, csv, json or html`) {
		t.Error(r)
	}
	if r := loadgen(t, "report", "run.json"); r.code != 0 || !strings.Contains(r.stdout, "Nothing was measured") {
		t.Error(r)
	}
}

// A variable that is a slip of the generator's is named, and Docker Compose's is none.
func TestMisspeltVariablesAreNamed(t *testing.T) {
	for variable, want := range map[string]string{
		"LOADLAB_GRAFANA_ULR=http://s3cret":  "loadgen: warning: the variable LOADLAB_GRAFANA_ULR is not used: did you mean LOADLAB_GRAFANA_URL?\n",
		"LOADLAB_GRAFANA_PORT=3000":          "",
		"LOADLAB_GRAFANA_URL=http://grafana": "",
		"LOADLAB_UID=0":                      "",
	} {
		var out, stderr bytes.Buffer
		if code := program(t.Context(), []string{"--version"}, environment{stdout: &out, stderr: &stderr, vars: []string{variable}}); code != 0 || stderr.String() != want {
			t.Errorf("%s: got code %d and %q, want %q", variable, code, stderr.String(), want)
		}
	}
}
