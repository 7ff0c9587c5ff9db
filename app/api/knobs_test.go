package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestKnobs(t *testing.T) {
	name, seen := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z]+)*$`), map[string]bool{}
	for _, k := range api.Knobs() {
		if !name.MatchString(k.Name) || seen[k.Name] || k.Doc == "" || strings.Contains(k.Doc, "\n") {
			t.Errorf("%+v: want a name of its own and a line that says what it is", k)
		}
		seen[k.Name] = true
		if value, err := k.Parse(k.Name, k.Default); err != nil || value != k.Default {
			t.Errorf("%s: the default %q is parsed as %q, %v; want itself", k.Name, k.Default, value, err)
		}
		if least, most := k.Bounds(); !(least < most) {
			t.Errorf("%s: got bounds %v and %v, want the lesser first", k.Name, least, most)
		}
		if found, ok := api.KnobNamed(k.Name); !ok || found != k {
			t.Errorf("KnobNamed(%s): got %+v, %t", k.Name, found, ok)
		}
	}
	k, _ := api.KnobNamed("lock_ttl")
	if k.Flag() != "lock-ttl" || k.Env() != "LOADLAB_LOCK_TTL" || api.EnvName("redis-url") != "LOADLAB_REDIS_URL" {
		t.Errorf("got flag %s, variable %s, want lock-ttl, LOADLAB_LOCK_TTL", k.Flag(), k.Env())
	}
	if _, ok := api.KnobNamed("lock-ttl"); ok {
		t.Error("KnobNamed finds what is not there")
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ knob, text, want, err string }{
		{"ttl", "60s", "1m0s", ""},
		{"ttl", "24h", "24h0m0s", ""},
		{"ttl", "1000us", "1ms", ""},
		{"ttl", "0s", "", "--x must be from 1ms to 24h, got 0s"},
		{"ttl", "5", "", `--x wants a duration such as 6s or 500ms, got "5"`},
		{"ttl", "9999999h", "", `--x wants a duration such as 6s or 500ms, got "9999999h"`},
		{"grace", "0", "0s", ""},
		{"grace", "-1ns", "", "--x must be from 0s to 24h, got -1ns"},
		{"beta", "1.50", "1.5", ""},
		{"beta", "1e-3", "0.001", ""},
		{"beta", "0", "", "--x must be from 0.001 to 1000, got 0"},
		{"beta", "NaN", "", "--x must be from 0.001 to 1000, got NaN"},
		{"beta", "x", "", `--x wants a number, got "x"`},
		{"db_conns", "08", "8", ""},
		{"db_conns", "1.5", "", `--x wants a whole number, got "1.5"`},
		{"db_conns", "65536", "", "--x must be from 1 to 65535, got 65536"},
		{"index", "1", "true", ""},
		{"index", "maybe", "", `--x wants true or false, got "maybe"`},
	} {
		k, _ := api.KnobNamed(test.knob)
		got, err := k.Parse("--x", test.text)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != test.want || said != test.err {
			t.Errorf("%s %q: got %q, %q, want %q, %q", test.knob, test.text, got, said, test.want, test.err)
		}
	}
}

func TestConfig(t *testing.T) {
	c := api.Config{"ttl": "2s", "db_conns": "8", "beta": "1.5", "index": "true"}
	if c.Duration("ttl") != 2*time.Second || c.Count("db_conns") != 8 || c.Number("beta") != 1.5 || !c.Boolean("index") {
		t.Errorf("got %s, %d, %v, %t of %v", c.Duration("ttl"), c.Count("db_conns"), c.Number("beta"), c.Boolean("index"), c)
	}
	if none := api.Config(nil); none.Duration("ttl") != time.Minute || none.Count("db_conns") != 20 || none.Number("beta") != 1 || none.Boolean("index") {
		t.Error("a knob that is not set has another value than its default")
	}
	if got := len(api.Defaults()); got != len(api.Knobs()) {
		t.Errorf("%d defaults of %d knobs", got, len(api.Knobs()))
	}
	if got, want := c.RunTime(), (api.Config{"ttl": "2s", "beta": "1.5"}); !maps.Equal(got, want) {
		t.Errorf("RunTime: got %v, want %v", got, want)
	}
	if got, want := c.Flags(), []string{"--ttl=2s", "--beta=1.5", "--index=true", "--db-conns=8"}; !slices.Equal(got, want) {
		t.Errorf("Flags: got %v, want %v", got, want)
	}
	for name, access := range map[string]func(){
		"no such knob": func() { c.Duration("tll") },
		"another kind": func() { c.Count("ttl") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: got a value, want a panic", name)
				}
			}()
			access()
		}()
	}
}

func TestConfigJSON(t *testing.T) {
	c := api.Config{"ttl": "2s", "grace": "10s", "lock_ttl": "5s", "beta": "1", "redis_budget": "250ms", "index": "true", "db_conns": "8"}
	const want = `{"beta":1,"db_conns":8,"grace":"10s","index":true,"lock_ttl":"5s","redis_budget":"250ms","ttl":"2s"}`
	text, err := json.Marshal(c)
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	var again api.Config
	if err := json.Unmarshal(text, &again); err != nil || !maps.Equal(again, c) {
		t.Errorf("got %v, %v, want %v", again, err, c)
	}
	if text, err := json.Marshal(api.Config(nil)); err != nil || string(text) != "{}" {
		t.Errorf("got %s, %v, want {}", text, err)
	}
	// Every knob is written as JSON that is read again: what can be changed at run time is.
	all := api.Defaults()
	text, err = json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &again); err != nil || !maps.Equal(again, all) {
		t.Errorf("got %v, %v, want %v", again, err, all)
	}
	for _, test := range []struct{ text, err string }{
		{`{"newer":"1","more":2,"yet":true}`, ""},
		{`{"ttl":2}`, "ttl wants a duration such as 6s or 500ms, got 2"},
		{`{"beta":"2"}`, `beta wants a number, got "2"`},
		{`{"beta":true}`, "beta wants a number, got true"},
		{`{"index":1}`, "index wants true or false, got 1"},
		{`{"ttl":null}`, "ttl wants a duration such as 6s or 500ms, got null"},
		{`{"newer":{"a":1}}`, `newer: want a string, a number, true or false, got {"a":1}`},
		{`null`, "null is not an object"},
	} {
		var c api.Config
		said := ""
		if err := json.Unmarshal([]byte(test.text), &c); err != nil {
			said = err.Error()
		}
		if said != test.err {
			t.Errorf("%s: got %q, want %q", test.text, said, test.err)
		}
	}
}

func TestChoice(t *testing.T) {
	k := api.Knob{Name: "over", Kind: "lock|lease|swr", Default: "lock"}
	for _, value := range k.Kind.Choices() {
		if got, err := k.Parse("--over", value); got != value || err != nil {
			t.Errorf("Parse(%q) = %q, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "lock|lease", "Lock", "ttl", "1"} {
		want := fmt.Sprintf("--over wants one of lock, lease, swr, got %q", value)
		if got, err := k.Parse("--over", value); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %q, %v; want %s", value, got, err, want)
		}
	}
	if api.KindNumber.Choices() != nil {
		t.Error("a number is a choice")
	}
}
