package scenario_test

import (
	"testing"

	"loadlab/loadgen/internal/scenario"
)

// TestConditional: a mode, and a step, is conditional if it says so.
func TestConditional(t *testing.T) {
	s, err := scenario.Parse("x.yaml", []byte(`why: x
modes:
  a: {request: GET /a, conditional: true, expect: [200, 404], check: {min_bytes: 1}}
  b: {request: GET /b, conditional: false}
  c: {steps: [{name: d, request: GET /d, conditional: true}, {name: e, request: GET /e}]}
  f: GET /f
phases: [{name: p, requests: 1}]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": true, "b": false, "c": false, "c/d": true, "c/e": false, "f": false} {
		if got := s.Mode(name).Conditional; got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}
