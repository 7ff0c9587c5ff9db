package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/otel/signal"
)

func TestConfigCanBeChangedWhileTheAppRuns(t *testing.T) {
	r := newRig(t, "", false)
	url := r.lab.URL + api.PathLabConfig
	before := decode[api.Config](t, get(t, url))
	after := decode[api.Config](t, do(t, http.MethodPut, url, `{"ttl":"2s","beta":1.5}`))
	want := before
	want.TTL, want.Beta = "2s", 1.5
	if after != want {
		t.Errorf("config %+v, want %+v", after, want)
	}
	if got := decode[api.Config](t, get(t, url)); got != want {
		t.Errorf("config %+v, want %+v", got, want)
	}
	for _, body := range []string{`{"ttl":"soon"}`, `{"tll":"2s"}`, `{"beta":-1}`, `{"ttl":"1us"}`, `nonsense`} {
		if a := do(t, http.MethodPut, url, body); a.StatusCode != http.StatusBadRequest {
			t.Errorf("PUT %s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if got := decode[api.Config](t, get(t, url)); got != want {
		t.Errorf("after bad requests: config %+v, want %+v", got, want)
	}
}

func TestCacheCanBeLookedAtExpiredAndFlushed(t *testing.T) {
	r := newRig(t, "", false)
	keys := func() []api.Key { return decode[[]api.Key](t, get(t, r.lab.URL+api.PathLabKeys)) }
	for _, strategy := range []string{"ttl", "swr"} {
		get(t, r.api.URL+api.PathCached+strategy+"/")
	}
	all := keys()
	if len(all) != 2 {
		t.Fatalf("keys %+v", all)
	}
	one := decode[api.Key](t, get(t, r.lab.URL+api.PathLabKeys+"/"+all[0].Key))
	if one.Key != all[0].Key || one.Bytes < 40_000 || one.Version < 1 || one.TTL <= 0 {
		t.Errorf("key %+v", one)
	}
	if a := get(t, r.lab.URL+api.PathLabKeys+"/nope"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a key that is not there: %d %s", a.StatusCode, a.body)
	}
	do(t, http.MethodPost, r.lab.URL+api.PathLabExpire, "")
	if a := get(t, r.api.URL+api.PathCached+"ttl/"); !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "fwd=miss") {
		t.Errorf("an expired page of ttl: %q", a.Header.Get(api.HeaderCacheStatus))
	}
	if a := get(t, r.api.URL+api.PathCached+"swr/"); !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "fwd=stale") {
		t.Errorf("an expired page of swr: %q", a.Header.Get(api.HeaderCacheStatus))
	}
	do(t, http.MethodPost, r.lab.URL+api.PathLabFlush, "")
	if got := keys(); len(got) > 1 { // the refresh of swr may have stored its page again
		t.Errorf("after a flush: %+v", got)
	}
	counters := decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)).Modes["ttl"].Counts
	if counters[api.CountRecomputes] != 2 || counters[api.CountExpirations] != 1 || counters[api.CountCold] != 1 {
		t.Errorf("counters of ttl: %+v", counters)
	}
}

func TestExpiryByTime(t *testing.T) {
	r := newRig(t, "", false)
	url := r.api.URL + api.PathCached + "ttl/"
	get(t, url)
	r.redis.FastForward(19 * time.Second)
	a := get(t, url)
	if got := a.Header.Get(api.HeaderCacheStatus); got != "loadlab; hit; ttl=41" || a.Header.Get(api.HeaderAge) != "19" {
		t.Errorf("after 19 s: Cache-Status %q, Age %q", got, a.Header.Get(api.HeaderAge))
	}
	r.redis.FastForward(41 * time.Second)
	if got := get(t, url).Header.Get(api.HeaderCacheStatus); got != "loadlab; fwd=miss; stored" {
		t.Errorf("after 60 s: Cache-Status %q", got)
	}
}

func TestMetricsAreExposed(t *testing.T) {
	r := newRig(t, "", false)
	get(t, r.api.URL+api.PathLive+"naive/")
	get(t, r.api.URL+api.PathCached+"ttl/")
	text := get(t, r.lab.URL+api.PathMetrics).body
	for _, line := range []string{
		signal.HTTPServerDuration + `_count{http_request_method="GET",http_response_status_code="200",http_route="/api/properties/live/:loader/",mode="naive"} 1`,
		signal.SQLQueriesPerRequest + `_sum{mode="naive"} 62`,
		signal.CacheRequests + `{mode="ttl",result="miss"} 1`,
		signal.RecomputeTotal + `{mode="ttl"} 1`,
		signal.DBConnectionWait + `_count{db_client_connection_pool_name="database"} 2`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %s", line)
		}
	}
	if a := get(t, r.lab.URL+"/debug/pprof/goroutine?debug=1"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "goroutine profile") {
		t.Errorf("pprof: %d", a.StatusCode)
	}
}

func TestExplain(t *testing.T) {
	r := newRig(t, "", false)
	if a := get(t, r.lab.URL+api.PathLabExplain+"optimized"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "SCAN") {
		t.Errorf("explain: %d %s", a.StatusCode, a.body)
	}
	if a := get(t, r.lab.URL+api.PathLabExplain+"nope"); a.StatusCode != http.StatusNotFound {
		t.Errorf("explain of an unknown loader: %d", a.StatusCode)
	}
	if a := get(t, r.lab.URL+api.PathLabMemory); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusBadGateway {
		t.Errorf("memory: %d", a.StatusCode)
	}
}
