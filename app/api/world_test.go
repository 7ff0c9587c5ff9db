package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestSummarizePings(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)*time.Millisecond)
	}
	for _, test := range []struct {
		took []time.Duration
		want api.Pings
	}{
		{nil, api.Pings{}},
		{[]time.Duration{7}, api.Pings{N: 1, Median: 7, P99: 7, Min: 7, Max: 7}},
		{[]time.Duration{9, 1, 5}, api.Pings{N: 3, Median: 5, P99: 9, Min: 1, Max: 9}},
		{hundred, api.Pings{N: 100, Median: 50 * time.Millisecond, P99: 99 * time.Millisecond, Min: time.Millisecond, Max: 100 * time.Millisecond}},
	} {
		if got := api.SummarizePings(test.took); got != test.want {
			t.Errorf("%d pings: got %+v, want %+v", len(test.took), got, test.want)
		}
	}
}

func TestFaultValidate(t *testing.T) {
	const second = api.Duration(time.Second)
	for _, test := range []struct {
		fault api.Fault
		want  string // empty: it is fine
	}{
		{api.Fault{Kind: api.FaultHang, Share: 1}, ""},
		{api.Fault{Kind: api.FaultSlow, Share: 0.01, Delay: api.MaxFaultDelay}, ""},
		{api.Fault{Share: 1}, `kind: want refuse, hang, slow, cut or half-open, got ""`},
		{api.Fault{Kind: "Hang", Share: 1}, `kind: want refuse, hang, slow, cut or half-open, got "Hang"`},
		{api.Fault{Kind: api.FaultCut}, "share: want a number above 0, at most 1, got 0"},
		{api.Fault{Kind: api.FaultCut, Share: 1.01}, "share: want a number above 0, at most 1, got 1.01"},
		{api.Fault{Kind: api.FaultCut, Share: 1, Delay: second}, "delay: only slow has one"},
		{api.Fault{Kind: api.FaultSlow, Share: 1}, "delay: want more than 0s, at most 10s, got 0s"},
		{api.Fault{Kind: api.FaultSlow, Share: 1, Delay: -second}, "delay: want more than 0s, at most 10s, got -1s"},
		{api.Fault{Kind: api.FaultSlow, Share: 1, Delay: 11 * second}, "delay: want more than 0s, at most 10s, got 11s"},
	} {
		said := ""
		if err := test.fault.Validate(); err != nil {
			said = err.Error()
		}
		if said != test.want {
			t.Errorf("%+v: got %q, want %q", test.fault, said, test.want)
		}
	}
}

func TestLockValidate(t *testing.T) {
	for d, fine := range map[time.Duration]bool{time.Millisecond: true, time.Minute: true, 0: false, time.Minute + 1: false, -time.Second: false} {
		if err := (api.Lock{For: api.Duration(d)}).Validate(); (err == nil) != fine {
			t.Errorf("%s: got %v", d, err)
		}
	}
}

// What the app answers is the contract: these texts are what others read.
func TestWorldJSON(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, test := range []struct {
		value any
		want  string
	}{
		{api.Fault{Kind: api.FaultCut}, `{"kind":"cut"}`},
		{api.FaultSeen{}, `{"kind":"","connections":0,"connects":0,"statements":0,"held":0,"refused":0,"reset":0,"delayed":0}`},
		{
			api.FaultSeen{
				Fault: api.Fault{Kind: api.FaultSlow, Share: 0.5, Delay: api.Duration(200 * time.Millisecond)}, Began: at, Ended: at.Add(time.Second),
				Connections: 1, Connects: 2, Statements: 3, Held: 4, Refused: 5, Reset: 6, Delayed: 7,
			},
			`{"kind":"slow","share":0.5,"delay":"200ms","began":"2030-01-02T03:04:05.0000006Z","ended":"2030-01-02T03:04:06.0000006Z",` +
				`"connections":1,"connects":2,"statements":3,"held":4,"refused":5,"reset":6,"delayed":7}`,
		},
		{
			api.LockSeen{Lock: api.Lock{For: api.Duration(3 * time.Second)}, Held: true, Since: at, Waiting: 1, MaxWaiting: 2, Waited: 3},
			`{"for":"3s","held":true,"since":"2030-01-02T03:04:05.0000006Z","waiting":1,"max_waiting":2,"waited":3}`,
		},
		{
			api.Distances{Database: api.Pings{N: 3, Median: 2, P99: 3, Min: 1, Max: 3, Simulated: true}, Redis: api.Pings{Error: "after 0 of 3: gone"}},
			`{"database":{"n":3,"median_ns":2,"p99_ns":3,"min_ns":1,"max_ns":3,"simulated":true},` +
				`"redis":{"n":0,"median_ns":0,"p99_ns":0,"min_ns":0,"max_ns":0,"simulated":false,"error":"after 0 of 3: gone"}}`,
		},
	} {
		if text, err := json.Marshal(test.value); err != nil || string(text) != test.want {
			t.Errorf("got %s, %v, want %s", text, err, test.want)
		}
	}
	var d api.Duration
	for _, text := range []string{`5`, `"soon"`, `""`, `{}`} {
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s was read as %s", text, time.Duration(d))
		}
	}
	if err := json.Unmarshal([]byte(`"soon"`), &d); err == nil || !strings.Contains(err.Error(), `want a duration such as 6s or 500ms, got "soon"`) {
		t.Errorf("got %v", err)
	}
}
