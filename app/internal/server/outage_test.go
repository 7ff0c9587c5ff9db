package server_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/server"
	"loadlab/internal/testkit"
	"loadlab/otel/signal"
)

// outages asks for the outages until there are n, and the last of them is as wanted.
func (r *rig) outages(t *testing.T, n int, ongoing bool) []api.Outage {
	t.Helper()
	var list []api.Outage
	testkit.Eventually(t, "the outages are as wanted", func() bool {
		list = decode[api.Outages](t, get(t, r.lab.URL+api.PathLabOutages)).Outages
		return len(list) == n && (n == 0 || list[n-1].Ongoing() == ongoing)
	})
	return list
}

func TestAnOutageOfRedisIsVisible(t *testing.T) {
	r := newRig(t, "", false)
	if list := r.outages(t, 0, false); list == nil {
		t.Error("got null, want an empty list")
	}
	r.redis.Close()
	const each = 4
	for range each {
		for _, s := range server.Strategies() {
			get(t, r.api.URL+api.PathCached+s.Name+"/?loader=optimized")
		}
	}
	got := r.outages(t, 1, true)[0]
	if got.Dependency != api.DependencyRedis || got.Failed != 3 || got.Skipped == 0 || got.Attempts != got.Failed+got.Probes {
		t.Errorf("got %+v", got)
	}
	sum, down := api.Counts{}, int64(0)
	for _, m := range decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)).Modes {
		sum = sum.Add(m.Counts)
		down += m.Cache[api.CacheDown.String()]
		if m.Cache[api.CacheMiss.String()] != 0 {
			t.Errorf("counted as misses: %v", m.Cache)
		}
	}
	if want := int64(each * len(server.Strategies())); down != want || sum[api.CountCold] != 0 || sum[api.CountExpirations] != 0 {
		t.Errorf("%d requests without the cache, %d cold, %d expired; want %d, 0, 0", down, sum[api.CountCold], sum[api.CountExpirations], want)
	}
	if sum[api.CountRedisFailures] != got.Failed || sum[api.CountRedisSkipped] != got.Skipped {
		t.Errorf("counters %v, outage %+v", sum, got)
	}
	if a := get(t, r.api.URL+api.PathCached+"lock/"); a.Header.Get(api.HeaderCacheStatus) != "loadlab; fwd=miss; detail=redis-down" {
		t.Errorf("Cache-Status %q", a.Header.Get(api.HeaderCacheStatus))
	}
	metrics := get(t, r.lab.URL+api.PathMetrics).body
	for _, line := range []string{
		signal.OutageActive + `{dependency="redis"} 1`, signal.OutageActive + `{dependency="database"} 0`,
		signal.BreakerState + `{dependency="redis"} 1`, signal.CacheRequests + `{mode="ttl+optimized",result="down"} 4`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no line %s", line)
		}
	}
	if a := get(t, r.api.URL+api.PathReadyz); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "unavailable") {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	if err := r.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	r.outages(t, 1, false)
	if a := get(t, r.api.URL+api.PathCached+"lock/"); !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "stored") {
		t.Errorf("once it is back: Cache-Status %q", a.Header.Get(api.HeaderCacheStatus))
	}
	r.twoLines(t)
}

// twoLines holds the log to one line when the outage began and one when it ended.
func (r *rig) twoLines(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "the end is logged", func() bool { return strings.Contains(r.log.String(), "outage ended") })
	if log := r.log.String(); strings.Count(log, "\n") != 2 || !strings.Contains(log, `level=WARN msg="outage began"`) {
		t.Errorf("got the log\n%s\nwant two lines", log)
	}
}

func TestAnOutageOfTheDatabase(t *testing.T) {
	pg := postgres(t)
	r := newRig(t, pg.URL(), false)
	get(t, r.api.URL+api.PathCached+"ttl/")
	testkit.Kill(t, pg.Process)
	for _, path := range []string{api.PathLive + "naive/", api.PathCached + "singleflight/", api.PathProperties + "1/"} {
		a := get(t, r.api.URL+path)
		p := decode[api.Problem](t, a)
		if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "1" || p.Status != a.StatusCode || !strings.Contains(p.Detail, "database") {
			t.Errorf("%s: %d, Retry-After %q, %+v, want a 503", path, a.StatusCode, a.Header.Get("Retry-After"), p)
		}
	}
	if a := do(t, http.MethodPatch, r.api.URL+api.PathProperties+"1/", `{"price": "450000.00"}`); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a price change: %d", a.StatusCode)
	}
	r.outages(t, 1, true)
	for path, want := range map[string]int{api.PathHealthz: 200, api.PathReadyz: 503, api.PathCached + "ttl/": 200} {
		if a := get(t, r.api.URL+path); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
	if err := pg.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := get(t, r.api.URL+api.PathLive+"naive/"); a.StatusCode != http.StatusOK {
		t.Errorf("once it is back: %d %s", a.StatusCode, a.body)
	}
	got := r.outages(t, 1, false)[0]
	if got.Dependency != api.DependencyDatabase || got.Failed < 4 || got.Skipped != 0 {
		t.Errorf("got %+v", got)
	}
	if a := get(t, r.api.URL+api.PathReadyz); a.StatusCode != http.StatusOK {
		t.Errorf("readyz, once it is back: %d %s", a.StatusCode, a.body)
	}
	r.twoLines(t)
}

// A database that hangs must not make the checks hang.
func TestChecksDoNotHang(t *testing.T) {
	pg := postgres(t)
	r := newRig(t, pg.URL(), false)
	if err := syscall.Kill(pg.Process.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pg.Process.PID(), syscall.SIGCONT) }()
	for path, want := range map[string]int{api.PathHealthz: 200, api.PathReadyz: 503} {
		started := time.Now()
		if a := get(t, r.api.URL+path); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("%s took %s", path, took)
		}
	}
}
