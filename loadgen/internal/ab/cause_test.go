package ab_test

import (
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/result"
)

// request is what one of 100 requests of an arm takes, beside 1 ms of network.
type request struct {
	queries, commands     int64
	sql, redis, wait, app time.Duration
	cpu, gc               time.Duration
}

func (r request) bucket(sway float64) *result.Bucket {
	const n = 100
	times := func(d time.Duration) time.Duration { return time.Duration(n * sway * float64(d)) }
	b := &result.Bucket{
		Count: n, Queries: n * r.queries, Commands: n * r.commands, SQL: times(r.sql), Redis: times(r.redis), Wait: times(r.wait), App: times(r.app),
		Network: times(time.Millisecond), Lag: times(time.Duration(sway * float64(3*time.Millisecond))),
	}
	b.Response = b.SQL + b.Redis + b.Wait + b.App + b.Network + b.Lag
	return b
}

func TestCauses(t *testing.T) {
	const ms = time.Millisecond
	base := request{queries: 10, commands: 2, sql: 10 * ms, redis: ms, wait: ms, app: 4 * ms, cpu: 3 * ms, gc: ms / 4}
	for name, tt := range map[string]struct {
		change func(*request)
		want   string
		detail string
	}{
		"more SQL":     {func(r *request) { r.queries, r.sql = 15, 15*ms }, ab.MoreSQL, "agents by id, 15 a request (A: 10)"},
		"slower SQL":   {func(r *request) { r.sql = 15 * ms }, ab.SlowerSQL, "agents by id"},
		"more Redis":   {func(r *request) { r.commands, r.redis = 12, 6*ms }, ab.MoreRedis, ""},
		"slower Redis": {func(r *request) { r.redis = 6 * ms }, ab.SlowerRedis, ""},
		"pool":         {func(r *request) { r.wait = 6 * ms }, ab.PoolWait, ""},
		"a timer":      {func(r *request) { r.app = 9 * ms }, ab.AppWaits, ""},
		"CPU":          {func(r *request) { r.app, r.cpu = 9*ms, 8*ms }, ab.CPU, "loadlab/app/internal/server.spin"},
		"GC":           {func(r *request) { r.app, r.cpu, r.gc = 9*ms, 3*ms, 5*ms }, ab.GC, ""},
		// Assists are in the time of the statements as well as in the app's own.
		"GC everywhere":                     {func(r *request) { r.sql, r.app, r.wait, r.gc = 12*ms, 6*ms, 2*ms, 5*ms }, ab.GC, ""},
		"GC in SQL above all":               {func(r *request) { r.sql, r.app, r.gc = 13*ms, 5500*time.Microsecond, 4500*time.Microsecond }, ab.GC, ""},
		"more SQL, which allocates":         {func(r *request) { r.queries, r.sql, r.gc = 15, 15*ms, 4*ms }, ab.MoreSQL, "agents by id, 15 a request (A: 10)"},
		"slower SQL in this process":        {func(r *request) { r.sql, r.cpu = 15*ms, 8*ms }, ab.SlowerSQL, "agents by id"},
		"CPU everywhere":                    {func(r *request) { r.sql, r.app, r.wait, r.cpu = 12*ms, 6*ms, 2*ms, 8*ms }, ab.CPU, "loadlab/app/internal/server.spin"},
		"GC everywhere, and less than half": {func(r *request) { r.sql, r.app, r.wait, r.gc = 12*ms, 6*ms, 2*ms, 2*ms }, ab.Unattributed, ""},
		"many things, and CPU is unknown":   {func(r *request) { r.sql, r.app, r.wait, r.cpu, r.gc = 12*ms, 6*ms, 2*ms, 0, 0 }, ab.Unattributed, ""},
		"CPU is unknown":                    {func(r *request) { r.app, r.cpu, r.gc = 9*ms, 0, 0 }, ab.AppWaits, ""},
		"many things": {func(r *request) {
			r.sql, r.redis, r.wait, r.app = r.sql+ms, r.redis+ms, r.wait+ms, r.app+ms
		}, ab.Unattributed, ""},
	} {
		after := base
		tt.change(&after)
		test := abtest.All()["slower"]
		for i := range test.Epochs {
			c := &test.Epochs[i].Cells[0]
			for j, side := range []*ab.Side{&c.A, &c.B} {
				r := []request{base, after}[j]
				sway := 1 + 0.02*float64((i*7+j*3)%5-2)
				n := side.Requests
				side.Body, side.Tail = r.bucket(sway), r.bucket(sway)
				side.CPU, side.GC = ab.Dur(int64(r.cpu+r.gc)*n), ab.Dur(int64(r.gc)*n)
			}
		}
		statement := ab.Statement{Name: "agents by id", A: ab.Average{Calls: 10, Time: 10 * ms}, B: ab.Average{Calls: float64(after.queries), Time: after.sql}}
		test.Diagnosis = &ab.Diagnosis{Mode: "ttl", Phase: "warm", Statements: []ab.Statement{statement}, Functions: []ab.Function{{Name: "loadlab/app/internal/server.spin", B: 5 * ms}}}
		d, err := test.Decide()
		if err != nil {
			t.Fatal(err)
		}
		causes := test.Causes(d)
		if len(causes) != 2 || causes[0].Endpoint != "ttl warm p50" || causes[1].Endpoint != "ttl warm p95" {
			t.Fatalf("%s: causes %+v", name, causes)
		}
		for _, c := range causes {
			if c.Name != tt.want || c.Detail != tt.detail {
				t.Errorf("%s, %s: got %s %q, want %s %q", name, c.Endpoint, c.Name, c.Detail, tt.want, tt.detail)
			}
			if c.Name != ab.Unattributed && (c.Explains < 0.9 || c.Explains > 1.1 || c.Change.Low <= 0) {
				t.Errorf("%s: it explains %v of the change, by %+v", name, c.Explains, c.Change)
			}
		}
		test.Diagnosis.Phase = "other"
		if c := test.Causes(d)[0]; c.Detail != "" {
			t.Errorf("%s: a detail of another phase: %q", name, c.Detail)
		}
	}
}

// The accounts of CPU time are means of all requests. Of the slowest, which take three times as long, each costs three times as much; a growth that is far more
// than that is none of CPU time.
func TestCausesOfTheTail(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		tail, cpu time.Duration // by which the app's own time of the tail and the mean CPU time grow; the body's by cpu
		want      string
	}{
		"as much as they take": {3 * ms, ms, ab.CPU}, "far more": {20 * ms, ms, ab.AppWaits}, "not at all": {3 * ms, 0, ab.AppWaits},
	} {
		test := abtest.All()["slower"]
		for i := range test.Epochs {
			c := &test.Epochs[i].Cells[0]
			for j, side := range []*ab.Side{&c.A, &c.B} {
				body, tail := request{sql: 3 * ms, app: 6 * ms}, request{sql: 9 * ms, app: 20 * ms}
				cpu := 4 * ms
				if j == 1 {
					body.app, tail.app, cpu = body.app+tt.cpu, tail.app+tt.tail, cpu+tt.cpu
				}
				sway := 1 + 0.002*float64((i*7+j*3)%5-2)
				side.Body, side.Tail = body.bucket(sway), tail.bucket(sway)
				for range 9 {
					side.Body.Add(*body.bucket(sway))
				}
				side.CPU, side.GC = ab.Dur(int64(cpu)*side.Requests), 0
			}
		}
		d, err := test.Decide()
		if err != nil {
			t.Fatal(err)
		}
		if causes := test.Causes(d); len(causes) != 2 || causes[1].Endpoint != "ttl warm p95" || causes[1].Name != tt.want {
			t.Errorf("%s: got %+v, want %s", name, causes, tt.want)
		}
	}
}

// The runtime's account of its collector has no sweeping: where there are CPU profiles, they say which share of the CPU time is the collector's.
func TestCausesOfTheCollector(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		collected *[2]float64
		want      string
		detail    string
	}{
		"profiles":           {&[2]float64{0.02, 0.3}, ab.GC, "30.0% of the CPU time (A: 2.0%)"},
		"profiles without":   {&[2]float64{0.02, 0.02}, ab.SlowerSQL, ""},
		"the account alone":  {nil, ab.SlowerSQL, ""},
		"an equal collector": {&[2]float64{0.3, 0.3}, ab.SlowerSQL, ""},
	} {
		test := abtest.All()["slower"]
		for i := range test.Epochs {
			c := &test.Epochs[i].Cells[0]
			for j, side := range []*ab.Side{&c.A, &c.B} {
				r := []request{{queries: 10, sql: 3 * ms, app: ms, cpu: 3 * ms, gc: ms / 10}, {queries: 10, sql: 4 * ms, app: ms, cpu: 3800 * time.Microsecond, gc: ms / 2}}[j]
				sway := 1 + 0.002*float64((i*7+j*3)%5-2)
				side.Body, side.Tail = r.bucket(sway), r.bucket(sway)
				side.CPU, side.GC = ab.Dur(int64(r.cpu+r.gc)*side.Requests), ab.Dur(int64(r.gc)*side.Requests)
			}
		}
		test.Diagnosis = &ab.Diagnosis{Mode: "ttl", Phase: "warm", Collected: tt.collected}
		d, err := test.Decide()
		if err != nil {
			t.Fatal(err)
		}
		if causes := test.Causes(d); len(causes) != 2 || causes[0].Name != tt.want || causes[1].Name != tt.want || causes[0].Detail != tt.detail {
			t.Errorf("%s: got %+v, want %s %q", name, causes, tt.want, tt.detail)
		}
	}
}

// Without Server-Timing nothing is attributed.
func TestCausesOfAServiceThatDoesNotReport(t *testing.T) {
	test := abtest.All()["slower"]
	d, err := test.Decide()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range test.Causes(d) {
		if c.Name != ab.Unattributed {
			t.Errorf("got %+v", c)
		}
	}
	if passed, err := abtest.All()["same"].Decide(); err != nil || len(test.Causes(passed)) != 0 {
		t.Errorf("a test that passed has causes: %v", err)
	}
}

func TestHalves(t *testing.T) {
	bucket := func(over time.Duration, n int64) result.Bucket {
		return result.Bucket{Over: over, Count: n, SQL: over * time.Duration(n)}
	}
	body, tail := ab.Halves([]result.Bucket{bucket(1, 90), bucket(2, 4), bucket(3, 4), bucket(4, 2)})
	if body.Count != 94 || tail.Count != 6 || body.SQL != 98 || tail.SQL != 20 {
		t.Errorf("got %+v and %+v", body, tail)
	}
	// Of requests that are so alike neither is without any.
	body, tail = ab.Halves([]result.Bucket{bucket(1, 3), bucket(2, 97)})
	if body.Count != 100 || tail.Count != 97 {
		t.Errorf("of one size: got %+v and %+v", body, tail)
	}
	body, tail = ab.Halves([]result.Bucket{bucket(1, 50), bucket(2, 50)})
	if body.Count != 50 || tail.Count != 50 {
		t.Errorf("of two sizes: got %+v and %+v", body, tail)
	}
	if body, tail := ab.Halves(nil); body != nil || tail != nil {
		t.Errorf("of no requests: %v and %v", body, tail)
	}
}

// The pages of services that run already are of data of their own; their statements are compared all the same.
func TestRunningServices(t *testing.T) {
	test := abtest.All()["work"]
	for i := range test.Work[0].Tries {
		test.Work[0].Tries[i].B.Bytes++
	}
	test.Running = true
	d, err := test.Decide()
	if err != nil || d.Verdict != ab.Fail || !strings.Contains(d.Reason, "ttl warm: sql") || strings.Contains(d.Reason, "bytes") {
		t.Errorf("got %+v, %v", d, err)
	}
	test.Plan.Endpoints = nil
	side := ab.Side{Requests: 5000, Quantiles: []ab.Dur{1, 2, 3}}
	test.Choose(ab.Epoch{Cells: []ab.Cell{{Mode: "ttl", Phase: "warm", A: side, B: side}}})
	for i, want := range []float64{0.18, 0.18, 0.33} {
		if got := test.Plan.Endpoints[i].Margin; got < want-1e-9 || got > want+1e-9 {
			t.Errorf("margin %d is %v, want %v", i, got, want)
		}
	}
}
