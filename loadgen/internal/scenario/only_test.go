package scenario_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/scenario"
)

const several = `why: x
modes:
  a: GET /a
  b: GET /b
  visit: {steps: [{name: list, request: GET /l}, {name: one, request: GET /o}]}
  d: GET /d
phases:
  - {name: each, requests: 1}
  - {name: both, requests: 2, mix: {a: 1, d: 2}}
gates: ['errors("b") == 0', errors() == 0]
`

func names(modes []scenario.Mode) (list []string) {
	for _, m := range modes {
		list = append(list, m.Name)
	}
	return list
}

// Some modes are those alone, in the order of the file and with all steps of a session; the scenario itself stays as it is.
func TestOnly(t *testing.T) {
	s := parse(t, several)
	for _, tt := range []struct{ choose, modes, left []string }{
		{[]string{"d", "a"}, []string{"a", "d"}, []string{"b", "visit", "visit/list", "visit/one"}},
		{[]string{"a", "visit", "d", "a"}, []string{"a", "visit", "visit/list", "visit/one", "d"}, []string{"b"}},
		{[]string{"a", "b", "visit", "d"}, names(s.Modes), nil},
	} {
		got, err := s.Only(tt.choose)
		if err != nil {
			t.Errorf("%v: %v", tt.choose, err)
			continue
		}
		if diff := cmp.Diff(tt.modes, names(got.Modes)) + cmp.Diff(tt.left, got.LeftOut); diff != "" {
			t.Errorf("%v: -want +got\n%s", tt.choose, diff)
		}
		if len(got.Phases) != 2 || len(got.Gates) != 2 {
			t.Errorf("%v: %d phases and %d gates, want 2 and 2", tt.choose, len(got.Phases), len(got.Gates))
		}
	}
	if len(s.Modes) != 6 || s.LeftOut != nil {
		t.Errorf("the scenario has %d modes, and left out %v", len(s.Modes), s.LeftOut)
	}
}

func TestOnlyRefuses(t *testing.T) {
	s := parse(t, several)
	for _, tt := range []struct {
		choose []string
		want   string
	}{
		{nil, `x.yaml: choose at least one of its modes: a, b, visit, d`},
		{[]string{"a", "viist", "d"}, `x.yaml: unknown mode "viist", did you mean "visit"? (allowed: a, b, visit, d)`},
		{[]string{"visit/list"}, `x.yaml: unknown mode "visit/list" (allowed: a, b, visit, d)`},
		{[]string{"a", "b"}, `x.yaml:9:1: phase "both" is shared by a, d, and without d its load would be another: choose all of them`},
		{[]string{"b"}, `x.yaml:9:1: phase "both" is shared by a, d, and without a, d its load would be another: choose all of them`},
	} {
		if _, err := s.Only(tt.choose); err == nil || strings.TrimSpace(err.Error()) != tt.want {
			t.Errorf("%v: got %v, want %s", tt.choose, err, tt.want)
		}
	}
}

// A scenario may have modes that run by default. Others, and all, are chosen by name.
func TestDefaultModes(t *testing.T) {
	s := parse(t, several+"default_modes: [d, a]\n")
	for _, tt := range []struct{ choose, modes []string }{
		{nil, []string{"a", "d"}},
		{[]string{"a", "b", "d"}, []string{"a", "b", "d"}},
		{[]string{scenario.AllModes}, names(s.Modes)},
	} {
		got, err := s.Chosen(tt.choose)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.modes, names(got.Modes)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.choose, diff)
		}
	}
	if got, err := parse(t, several).Chosen(nil); err != nil || len(got.Modes) != len(s.Modes) || len(got.LeftOut) > 0 {
		t.Errorf("without a default: got %v, %v, want all modes", names(got.Modes), err)
	}
}

func TestDefaultModesErrors(t *testing.T) {
	for text, want := range map[string]string{
		"default_modes: [d, e]": `s.yaml:11:16: default_modes: unknown mode "e"`,
		"default_modes: [b, a]": `default_modes: s.yaml:9:1: phase "both" is shared by a, d`,
		"default_modes: []":     "default_modes is an empty list",
		"default_modes: d":      "default_modes wants a list",
	} {
		_, err := scenario.Parse("s.yaml", []byte(several+text+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
