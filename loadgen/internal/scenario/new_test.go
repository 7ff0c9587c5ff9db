package scenario_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"loadlab/loadgen/internal/scenario"
)

// one is a scenario of one mode and one phase, with these keys in addition to those that they must have.
func one(top, mode, phase scenario.Map) scenario.Map {
	text := func(key, value string) scenario.Entry { return scenario.Entry{Key: key, Value: scenario.Text(value)} }
	mode = append(scenario.Map{text("request", "POST /a")}, mode...)
	phase = append(scenario.Map{text("name", "p")}, phase...)
	return append(scenario.Map{
		text("name", "n"), text("why", "x"),
		{Key: "modes", Value: scenario.Map{{Key: "m", Value: mode}}},
		{Key: "phases", Value: scenario.Sequence{phase}},
	}, top...)
}

// inFile are the fields that only a scenario of a file has.
var inFile = cmp.Options{
	cmpopts.IgnoreFields(scenario.Scenario{}, "File", "SHA256"), cmpopts.IgnoreFields(scenario.Mode{}, "Line"),
	cmpopts.IgnoreFields(scenario.Phase{}, "Line"),
}

func TestNew(t *testing.T) {
	got, err := scenario.New(one(
		scenario.Map{{"timeout", scenario.Text("3s")}},
		scenario.Map{
			{"headers", scenario.Map{{"X-B", scenario.Text("1")}, {"X-A", scenario.Text("true")}}},
			{"body", scenario.Text("{}")},
			{"expect", scenario.Sequence{scenario.Text("200"), scenario.Text("201")}},
		},
		scenario.Map{{"rate", scenario.Text("50/s..500/s")}, {"for", scenario.Text("6s")}, {"trace", scenario.Text("none")}},
	))
	if err != nil {
		t.Fatal(err)
	}
	want, err := scenario.Parse("n.yaml", []byte(`
why: x
timeout: 3s
modes: {m: {request: POST /a, headers: {X-B: 1, X-A: true}, body: "{}", expect: [200, 201]}}
phases: [{name: p, rate: 50/s..500/s, for: 6s, trace: none}]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, inFile); diff != "" {
		t.Errorf("-file +New\n%s", diff)
	}
}

// A body is sent as it is, whatever YAML would make of it.
func TestNewKeepsABody(t *testing.T) {
	for _, body := range []string{"null", "true", "~", "  x\n\n", "\r\nx\r\n", "\xff\x00\xfe", "{}", "- a", "# no comment", "*x", "'", "\u2028x\ufeff"} {
		s, err := scenario.New(one(nil, scenario.Map{{"body", scenario.Text(body)}}, scenario.Map{{"requests", scenario.Text("1")}}))
		if err != nil {
			t.Errorf("%q: %v", body, err)
			continue
		}
		if got := s.Modes[0].Body; got != body {
			t.Errorf("got body %q, want %q", got, body)
		}
	}
}

func TestNewErrors(t *testing.T) {
	users := scenario.Map{{"users", scenario.Text("1")}, {"for", scenario.Text("1s")}}
	for _, tt := range []struct {
		keys scenario.Map
		want string
	}{
		{nil, "key \"name\" is missing\nkey \"why\" is missing\nkey \"modes\" is missing\nkey \"phases\" is missing"},
		{scenario.Map{{"name", scenario.Text("n")}, {"why", scenario.Map{}}}, "why wants a text, got a mapping\nkey \"modes\" is missing\nkey \"phases\" is missing"},
		{one(scenario.Map{{"rounds", scenario.Text("0")}}, nil, users), "rounds must be from 1 to 1000, got 0"},
		{one(scenario.Map{{"why", scenario.Text("y")}}, nil, users), `key "why" is said twice`},
		{one(scenario.Map{{"gates", scenario.Sequence{scenario.Text("p98() < 1*ms or errors() = 0")}}}, nil, users), "= is no comparison: equality is written =="},
		{one(nil, scenario.Map{{"headers", scenario.Map{{"X", scenario.Text("a\nb")}, {"x", scenario.Text("1")}, {"X", scenario.Text("2")}}}}, users),
			"header X must be one line without control characters\nheader \"x\" is said twice: two lines of it are a list, x: [a, b]\nkey \"X\" is said twice"},
		{one(nil, nil, append(users, scenario.Entry{Key: "mix", Value: scenario.Map{{"b", scenario.Text("1")}}})), `unknown mode "b" (allowed: m)`},
		{one(scenario.Map{{"phases", scenario.Sequence{}}}, nil, users), `key "phases" is said twice`},
	} {
		_, err := scenario.New(tt.keys)
		if err == nil || err.Error() != tt.want || !errors.As(err, new(scenario.Errors)) {
			t.Errorf("%v\n got %v\nwant %s", tt.keys, err, tt.want)
		}
	}
	_, err := scenario.New(scenario.Map{
		{"name", scenario.Text("n")}, {"why", scenario.Text("x")}, {"modes", scenario.Map{{"m", scenario.Text("GET /")}}},
		{"phases", scenario.Sequence{
			scenario.Map{{"name", scenario.Text("p")}, {"burst", scenario.Text("1")}}, scenario.Map{{"name", scenario.Text("p")}, {"burst", scenario.Text("1")}},
		}},
	})
	if want := `a phase named "p" is there already`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Whatever text a key has, it is refused without a place, or what comes of it can be run.
func FuzzNew(f *testing.F) {
	for _, kv := range [][2]string{
		{"body", "\xff\n"}, {"request", "GET /"}, {"users", "3"}, {"rate", "50/s..5/s"}, {"for", "1h1s"}, {"think", "1s..2s"}, {"gates", "x"},
		{"timeout", "0"}, {"seed", "-1"}, {"burst", "5"}, {"why", "\x00"}, {"name", "=1+1"}, {"trace", "all"}, {"expect", "404"}, {"A", ""},
	} {
		f.Add(kv[0], kv[1])
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		entry := scenario.Map{{key, scenario.Text(value)}}
		for _, keys := range []scenario.Map{
			one(entry, nil, scenario.Map{{"requests", scenario.Text("1")}}), one(nil, entry, scenario.Map{{"requests", scenario.Text("1")}}),
			one(nil, scenario.Map{{"headers", entry}}, scenario.Map{{"requests", scenario.Text("1")}}), one(nil, nil, entry),
			one(scenario.Map{{"gates", scenario.Sequence{scenario.Text(value)}}}, nil, scenario.Map{{"requests", scenario.Text("1")}}),
		} {
			s, err := scenario.New(keys)
			if err == nil {
				runnable(t, s)
				continue
			}
			var es scenario.Errors
			if !errors.As(err, &es) || len(es) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, e := range es {
				if e.File != "" || e.Line != 0 || e.Msg == "" || e.Error() != e.Msg {
					t.Errorf("%+v of no file", e)
				}
			}
		}
	})
}
