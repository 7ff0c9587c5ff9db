package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/world"
)

const ms = time.Millisecond

// inWorld is a scenario with that world, and phases of that text.
func inWorld(around, phases string) string {
	return "why: x\nworld: " + around + "\nmodes: {a: GET /}\nphases:\n" + phases
}

func parse(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWorld(t *testing.T) {
	s := parse(t, inWorld("{database: {rtt: 1ms, jitter: 100us}, redis: {rtt: 200us, bandwidth: 10mb/s, maxmemory: 4MB}}",
		"  - {name: far, rate: 1/s, for: 6s}\n  - {name: near, rate: 1/s, for: 6s, world: {database: {rtt: 0s, jitter: 0s}}}\n"))
	far := scenario.World{
		Surroundings: scenario.Surroundings{
			Database: scenario.Distance{RTT: ms, Jitter: ms / 10}, Redis: scenario.Distance{RTT: ms / 5, Bandwidth: 10 << 20}, MaxMemory: 4 << 20,
		},
		Replication: scenario.Replication{Replicas: 1, Balancing: balance.RoundRobin},
	}
	near := far
	near.Database = scenario.Distance{}
	if diff := cmp.Diff([]scenario.World{far, far, near}, []scenario.World{s.World, s.Phases[0].World, s.Phases[1].World}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	five := 5 * ms
	moved := s.Over(scenario.Overrides{DatabaseRTT: &five})
	got := []time.Duration{moved.World.Database.RTT, moved.Phases[0].World.Database.RTT, moved.Phases[1].World.Database.RTT, s.Phases[0].World.Database.RTT}
	if diff := cmp.Diff([]time.Duration{five, five, 0, ms}, got); diff != "" {
		t.Errorf("an override holds where a phase has no distance of its own, and leaves the scenario alone: -want +got\n%s", diff)
	}
	if moved.Phases[0].World.Redis.RTT != ms/5 {
		t.Errorf("an override of the database moved Redis to %s", moved.Phases[0].World.Redis.RTT)
	}
}

// A scenario has as many replicas as the phase that takes the most, one unless it says so; an override is for those that say nothing of their own.
func TestReplicas(t *testing.T) {
	s := parse(t, inWorld("{replicas: 2, balancing: sticky}",
		"  - {name: two, rate: 1/s, for: 6s}\n  - {name: four, rate: 1/s, for: 6s, world: {replicas: 4, balancing: random}}\n"))
	want := []scenario.Replication{{Replicas: 2, Balancing: balance.Sticky, ReplicasLine: 2}, {Replicas: 4, Balancing: balance.Random, ReplicasLine: 6}}
	if diff := cmp.Diff(want, []scenario.Replication{s.Phases[0].World.Replication, s.Phases[1].World.Replication}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	moved := s.Over(scenario.Overrides{Replicas: 3})
	for _, tt := range []struct {
		what      string
		got, want int
	}{
		{"the scenario takes", s.Replicas(), 4}, {"overridden, the first phase has", moved.Phases[0].World.Replicas, 3},
		{"the second", moved.Phases[1].World.Replicas, 4}, {"the scenario itself still has", s.Phases[0].World.Replicas, 2},
		{"a scenario that says nothing takes", parse(t, inWorld("{}", "  - {name: p, requests: 1}\n")).Replicas(), 1},
	} {
		if tt.got != tt.want {
			t.Errorf("%s %d replicas, want %d", tt.what, tt.got, tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	s := parse(t, inWorld("{replicas: 2}", `  - name: p
    rate: 1/s
    for: 9s
    faults:
      - {at: 1s, for: 2s, redis: stop}
      - {at: 3s, for: 1s, redis: cut, share: 0.5}
      - {at: 1s, for: 8s, database: slow}
      - {at: 5s, redis: flush}
      - {at: 6s, for: 1s, redis: kill, keep: true}
      - {at: 7s, for: 2s, redis: evict, maxmemory: 1mb}
      - {at: 1s, app: restart, replica: 1}
      - {at: 1s, for: 2s, app: term, replica: 2}
`))
	var got []string
	for _, f := range s.Phases[0].Faults {
		got = append(got, f.Describe())
	}
	want := []string{
		"redis stop from 1s to 3s", "redis cut 50% of connections from 3s to 4s", "database slow by 200ms from 1s to 9s", "redis flush at 5s",
		"redis kill from 6s to 7s", "redis evict from 7s to 9s", "app restart of replica 1 at 1s", "app term of replica 2 from 1s to 3s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	faults := s.Phases[0].Faults
	if !faults[4].Settings.Keep || faults[5].Settings.MaxMemory != 1<<20 || faults[0].Line != 9 {
		t.Errorf("got %+v, %+v, line %d", faults[4].Settings, faults[5].Settings, faults[0].Line)
	}
}

// Every fault of the table can be written, and is documented.
func TestEveryFault(t *testing.T) {
	for _, f := range world.Faults() {
		options := ""
		if !f.Moment {
			options = ", for: 1s"
		}
		if f.Has(world.MaxMemory) {
			options += ", maxmemory: 1mb"
		}
		s := parse(t, inWorld("{}", "  - {name: p, rate: 1/s, for: 3s, faults: [{at: 1s, "+f.Server+": "+f.Kind+options+"}]}\n"))
		if got := s.Phases[0].Faults[0].Fault; got.Kind != f.Kind || got.Server != f.Server || f.Doc == "" || len(f.By) == 0 {
			t.Errorf("got %+v, want %+v with a documentation and a means", got, f)
		}
	}
}

func TestWorldErrors(t *testing.T) {
	phase := func(faults string) string {
		return inWorld("{}", "  - {name: p, rate: 1/s, for: 6s, faults: ["+faults+"]}\n")
	}
	for name, tt := range map[string]struct{ text, want string }{
		"below zero":         {inWorld("{database: {rtt: -1ms}}", "  - {name: p, requests: 1}\n"), "x.yaml:2:25: rtt must be from 0s to 10s, got -1ms"},
		"without a unit":     {inWorld("{redis: {rtt: 1}}", "  - {name: p, requests: 1}\n"), "x.yaml:2:22: rtt needs a unit: 1s or 1ms"},
		"unknown server":     {inWorld("{databse: {}}", "  - {name: p, requests: 1}\n"), `x.yaml:2:9: unknown key "databse", did you mean "database"?`},
		"bandwidth":          {inWorld("{redis: {bandwidth: 10mb}}", "  - {name: p, requests: 1}\n"), `x.yaml:2:28: bandwidth wants bytes a second such as 10mb/s or 500kb/s, got "10mb"`},
		"memory":             {inWorld("{redis: {maxmemory: much}}", "  - {name: p, requests: 1}\n"), `x.yaml:2:28: maxmemory wants a number of bytes such as 4mb or 500kb, got "much"`},
		"of a database":      {inWorld("{database: {maxmemory: 1mb}}", "  - {name: p, requests: 1}\n"), `x.yaml:2:20: unknown key "maxmemory" (allowed: rtt, jitter, bandwidth)`},
		"unknown fault":      {phase("{at: 1s, for: 1s, redis: stap}"), `x.yaml:5:69: unknown fault of redis "stap", did you mean "stop"? (allowed: kill, stop,`},
		"of another server":  {phase("{at: 1s, for: 1s, redis: lock}"), `x.yaml:5:69: unknown fault of redis "lock"`},
		"nobody":             {phase("{at: 1s, for: 1s}"), "x.yaml:5:44: a fault befalls one of redis, database, app: {at: 3s, for: 3s, redis: stop}"},
		"two servers":        {phase("{at: 1s, for: 1s, redis: stop, database: stop}"), "x.yaml:5:44: a fault befalls one of redis, database, app"},
		"no begin":           {phase("{for: 1s, redis: stop}"), "x.yaml:5:44: a fault wants the time at which it begins"},
		"no length":          {phase("{at: 1s, redis: stop}"), "x.yaml:5:44: redis: stop wants a length: for: 3s"},
		"length of a moment": {phase("{at: 1s, for: 1s, redis: flush}"), "x.yaml:5:53: redis: flush happens at a moment: leave out for"},
		"share of a kill":    {phase("{at: 1s, for: 1s, redis: kill, share: 0.5}"), "x.yaml:5:75: redis: kill takes no share"},
		"share above one":    {phase("{at: 1s, for: 1s, redis: cut, share: 1.5}"), "x.yaml:5:81: share must be from 0.01 to 1, got 1.5"},
		"evict":              {phase("{at: 1s, for: 1s, redis: evict}"), "x.yaml:5:44: redis: evict wants maxmemory: 1mb"},
		"longer than phase":  {phase("{at: 5s, for: 2s, redis: stop}"), "x.yaml:5:1: redis stop from 5s to 7s outlasts its phase, which takes 6s"},
		"overlap":            {phase("{at: 1s, for: 2s, redis: stop}, {at: 2s, for: 2s, redis: cut}"), "x.yaml:5:1: redis cut from 2s to 4s overlaps redis stop from 1s to 3s"},
		"no known length":    {inWorld("{}", "  - {name: p, requests: 9, faults: [{at: 1s, redis: flush}]}\n"), "x.yaml:5:1: faults want a phase of a known length: give phase p for: 10s"},
		"warm-up": {inWorld("{}", "  - {name: p, warmup: true, rate: 1/s, for: 6s, faults: [{at: 1s, redis: flush}]}\n  - {name: q, requests: 1}\n"),
			"x.yaml:5:1: a fault in a warm-up phase is in no figure"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scenario.Parse("x.yaml", []byte(tt.text), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}
