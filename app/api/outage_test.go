package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestOutagesOfAPhase(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 1, 1, 0, 0, s, 0, time.UTC) }
	all := api.Outages{Outages: []api.Outage{
		{Dependency: api.DependencyRedis, Began: at(10), Ended: at(12)},
		{Dependency: api.DependencyDatabase, Began: at(10), Ended: at(12)},
		{Dependency: api.DependencyRedis, Began: at(20)},
	}}
	for _, test := range []struct {
		begin, end, want int
	}{{0, 9, 0}, {0, 10, 1}, {11, 11, 1}, {12, 13, 1}, {13, 19, 0}, {11, 20, 2}, {30, 40, 1}} {
		if got := all.Of(api.DependencyRedis, at(test.begin), at(test.end)); len(got) != test.want {
			t.Errorf("from %d to %d: got %v, want %d", test.begin, test.end, got, test.want)
		}
	}
	if got := all.Outages[0].Lasted(at(99)); got != 2*time.Second {
		t.Errorf("the first lasted %s, want 2s", got)
	}
	if last := all.Outages[2]; !last.Ongoing() || last.Lasted(at(25)) != 5*time.Second {
		t.Errorf("the last has lasted %s, want 5s, and that it goes on", last.Lasted(at(25)))
	}
	text, err := json.Marshal(all.Outages[2])
	want := `{"dependency":"redis","began":"2026-01-01T00:00:20Z","failed":0,"skipped":0,"probes":0,"attempts":0}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}
