package run_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
)

const revalidating = `why: one user asks whether pages are current
world: {replicas: 2}
modes:
  plain:       {request: GET /api/properties/cached/ttl/}
  conditional: {request: GET /api/properties/cached/http/, conditional: true, check: {min_bytes: 1000}}
rounds: 2
phases:
  - {name: first, requests: 1}
  - {name: then,  users: 3, requests: 12}
gates:
  - errors() == 0
  - not_modified("conditional", "then") == 1 and saved_bytes("conditional", "then") == 1234
`

// TestConditionalModes: what one replica answered is known to the user who asks the other, and a new round is a new user.
func TestConditionalModes(t *testing.T) {
	t.Parallel()
	portals := []*portal{newPortal(t), newPortal(t)}
	for _, p := range portals {
		p.on = func(w http.ResponseWriter, r *http.Request) bool {
			match := r.Header.Get("If-None-Match")
			if match != "" && r.URL.Path != api.PathCached+"http/" {
				t.Errorf("%s has If-None-Match %s", r.URL.Path, match)
			}
			if r.URL.Path != api.PathCached+"http/" {
				return false
			}
			w.Header().Set("ETag", `"x"`)
			if match == `"x"` {
				w.WriteHeader(http.StatusNotModified)
				return true
			}
			_, _ = w.Write(make([]byte, 1234))
			return true
		}
	}
	r := drive(t, over(t, revalidating, portals...))
	if code := result.ExitCode(r); code != result.ExitPass {
		t.Fatalf("exit code %d: %v %+v", code, r.Invalid, r.Gates)
	}
	for _, c := range r.Cells {
		var want *result.Revalidation
		bytes := c.Ledger.Bytes
		if c.Mode == "conditional" {
			bytes = map[string]int64{"first": 1234}[c.Phase]
			if c.Phase == "then" {
				want = &result.Revalidation{Asked: 12, NotModified: 12, Saved: 12 * 1234}
			}
		}
		if diff := cmp.Diff(want, c.Revalidation); diff != "" || c.Ledger.Bytes != bytes {
			t.Errorf("%s, round %d, %s: %d bytes, want %d (-want +got):\n%s", c.Mode, c.Round, c.Phase, c.Ledger.Bytes, bytes, diff)
		}
	}
	f, err := figure.New(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"not_modified", "saved_bytes"} {
		if v, _, err := f.Value(name, "plain", "then"); err == nil {
			t.Errorf("%s of a mode that is not conditional: got %g, want that there is none", name, v)
		}
	}
}
