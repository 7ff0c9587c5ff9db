package run_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
)

// TestSettingsOfPhases: each phase has the settings that it asks for, the others what the target had, and so has the target after the run.
func TestSettingsOfPhases(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	cfg := p.start(t, `why: x
modes: {a: GET /a}
rounds: 1
phases:
  - {name: before, requests: 1}
  - {name: quick, requests: 1, app: {ttl: 4s}}
  - {name: after, requests: 1}
  - {name: slow, requests: 1, app: {ttl: 9s}, world: {redis: {maxmemory: 4mb}}}
`)
	var had []string // the TTL at each request
	p.on = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/a" {
			had = append(had, p.config["ttl"])
		}
		return false
	}
	r := drive(t, cfg)
	if diff := cmp.Diff([]string{"1m0s", "4s", "1m0s", "9s"}, had); diff != "" || len(r.Invalid) > 0 {
		t.Errorf("TTLs of the phases, -want +got\n%s%q", diff, r.Invalid)
	}
	if p.config["ttl"] != "1m0s" {
		t.Errorf("the target was left with a TTL of %s", p.config["ttl"])
	}
	if diff := cmp.Diff([]int64{4 << 20, 0}, p.limits); diff != "" { // 0 puts back what Redis had
		t.Errorf("limits of Redis' memory, -want +got\n%s", diff)
	}
	if got := r.Phases[1].App; got["ttl"] != "4s" || len(r.Phases[2].App) > 0 {
		t.Errorf("the report has %v and %v", got, r.Phases[2].App)
	}
}

// TestSettingsThatAreRefused: a phase that the app does not take ends the run; what cannot be put back is a warning.
func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from             int // the change that is refused, and all after it
		invalid, warning string
	}{
		"by a phase":  {2, "configure the app for phase p: PUT ", "put back what phases have changed: PUT "},
		"at the end":  {3, "", "put back what phases have changed: PUT "},
		"by no phase": {4, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, n := newPortal(t), 0
			p.on = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == api.PathLabConfig {
					n++
				}
				if r.URL.Path != api.PathLabConfig || n < tt.from {
					return false
				}
				http.Error(w, "no", http.StatusBadRequest)
				return true
			}
			r := drive(t, p.start(t, "why: x\nmodes: {a: GET /a}\nrounds: 1\nphases: [{name: p, requests: 1, app: {ttl: 4s}}]\n"))
			begins(t, "invalid", r.Invalid, tt.invalid)
			begins(t, "warnings", r.Warnings, tt.warning)
		})
	}
}

// begins checks that a list has one text that begins so; none if that is empty.
func begins(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || len(got[0]) < len(want) || got[0][:len(want)] != want) {
		t.Errorf("%s: got %q, want one that begins with %q", what, got, want)
	}
}
