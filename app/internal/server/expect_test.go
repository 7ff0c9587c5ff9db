package server_test

import (
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/otel/signal"
)

// Who asks for the counters of a mode by its name has its series from then on, at 0; a mode that there is not makes none.
func TestCountersOfExpectedModes(t *testing.T) {
	r := newRig(t, "", false)
	const mode = "ttl+batched"
	series := []string{signal.RequestsTotal + `{mode="` + mode + `"} 0`, signal.HTTPServerDuration + `_count{http_request_method="GET",http_response_status_code="200",` +
		`http_route="/api/properties/cached/:strategy/",mode="` + mode + `"} 0`}
	exposed := func() string { return get(t, r.lab.URL+api.PathMetrics).body }
	if strings.Contains(exposed(), mode) {
		t.Fatalf("%s is there before anybody asks for it", mode)
	}
	for _, bad := range []string{"ttl%2Bnone", "none", "", "x&mode=ttl%2Bbatched"} {
		if got := get(t, r.lab.URL+api.PathLabCounters+"?mode="+bad); got.StatusCode != http.StatusBadRequest {
			t.Errorf("mode=%s: status %d, want 400", bad, got.StatusCode)
		}
	}
	if strings.Contains(exposed(), mode) {
		t.Errorf("a request that is refused makes %s", mode)
	}
	get(t, r.lab.URL+api.PathLabCounters+"?mode=ttl%2Bbatched&mode=ttl%2Bproperty&mode=naive")
	now := exposed()
	for _, want := range series {
		if !strings.Contains(now, want) {
			t.Errorf("there is no %s", want)
		}
	}
}
