package scenario_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/scenario"
)

// TestSettingsOfAPhase: a phase has what it sets itself, and nothing of what the scenario or a phase before it does.
func TestSettingsOfAPhase(t *testing.T) {
	s := parse(t, `why: x
app: {ttl: 8s, index: true}
modes: {a: GET /}
phases:
  - {name: p, requests: 1, app: {ttl_jitter: 0.50, ttl: 4000ms}}
  - {name: q, requests: 1}
`)
	if diff := cmp.Diff([]api.Config{{"ttl_jitter": "0.5", "ttl": "4s"}, nil}, []api.Config{s.Phases[0].App, s.Phases[1].App}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestSettingsThatAPhaseCannotHave(t *testing.T) {
	for text, want := range map[string]string{
		"{index: true}":   "x.yaml:3:39: index cannot be changed while the app runs: set it in the scenario's app",
		"{ttl_jitter: 2}": "x.yaml:3:51: ttl_jitter must be from 0 to 1, got 2",
		"{tll: 2s}":       `x.yaml:3:39: unknown key "tll", did you mean "ttl"? ` + appKeys(),
		"8s":              `x.yaml:3:38: app wants a mapping of keys to values, got "8s"`,
	} {
		_, err := scenario.Parse("x.yaml", []byte("why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1, app: "+text+"}]\n"), nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
