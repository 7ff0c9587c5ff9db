package lab_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
)

// sent answers v to a request with that query and body.
func sent(t *testing.T, query, body string, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != body || r.URL.RawQuery != query {
			t.Errorf("%s %s: got body %q, query %q, %v, want %q, %q", r.Method, r.URL.Path, got, r.URL.RawQuery, err, body, query)
		}
		answer(http.StatusOK, v)(w, r)
	}
}

func TestWorld(t *testing.T) {
	t.Parallel()
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	distances := api.Distances{Database: api.Pings{N: 50, Median: time.Millisecond, P99: 2 * time.Millisecond, Simulated: true}, Redis: api.Pings{Error: "refused"}}
	slow := api.Fault{Kind: api.FaultSlow, Share: 0.5, Delay: api.Duration(200 * time.Millisecond)}
	begun := api.FaultSeen{Fault: slow, Began: began, Connections: 3}
	over := api.FaultSeen{Fault: slow, Began: began, Ended: began.Add(time.Second), Statements: 7, Delayed: 7}
	lock := api.Lock{For: api.Duration(3 * time.Second)}
	held := api.LockSeen{Lock: lock, Held: true, Since: began}
	released := api.LockSeen{Lock: lock, Since: began, Ended: began.Add(time.Second), MaxWaiting: 4, Waited: 9}
	c := serve(t, map[string]http.HandlerFunc{
		"GET /lab/ping":              sent(t, "n=50", "", distances),
		"PUT /lab/database/fault":    sent(t, "", `{"kind":"slow","share":0.5,"delay":"200ms"}`, begun),
		"DELETE /lab/database/fault": sent(t, "", "", over),
		"POST /lab/database/lock":    sent(t, "", `{"for":"3s"}`, held),
		"DELETE /lab/database/lock":  sent(t, "", "", released),
	})
	ctx := t.Context()
	check(t, "Ping", distances)(c.Ping(ctx, 50))
	check(t, "DatabaseFault", begun)(c.DatabaseFault(ctx, slow))
	check(t, "EndDatabaseFault", over)(c.EndDatabaseFault(ctx))
	check(t, "LockDatabase", held)(c.LockDatabase(ctx, 3*time.Second))
	check(t, "UnlockDatabase", released)(c.UnlockDatabase(ctx))

	byDefault := serve(t, map[string]http.HandlerFunc{
		"GET /lab/ping":           sent(t, "", "", distances),
		"PUT /lab/database/fault": sent(t, "", `{"kind":"cut"}`, begun),
	})
	check(t, "Ping", distances)(byDefault.Ping(ctx, 0))
	check(t, "DatabaseFault", begun)(byDefault.DatabaseFault(ctx, api.Fault{Kind: api.FaultCut}))
}

func TestWorldWithoutLab(t *testing.T) {
	t.Parallel()
	c := lab.New([]string{"http://127.0.0.1:1"}, nil)
	defer c.Close()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Ping":             func() error { _, err := c.Ping(ctx, 1); return err },
		"DatabaseFault":    func() error { _, err := c.DatabaseFault(ctx, api.Fault{}); return err },
		"EndDatabaseFault": func() error { _, err := c.EndDatabaseFault(ctx); return err },
		"LockDatabase":     func() error { _, err := c.LockDatabase(ctx, time.Second); return err },
		"UnlockDatabase":   func() error { _, err := c.UnlockDatabase(ctx); return err },
	} {
		if err := call(); !errors.Is(err, lab.ErrNoLab) {
			t.Errorf("%s: got %v, want ErrNoLab", name, err)
		}
	}
}

// Whoever polls a refusal finds its status in the error.
func TestConflict(t *testing.T) {
	t.Parallel()
	problem := api.Problem{Status: http.StatusConflict, Detail: "there is a fault already"}
	c := serve(t, map[string]http.HandlerFunc{"PUT /lab/database/fault": answer(http.StatusConflict, problem)})
	var status *lab.StatusError
	if _, err := c.DatabaseFault(t.Context(), api.Fault{Kind: api.FaultHang}); !errors.As(err, &status) || status.Status != http.StatusConflict || status.Detail != problem.Detail {
		t.Errorf("got %v, want a StatusError with 409 and the problem's detail", err)
	}
	if text, err := json.Marshal(api.LockSeen{}); err != nil || string(text) != `{"for":"0s","held":false,"waiting":0,"max_waiting":0,"waited":0}` {
		t.Errorf("no lock: got %s, %v", text, err)
	}
}
