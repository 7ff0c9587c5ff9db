package server_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/server"
)

func TestEveryPageSaysWhatItCost(t *testing.T) {
	r := newRig(t, "", false)
	for _, test := range []struct{ path, queries, commands, cache string }{
		{"live/naive/", "62", "0", "loadlab; fwd=bypass"},
		{"live/naive", "62", "0", "loadlab; fwd=bypass"},
		{"live/batched/", "5", "0", "loadlab; fwd=bypass"},
		{"live/optimized/", "2", "0", "loadlab; fwd=bypass"},
		{"cached/", "62", "3", "loadlab; fwd=miss; stored"},
		{"cached/", "0", "2", "loadlab; hit; ttl="},
		{"cached", "0", "2", "loadlab; hit; ttl="},
		{"cached/ttl/", "0", "2", "loadlab; hit; ttl="},
		{"cached/ttl/?loader=optimized", "2", "3", "loadlab; fwd=miss; stored"},
		{"cached/ttl/?loader=optimized", "0", "2", "loadlab; hit; ttl="},
		{"cached/ttl/?page=2&page_size=10", "32", "3", "loadlab; fwd=miss; stored"},
		{"1/", "1", "0", "loadlab; fwd=bypass"},
	} {
		a := get(t, r.api.URL+"/api/properties/"+test.path)
		queries, commands := a.cost(t)
		if a.StatusCode != http.StatusOK || queries != test.queries || commands != test.commands {
			t.Errorf("%s: status %d, %s queries, %s commands; want 200, %s, %s", test.path, a.StatusCode, queries, commands, test.queries, test.commands)
		}
		if got := a.Header.Get(api.HeaderCacheStatus); !strings.HasPrefix(got, test.cache) {
			t.Errorf("%s: Cache-Status %q, want %q", test.path, got, test.cache)
		}
		if hit := strings.Contains(test.cache, "hit"); (a.Header.Get(api.HeaderAge) != "") != hit {
			t.Errorf("%s: Age %q on %s", test.path, a.Header.Get(api.HeaderAge), test.cache)
		}
		if version, err := strconv.Atoi(a.Header.Get(api.HeaderVersion)); err != nil || version < 1 {
			t.Errorf("%s: %s %q", test.path, api.HeaderVersion, a.Header.Get(api.HeaderVersion))
		}
	}
}

func TestEveryStrategyIsServed(t *testing.T) {
	r := newRig(t, "", false)
	strategies := decode[[]api.Strategy](t, get(t, r.lab.URL+api.PathLabStrategy))
	if len(strategies) < 5 {
		t.Fatalf("%d strategies", len(strategies))
	}
	if s := strategies[0]; s.Name != "ttl" || s.Expiry.Recomputes == "" || s.Hits == "" || s.Stale != "T + D" {
		t.Errorf("the first strategy is %+v, want ttl with its laws", s)
	}
	for _, s := range strategies {
		first, second := get(t, r.api.URL+api.PathCached+s.Name+"/"), get(t, r.api.URL+api.PathCached+s.Name)
		if first.StatusCode != http.StatusOK || first.body != second.body {
			t.Errorf("%s: status %d, the second body is equal: %v", s.Name, first.StatusCode, first.body == second.body)
		}
		if queries, _ := second.cost(t); queries != "0" {
			t.Errorf("%s: the second request makes %s queries", s.Name, queries)
		}
	}
}

// TestEveryStrategyServesAProperty: the body is that of the property without a cache, and so is the answer for one that there is not.
func TestEveryStrategyServesAProperty(t *testing.T) {
	r := newRig(t, "", false)
	want, none := get(t, r.api.URL+api.PathProperties+"1/"), get(t, r.api.URL+api.PathProperties+"999999/")
	for _, s := range server.Strategies() {
		path := r.api.URL + api.PathCached + s.Name + "/"
		for i, a := range []answer{get(t, path+"1/"), get(t, path+"1")} {
			queries, _ := a.cost(t)
			if a.StatusCode != http.StatusOK || a.body != want.body || a.Header.Get(api.HeaderVersion) != want.Header.Get(api.HeaderVersion) || queries != []string{"1", "0"}[i] {
				t.Errorf("%s, request %d: status %d, %s queries, %s, want 200 and %s", s.Name, i+1, a.StatusCode, queries, a.body, want.body)
			}
		}
		for i, a := range []answer{get(t, path+"999999/"), get(t, path+"999999")} {
			queries, status := "1", "loadlab; fwd=miss; detail=absent"
			switch {
			case s.Name == "negative" && i == 1:
				queries, status = "0", "loadlab; hit; ttl=; detail=absent"
			case s.Name == "negative":
				status = "loadlab; fwd=miss; stored; detail=absent"
			}
			cache := regexp.MustCompile(`ttl=\d+`).ReplaceAllString(a.Header.Get(api.HeaderCacheStatus), "ttl=")
			if got, _ := a.cost(t); a.StatusCode != http.StatusNotFound || a.body != none.body || got != queries || cache != status {
				t.Errorf("%s, absent, request %d: status %d, %s queries, %q, %s, want 404 and %s", s.Name, i+1, a.StatusCode, got, cache, a.body, none.body)
			}
		}
	}
	for path, status := range map[string]int{"nope/1/": 404, "ttl/seven/": 404, "ttl/0/": 404} {
		if a := get(t, r.api.URL+api.PathCached+path); a.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, a.StatusCode, status)
		}
	}
}

// The order of a query's parameters makes no other page of it.
func TestAQueryInAnyOrderIsOnePage(t *testing.T) {
	r := newRig(t, "", false)
	for i, query := range []string{"page=2&page_size=5", "page_size=5&page=2", "page_size=05&page=2"} {
		status := get(t, r.api.URL+api.PathCached+"?"+query).Header.Get(api.HeaderCacheStatus)
		if hit := strings.HasPrefix(status, "loadlab; hit"); hit != (i > 0) {
			t.Errorf("%s: got %q", query, status)
		}
	}
	if keys := r.redis.Keys(); len(keys) != 1 {
		t.Errorf("got the keys %q, want one", keys)
	}
}

func TestBadRequestsAreProblemsThatNameWhatIsAllowed(t *testing.T) {
	r := newRig(t, "", false)
	for _, test := range []struct {
		method, path, body string
		status             int
		allowed            string
	}{
		{"GET", "live/nope/", "", 404, "naive"},
		{"GET", "cached/nope/", "", 404, "singleflight"},
		{"GET", "cached/ttl/?loader=nope", "", 400, "batched"},
		{"GET", "live/naive/?page=0", "", 400, ""},
		{"GET", "live/naive/?page=x", "", 400, ""},
		{"GET", "live/naive/?page_size=101", "", 400, ""},
		{"GET", "live/naive/?pagesize=10", "", 400, "page_size"},
		{"GET", "live/naive/?page=1&page=2", "", 400, "page"},
		{"GET", "cached/?page=1&page=1", "", 400, "page"},
		{"GET", "cached/?utm_source=x", "", 400, "page_size"},
		{"GET", "live/naive/?%zz", "", 400, ""},
		{"GET", "0/", "", 404, ""},
		{"GET", "999999/", "", 404, ""},
		{"GET", "nowhere/else/", "", 404, api.PathLive + "{loader}/"},
		{"POST", "1/", "", 405, ""},
		{"PATCH", "999999/", `{"price":"1.00"}`, 404, ""},
		{"PATCH", "1/", `{"price":"-1.00"}`, 400, "price"},
		{"PATCH", "1/", `{"prize":"1.00"}`, 400, "price"},
		{"PATCH", "1/", `{`, 400, "price"},
		{"PATCH", "1/", `{"price":"1.00"} trailing`, 400, "price"},
		{"PATCH", "1/", `{"price":"1.00"}{"price":"2.00"}`, 400, "price"},
		{"PATCH", "1/", `{"price":"` + strings.Repeat("1", 5000) + `"}`, 400, "price"},
	} {
		a := do(t, test.method, r.api.URL+"/api/properties/"+test.path, test.body)
		p := decode[api.Problem](t, a)
		if a.StatusCode != test.status || p.Status != test.status || p.Detail == "" {
			t.Errorf("%s %s: status %d, problem %+v; want %d", test.method, test.path, a.StatusCode, p, test.status)
		}
		if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s %s: Content-Type %q", test.method, test.path, got)
		}
		if !strings.Contains(strings.Join(p.Allowed, " "), test.allowed) {
			t.Errorf("%s %s: allowed %v, want %q among them", test.method, test.path, p.Allowed, test.allowed)
		}
		a.cost(t)
	}
}

func TestAPriceChangeMakesTheCachedPageStale(t *testing.T) {
	r := newRig(t, "", false)
	url := r.api.URL + api.PathCached + "ttl/"
	cached := get(t, url)
	first := decode[api.Page](t, cached).Results[0]
	changed := do(t, http.MethodPatch, fmt.Sprintf("%s/api/properties/%d/", r.api.URL, first.ID), `{"price": "450000.00"}`)
	if p := decode[api.Property](t, changed); p.Price != "450000.00" || p.Version <= first.Version {
		t.Fatalf("changed to %s, version %d after %d", p.Price, p.Version, first.Version)
	}
	version := func(a answer) int {
		v, err := strconv.Atoi(a.Header.Get(api.HeaderVersion))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if stale := get(t, url); version(stale) >= version(changed) {
		t.Errorf("the cached page has version %d, the change %d: it should be older", version(stale), version(changed))
	}
	do(t, http.MethodPost, r.lab.URL+api.PathLabFlush, "")
	if fresh := get(t, url); version(fresh) != version(changed) {
		t.Errorf("after a flush the page has version %d, want %d", version(fresh), version(changed))
	}
}

// TestCountsAreThoseOfTheDatabase compares what responses and counters report with what PostgreSQL counted, under concurrency.
func TestCountsAreThoseOfTheDatabase(t *testing.T) {
	url := postgres(t).URL()
	r := newRig(t, url, false)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"CREATE EXTENSION IF NOT EXISTS pg_stat_statements", "SELECT pg_stat_statements_reset()"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{"live/naive/", "live/batched/", "live/optimized/", "cached/ttl/", "cached/singleflight/", "cached/lock/", "1/"}
	const each = 8
	var said atomic.Int64
	var wg sync.WaitGroup
	for _, path := range paths {
		for range each {
			wg.Go(func() {
				queries, _ := get(t, r.api.URL+"/api/properties/"+path).cost(t)
				n, err := strconv.Atoi(queries)
				if err != nil {
					t.Error(err)
				}
				said.Add(int64(n))
			})
		}
	}
	wg.Wait()
	var counted int64
	const query = `SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE 'BEGIN%'`
	if err := db.QueryRowContext(t.Context(), query).Scan(&counted); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, m := range decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)).Modes {
		total += m.Counts[api.CountSQL]
	}
	if said.Load() != counted || total != counted {
		t.Errorf("PostgreSQL counted %d queries, the responses say %d, the counters %d", counted, said.Load(), total)
	}
	if least := int64(each * (62 + 5 + 2)); counted < least {
		t.Errorf("%d queries: fewer than the %d of the live pages alone", counted, least)
	}
}

func TestRedisGoneCostsLatencyOnly(t *testing.T) {
	r := newRig(t, "", false)
	r.redis.Close()
	for _, s := range server.Strategies() {
		a := get(t, r.api.URL+api.PathCached+s.Name+"/")
		if a.StatusCode != http.StatusOK || !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "fwd=miss") {
			t.Errorf("%s: status %d, Cache-Status %q", s.Name, a.StatusCode, a.Header.Get(api.HeaderCacheStatus))
		}
	}
	if a := get(t, r.api.URL+api.PathReadyz); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "unavailable") {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	if a := do(t, http.MethodPost, r.lab.URL+api.PathLabFlush, ""); a.StatusCode != http.StatusBadGateway {
		t.Errorf("flush: %d %s", a.StatusCode, a.body)
	}
}

func TestReadiness(t *testing.T) {
	r := newRig(t, "", false)
	if a := get(t, r.api.URL+api.PathReadyz); a.StatusCode != http.StatusOK {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	r.server.Drain()
	if a := get(t, r.api.URL+api.PathReadyz); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "draining") {
		t.Errorf("readyz while draining: %d %s", a.StatusCode, a.body)
	}
	if a := get(t, r.api.URL+api.PathHealthz); a.StatusCode != http.StatusOK {
		t.Errorf("healthz while draining: %d %s", a.StatusCode, a.body)
	}
	r.store.Close()
	if a := get(t, r.api.URL+api.PathLive+"naive/"); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("without a database: %d %s", a.StatusCode, a.body)
	}
}

func TestLoadersGiveTheSameBytes(t *testing.T) {
	r := newRig(t, "", false)
	bodies := map[string]string{}
	for _, loader := range housing.Loaders() {
		bodies[loader] = strings.ReplaceAll(get(t, r.api.URL+api.PathLive+loader+"/").body, "/"+loader+"/", "/x/")
	}
	for loader, body := range bodies {
		if body != bodies["naive"] {
			t.Errorf("%s differs from naive", loader)
		}
	}
}
