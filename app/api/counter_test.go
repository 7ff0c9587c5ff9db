package api_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/app/api"
)

func TestCountersJSON(t *testing.T) {
	counters := api.Counters{Running: 1, SpansDropped: 2, Modes: map[string]api.ModeCounters{"ttl": {
		Counts: api.Counts{
			api.CountRequests: 3, api.CountSQL: 62, api.CountRedis: 5, api.CountRecomputes: 1, api.CountExpirations: 0, api.CountCold: 1,
		},
		Cache: map[string]int64{"hit": 2, "miss": 1},
	}}}
	const want = `{"running":1,"spans_dropped":2,"modes":{"ttl":{"cache":{"hit":2,"miss":1},"cold":1,"expirations":0,"recomputes":1,` +
		`"redis_commands":5,"requests":3,"sql_queries":62}}}`
	got, err := json.Marshal(counters)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	var back api.Counters
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counters, back); diff != "" {
		t.Errorf("read back (-want +got)\n%s", diff)
	}
}

func TestModeCountersUnmarshal(t *testing.T) {
	for _, tc := range []struct {
		text string
		want api.ModeCounters
		err  string
	}{
		{`{}`, api.ModeCounters{Counts: api.Counts{}}, ""},
		{`{"requests": 1, "of_a_newer_app": 2}`, api.ModeCounters{Counts: api.Counts{api.CountRequests: 1, "of_a_newer_app": 2}}, ""},
		{`{"cache": {"hit": 1}}`, api.ModeCounters{Counts: api.Counts{}, Cache: map[string]int64{"hit": 1}}, ""},
		{`{"requests": "many"}`, api.ModeCounters{}, "requests: json: cannot unmarshal string into Go value of type int64"},
		{`{"cache": 1}`, api.ModeCounters{}, "cache: json: cannot unmarshal number into Go value of type map[string]int64"},
		{`[]`, api.ModeCounters{}, "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"},
	} {
		var got api.ModeCounters
		err := json.Unmarshal([]byte(tc.text), &got)
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%s: got error %v, want %q", tc.text, err, tc.err)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tc.text, err, diff)
		}
	}
}

func TestCountsAddSub(t *testing.T) {
	before, after := api.Counts{api.CountSQL: 60, api.CountCold: 1}, api.Counts{api.CountSQL: 62, api.CountRequests: 3}
	for _, tc := range []struct {
		name      string
		got, want api.Counts
	}{
		{"sub", after.Sub(before), api.Counts{api.CountSQL: 2, api.CountRequests: 3, api.CountCold: -1}},
		{"sub of nothing", after.Sub(nil), after},
		{"nothing sub", api.Counts(nil).Sub(before), api.Counts{api.CountSQL: -60, api.CountCold: -1}},
		{"add", after.Add(before), api.Counts{api.CountSQL: 122, api.CountRequests: 3, api.CountCold: 1}},
		{"add to nothing", api.Counts(nil).Add(before), before},
		{"there and back", after.Sub(before).Add(before), api.Counts{api.CountSQL: 62, api.CountRequests: 3, api.CountCold: 0}},
		{"the operand, unchanged", before, api.Counts{api.CountSQL: 60, api.CountCold: 1}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
}
