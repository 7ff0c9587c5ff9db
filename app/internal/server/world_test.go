package server_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/server"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// The distances are measured on real servers, and neither counted nor traced.
func TestPing(t *testing.T) {
	for name, databaseURL := range map[string]func(*testing.T) string{"postgresql": func(t *testing.T) string { return postgres(t).URL() }, "sqlite": func(*testing.T) string { return "" }} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, databaseURL(t), true)
			counters := func() api.Counters { return decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)) }
			before := counters()
			a := get(t, r.lab.URL+api.PathLabPing+"?n=20", api.HeaderTraceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			d := decode[api.Distances](t, a)
			for server, p := range map[string]api.Pings{"database": d.Database, "redis": d.Redis} {
				if p.N != 20 || p.Error != "" || p.Min <= 0 || p.Median < p.Min || p.P99 < p.Median || p.Max < p.P99 {
					t.Errorf("%s: got %+v", server, p)
				}
			}
			if d.Database.Simulated != (name == "sqlite") || d.Redis.Simulated {
				t.Errorf("got %+v, want that SQLite's distance alone is simulated", d)
			}
			after := counters()
			for mode, m := range after.Modes {
				if !maps.Equal(m.Counts, before.Modes[mode].Counts) {
					t.Errorf("%s: counted %v, want %v", mode, m.Counts, before.Modes[mode].Counts)
				}
			}
			r.flush()
			if spans := r.spans.GetSpans(); len(spans) > 0 {
				t.Errorf("%d spans, the first %q", len(spans), spans[0].Name)
			}
		})
	}
}

func TestPingOfRealRedis(t *testing.T) {
	private, err := localserver.StartRedis(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	r := newRigOn(t, "", private.Addr(), false)
	if d := decode[api.Distances](t, get(t, r.lab.URL+api.PathLabPing)); d.Redis.N != api.DefaultPings || d.Redis.Error != "" {
		t.Errorf("got %+v", d.Redis)
	}
	if err := private.Stop(); err != nil {
		t.Fatal(err)
	}
	d := decode[api.Distances](t, get(t, r.lab.URL+api.PathLabPing))
	if d.Redis.N != 0 || !strings.HasPrefix(d.Redis.Error, "after 0 of 200: ") || d.Database.N != api.DefaultPings {
		t.Errorf("got %+v, want the database's distance and why there is none of Redis", d)
	}
}

func TestPingsMustBeANumber(t *testing.T) {
	r := newRig(t, "", false)
	for query, want := range map[string]string{
		"n=0": "n: ", "n=10001": "from 1 to 10000", "n=x": "n: ", "n=1&n=2": "given twice", "m=1": "unknown", "n=%zz": "query string",
	} {
		a := get(t, r.lab.URL+api.PathLabPing+"?"+query)
		if p := decode[api.Problem](t, a); a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: got %d %s, want 400 and %q", query, a.StatusCode, a.body, want)
		}
	}
}

// SQLite's distance is changed while the app runs, and measured.
func TestDistanceAtRunTime(t *testing.T) {
	r := newRig(t, "", false)
	config := r.lab.URL + api.PathLabConfig
	after := decode[api.Config](t, do(t, http.MethodPut, config, `{"sqlite_rtt":"3ms","sqlite_jitter":"1ms"}`))
	if after["sqlite_rtt"] != "3ms" || after["sqlite_jitter"] != "1ms" {
		t.Errorf("got %v", after)
	}
	if d := decode[api.Distances](t, get(t, r.lab.URL+api.PathLabPing+"?n=50")).Database; d.Min < 3*time.Millisecond || d.Max < 4*time.Millisecond {
		t.Errorf("got %+v, want 3ms to 5ms", d)
	}
	do(t, http.MethodPut, config, `{"sqlite_rtt":"0s","sqlite_jitter":"0s"}`)
	if d := decode[api.Distances](t, get(t, r.lab.URL+api.PathLabPing+"?n=50")).Database; d.Min > 3*time.Millisecond {
		t.Errorf("got %+v, want no distance", d)
	}
}

// A fault is seen by whoever asks for a page, and what it met by whoever ends it.
func TestDatabaseFault(t *testing.T) {
	r := newRig(t, "", false)
	url, page := r.lab.URL+api.PathLabFault, r.api.URL+api.PathLive+"optimized/"
	if a := get(t, page); a.StatusCode != http.StatusOK {
		t.Fatalf("before it: %d %s", a.StatusCode, a.body)
	}
	if seen := decode[api.FaultSeen](t, do(t, http.MethodDelete, url, "")); seen != (api.FaultSeen{}) {
		t.Errorf("without one: got %+v", seen)
	}
	begun := decode[api.FaultSeen](t, do(t, http.MethodPut, url, `{"kind":"refuse"}`))
	if begun.Kind != api.FaultRefuse || begun.Share != 1 || begun.Began.IsZero() || !begun.Ended.IsZero() {
		t.Errorf("begun: got %+v", begun)
	}
	if a := do(t, http.MethodPut, url, `{"kind":"hang"}`); a.StatusCode != http.StatusConflict {
		t.Errorf("a second: got %d %s", a.StatusCode, a.body)
	}
	for _, path := range []string{page, r.api.URL + api.PathReadyz} {
		if a := get(t, path); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: got %d %s, want 503", path, a.StatusCode, a.body)
		}
	}
	if d := decode[api.Distances](t, get(t, r.lab.URL+api.PathLabPing)).Database; d.N != 0 || !strings.Contains(d.Error, "connection refused") {
		t.Errorf("ping: got %+v", d)
	}
	seen := decode[api.FaultSeen](t, get(t, url))
	over := decode[api.FaultSeen](t, do(t, http.MethodDelete, url, ""))
	if seen.Refused < 3 || !seen.Ended.IsZero() || over.Refused < seen.Refused || over.Ended.Before(over.Began) || over.Refused != over.Connects+over.Statements {
		t.Errorf("seen %+v, over %+v, want at least 3 refused", seen, over)
	}
	if a := get(t, page); a.StatusCode != http.StatusOK {
		t.Errorf("after it: %d %s", a.StatusCode, a.body)
	}
}

// What a stack cannot do is a conflict that says what can.
func TestWorldOfTheOtherDatabase(t *testing.T) {
	onPostgres, onSQLite := newRig(t, postgres(t).URL(), false), newRig(t, "", false)
	fault, lock := onPostgres.lab.URL+api.PathLabFault, onSQLite.lab.URL+api.PathLabLock
	for _, test := range []struct{ method, url, body, want string }{
		{http.MethodPut, fault, `{"kind":"hang"}`, "loadgen link"},
		{http.MethodDelete, fault, "", "loadgen link"},
		{http.MethodGet, fault, "", "loadgen link"},
		{http.MethodPost, lock, `{"for":"1s"}`, "never wait for a writer"},
		{http.MethodDelete, lock, "", "never wait for a writer"},
		{http.MethodGet, lock, "", "never wait for a writer"},
	} {
		a := do(t, test.method, test.url, test.body)
		if p := decode[api.Problem](t, a); a.StatusCode != http.StatusConflict || !strings.Contains(p.Detail, test.want) {
			t.Errorf("%s %s: got %d %s, want 409 and %q", test.method, test.url, a.StatusCode, a.body, test.want)
		}
	}
	a := do(t, http.MethodPut, onPostgres.lab.URL+api.PathLabConfig, `{"ttl":"7s","sqlite_rtt":"1ms"}`)
	if p := decode[api.Problem](t, a); a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, "sqlite_rtt is for SQLite only") {
		t.Errorf("a distance of PostgreSQL: got %d %s", a.StatusCode, a.body)
	}
	if got := decode[api.Config](t, get(t, onPostgres.lab.URL+api.PathLabConfig)); got["ttl"] == "7s" || got["sqlite_rtt"] != "0s" {
		t.Errorf("after that: got %v, want no change", got)
	}

	lock = onPostgres.lab.URL + api.PathLabLock
	held := decode[api.LockSeen](t, do(t, http.MethodPost, lock, `{"for":"1m"}`))
	if !held.Held || held.Since.IsZero() {
		t.Errorf("held: got %+v", held)
	}
	if a := do(t, http.MethodPost, lock, `{"for":"1m"}`); a.StatusCode != http.StatusConflict {
		t.Errorf("a second: got %d %s", a.StatusCode, a.body)
	}
	waits := make(chan int, 1)
	go func() { waits <- get(t, onPostgres.api.URL+api.PathLive+"optimized/").StatusCode }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for decode[api.LockSeen](t, get(t, lock)).Waiting != 1 {
		<-tick.C
	}
	if over := decode[api.LockSeen](t, do(t, http.MethodDelete, lock, "")); over.Held || over.Waited != 1 || over.MaxWaiting != 1 || over.Error != "" {
		t.Errorf("over: got %+v, want that one waited", over)
	}
	if status := <-waits; status != http.StatusOK {
		t.Errorf("the page that waited: got %d", status)
	}
}

func TestWorldIsReadStrictly(t *testing.T) {
	r := newRig(t, "", false)
	for _, test := range []struct{ method, path, body, want string }{
		{http.MethodPut, api.PathLabFault, `{}`, `kind: want refuse, hang, slow, cut or half-open, got ""`},
		{http.MethodPut, api.PathLabFault, `null`, `kind: want`},
		{http.MethodPut, api.PathLabFault, `{"kind":"slow"}`, "delay: want more than 0s"},
		{http.MethodPut, api.PathLabFault, `{"kind":"hang","share":0}`, "share: want a number above 0"},
		{http.MethodPut, api.PathLabFault, `{"kind":"hang","until":"3s"}`, "until"},
		{http.MethodPut, api.PathLabFault, `{"kind":"slow","delay":200}`, "must be like"},
		{http.MethodPut, api.PathLabFault, `{"kind":"hang"} {}`, "something follows"},
		{http.MethodPut, api.PathLabFault, ``, "must be like"},
		{http.MethodPost, api.PathLabLock, `{}`, "for: want a duration from 1ms to 1m0s, got 0s"},
		{http.MethodPost, api.PathLabLock, `{"for":"61s"}`, "for: want a duration from 1ms to 1m0s, got 1m1s"},
		{http.MethodPost, api.PathLabLock, `{"for":"1s","table":"agents"}`, "table"},
	} {
		a := do(t, test.method, r.lab.URL+test.path, test.body)
		if p := decode[api.Problem](t, a); a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail, test.want) || len(p.Allowed) == 0 {
			t.Errorf("%s %s: got %d %s, want 400 and %q", test.method, test.body, a.StatusCode, a.body, test.want)
		}
	}
}

// What is read as a fault, a lock or a number of pings is one.
func FuzzParseWorld(f *testing.F) {
	for _, text := range []string{
		`{"kind":"slow","delay":"200ms","share":0.5}`, `{"kind":"hang"} x`, `{"kind":"cut","share":1e-400}`, `{"for":"3s"}`, `{"for":"1e9h"}`, `null`, `n=200`, `n=1;n=2`, ``,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if fault, err := server.ParseFault(strings.NewReader(text)); err == nil && fault.Validate() != nil {
			t.Errorf("%q was read as %+v: %v", text, fault, fault.Validate())
		}
		if lock, err := server.ParseLock(strings.NewReader(text)); err == nil && lock.Validate() != nil {
			t.Errorf("%q was read as %+v: %v", text, lock, lock.Validate())
		}
		if n, err := server.ParsePings(text); err == nil && (n < 1 || n > api.MaxPings) {
			t.Errorf("%q was read as %d pings", text, n)
		}
	})
}
