package server_test

import (
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/server"
)

func TestSlowIsReadStrictly(t *testing.T) {
	got := server.Slow{}
	for _, text := range []string{"ttl=+20%,naive=+400%", "swr+batched=+0.5%", "price-change=+10%"} {
		if err := got.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if want := "naive=+400%,price-change=+10%,swr+batched=+0.5%,ttl=+20%"; got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for text, want := range map[string]string{
		"": "want a mode and a percentage", "ttl": "want a", "ttl=20%": "want a", "ttl=+20": "want a", "ttl=+0%": "want a", "ttl=-20%": "want a",
		"ttl=+1e2%": "want a", "ttl=+NaN%": "want a", "ttl=+10001%": "want a", "ttl=+20%,": "want a", "ttl=+ 20%": "want a",
		"tll=+20%": `no mode "tll"`, "=+20%": `no mode ""`, "ttl+naive=+20%": "no mode", "none=+20%": "no mode", "ttl=+20%,ttl=+30%": "ttl is given twice",
	} {
		if err := (server.Slow{}).Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// The wait is a multiple of the handler's own time, which is at least that of its queries.
func TestSlowWaitsForAShareOfTheHandlersTime(t *testing.T) {
	r := newRig(t, "", false)
	r.server.Slow = server.Slow{"naive": 9}
	a := get(t, r.api.URL+api.PathLive+"naive/")
	var timing api.Timing
	if !timing.Read([]byte(a.Header.Get(api.HeaderServerTiming))) || timing.SQL != 62 || timing.Total < 9*timing.SQLTime {
		t.Errorf("%+v, want a total of 10 times the queries' or more", timing)
	}
}
