package server_test

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/server"
	"loadlab/otel/signal"
)

func TestConfigCanBeChangedWhileTheAppRuns(t *testing.T) {
	r := newRig(t, "", false)
	url := r.lab.URL + api.PathLabConfig
	before := get(t, url)
	if want := `{"beta":1,"breaker_failures":3,"failsafe_over":"lock","failsafe_throttle":"1s","grace":"1m0s","l1_bytes":67108864,"l1_over":"lease","lock_ttl":"5s","negative_ttl":"5s","redis_budget":"1s","soft_timeout":"250ms","sqlite_jitter":"0s","sqlite_rtt":"0s","ttl":"1m0s","ttl_jitter":0}` + "\n"; before.body != want {
		t.Errorf("got %s, want %s", before.body, want)
	}
	want := decode[api.Config](t, before)
	want["ttl"], want["beta"], want["grace"] = "2s", "1.5", "0s"
	after := decode[api.Config](t, do(t, http.MethodPut, url, `{"ttl":"2000ms","beta":1.5,"grace":"0s"}`))
	if !maps.Equal(after, want) {
		t.Errorf("config %+v, want %+v", after, want)
	}
	if got := decode[api.Config](t, get(t, url)); !maps.Equal(got, want) {
		t.Errorf("config %+v, want %+v", got, want)
	}
	if got := decode[api.Info](t, get(t, r.lab.URL+api.PathLabBuildInfo)).Config; got.Duration("ttl") != 2*time.Second || len(got) != len(api.Knobs()) {
		t.Errorf("/lab/info has %+v, want every knob as it is now", got)
	}
	for _, test := range []struct{ body, want string }{
		{`{"ttl":"soon"}`, `ttl wants a duration such as 6s or 500ms, got "soon"`},
		{`{"ttl":5}`, "ttl wants a duration such as 6s or 500ms, got 5"},
		{`{"ttl":null}`, "ttl wants a duration such as 6s or 500ms, got null"},
		{`{"ttl":""}`, `ttl wants a duration such as 6s or 500ms, got ""`},
		{`{"beta":1.5,"ttl":"0s"}`, "ttl must be from 1ms to 24h, got 0s"},
		{`{"ttl":"1us"}`, "ttl must be from 1ms to 24h, got 1us"},
		{`{"beta":0}`, "beta must be from 0.001 to 1000, got 0"},
		{`{"beta":-1}`, "beta must be from 0.001 to 1000, got -1"},
		{`{"beta":"2"}`, `beta wants a number, got "2"`},
		{`{"tll":"2s"}`, `there is no knob "tll"`},
		{`{"TTL":"2s"}`, `there is no knob "TTL"`},
		{`{"db_conns":5}`, "db_conns cannot be changed while the app runs: start the app with --db-conns"},
		{`{"ttl":"3s"} {}`, "something follows the JSON object"},
		{`{"ttl":"3s"}x`, "something follows the JSON object"},
		{`{"ttl":"3s","beta":1,"ttl":"4s"}`, `the key "ttl" is there twice`},
		{`{"ttl":"3s","Ttl":"4s"}`, `the key "Ttl" is there twice`},
		{`nonsense`, "must be a JSON object"},
		{`null`, "must be a JSON object"},
		{`[]`, "must be a JSON object"},
		{``, "must be a JSON object"},
		{`{"ttl":"` + strings.Repeat("1", 5000) + `s"}`, "too large"},
	} {
		a := do(t, http.MethodPut, url, test.body)
		p := decode[api.Problem](t, a)
		if a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, test.want) || !slices.Contains(p.Allowed, "lock_ttl") {
			t.Errorf("PUT %.40s: %d %s, want 400, %q and the knobs that can be changed", test.body, a.StatusCode, a.body, test.want)
		}
	}
	if got := decode[api.Config](t, get(t, url)); !maps.Equal(got, want) {
		t.Errorf("after bad requests: config %+v, want %+v", got, want)
	}
}

// What a change is read as can be put in force: it has only knobs that can be changed, in their bounds.
func FuzzParseChange(f *testing.F) {
	for _, body := range []string{`{"ttl":"2s","beta":1.5}`, `{"ttl":"0s"}`, `{"ttl":"2s"} x`, `{"beta":1e999}`, `{"index":true}`, `null`, `{"a":[{}]}`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		change, err := server.ParseChange(bytes.NewReader(body))
		if err != nil {
			return
		}
		for name, value := range change {
			knob, ok := api.KnobNamed(name)
			if again, err := knob.Parse(name, value); !ok || !knob.RunTime || err != nil || again != value {
				t.Errorf("%q was read as %s=%q, which is read as %q, %v", body, name, value, again, err)
			}
		}
		if err := (pagecache.Config{}).With(change).Validate(); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	})
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
		signal.RecomputeTotal + `{cause="cold",mode="ttl"} 1`,
		signal.SQLTotal + `{mode="ttl"} 62`,
		signal.RedisTotal + `{mode="ttl"} 3`,
		// What nobody has asked for yet is there, or its first requests would be in no rate.
		signal.HTTPServerDuration + `_count{http_request_method="GET",http_response_status_code="200",http_route="/api/properties/cached/:strategy/",mode="swr"} 0`,
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
