package shard_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/shard"
)

// TestDead checks that a worker which does not come back is lost by its name, when it may not be silent any longer and not before, and that the others are stopped.
func TestDead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dies func(h *hand, nw *network)
		want string
	}{
		"its process is dead":    {func(h *hand, nw *network) { nw.cut(1, -1); h.cancel() }, "was cut off ("},
		"it never comes back":    {func(_ *hand, nw *network) { nw.cut(1, -1) }, "and did not come back within 10s"},
		"it is silent":           {func(_ *hand, nw *network) { nw.swallow(1, time.Hour) }, "was silent for 10s"},
		"it comes back too late": {func(_ *hand, nw *network) { nw.cut(1, silence+time.Second) }, "and did not come back within 10s"},
	} {
		virtually(t, name, func(t *testing.T) {
			nw := newNetwork()
			c := lead(t, nw, 3)
			died := make(chan time.Time, 1)
			var hands []*hand
			for i := range 3 {
				hands = append(hands, start(t, c, i, over(nw, func(h *hand) {
					h.drive = untilStopped
					if i == 1 {
						h.onDrive = func() {
							time.AfterFunc(2500*time.Millisecond, func() { died <- time.Now(); tt.dies(h, nw) })
						}
					}
				})))
			}
			if err := c.Join(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := newSink()
			err := c.Drive(t.Context(), json.RawMessage(`{}`), s)
			lost := new(shard.LostError)
			if !errors.As(err, &lost) || lost.UID != "uid-b" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the run ends with %v, want worker 1 and %q", err, tt.want)
			}
			if after := time.Since(<-died); after < silence-silence/5 || after > silence+time.Second {
				t.Errorf("the run ends %s after the worker, want %s", after, silence)
			}
			if !s.done[0] || !s.done[2] || !s.lost[1] || len(s.lost) != 1 {
				t.Errorf("done %v, lost %v", s.done, s.lost)
			}
			c.Close()
			<-hands[1].done
			if hands[1].err == nil {
				t.Error("the worker ends without an error")
			}
		})
	}
}

// TestOrphans checks that workers end when their coordinator is gone: after the time in which it might come back.
func TestOrphans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nw := newNetwork()
		c := lead(t, nw, 1)
		var gone time.Time
		h := start(t, c, 0, over(nw, func(h *hand) {
			h.drive = untilStopped
			h.onDrive = func() { time.AfterFunc(time.Second, func() { gone = time.Now(); nw.cut(0, -1) }) }
		}))
		if err := c.Join(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = c.Drive(t.Context(), json.RawMessage(`{}`), newSink())
		<-h.done
		if h.err == nil || !strings.Contains(h.err.Error(), "the coordinator is gone: no route") {
			t.Errorf("the worker ends with %v", h.err)
		}
		if after := time.Since(gone); after > silence+time.Second || h.took[0] < silence {
			t.Errorf("it ends %s after its coordinator, and has driven for %s", after, h.took[0])
		}
		c.Close()
	})
}

// TestTakeOver checks who may take the place of a connection: the same process, with the secret, and nobody else.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(h *hand)
		broken bool   // the connection of the worker whose place it is
		run_   string // what the run ends with; empty if it goes on
	}{
		"another uid":                            {change: func(h *hand) { h.UID = "other" }, run_: "worker 0 was started twice: uid other came after uid uid-a"},
		"another uid, when it is cut off":        {change: func(h *hand) { h.UID = "other" }, broken: true, run_: "worker 0 was started twice: uid other came after uid uid-a"},
		"the same uid":                           {run_: "worker 0 was started twice: uid uid-a came after uid uid-a"},
		"the same uid, when it is cut off":       {broken: true, run_: "worker 0 was started twice"},
		"without the secret":                     {change: func(h *hand) { h.Secret = []byte("guess") }},
		"without the secret, when it is cut off": {change: func(h *hand) { h.Secret = []byte("guess") }, broken: true},
	} {
		virtually(t, name, func(t *testing.T) {
			nw := newNetwork()
			c := lead(t, nw, 1)
			second := make(chan *hand, 1)
			first := start(t, c, 0, over(nw, func(h *hand) {
				h.drive = lasts(5 * time.Second)
				h.onDrive = func() {
					time.AfterFunc(time.Second, func() {
						if tt.broken {
							nw.cut(0, 2*time.Second)
						}
						second <- start(t, c, 0, func(h *hand) {
							h.Dial = nw.dial(9)
							if tt.change != nil {
								tt.change(h)
							}
						})
					})
				}
			}))
			if err := c.Join(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := newSink()
			err := c.Drive(t.Context(), json.RawMessage(`{}`), s)
			switch {
			case tt.run_ == "" && (err != nil || !s.done[0]):
				t.Errorf("the run ends with %v", err)
			case tt.run_ != "" && (err == nil || !strings.Contains(err.Error(), tt.run_)):
				t.Errorf("the run ends with %v, want %q", err, tt.run_)
			}
			c.Close()
			other := <-second
			if <-other.done; other.err == nil {
				t.Error("the second worker ends without an error")
			}
			if <-first.done; first.err != nil {
				t.Error(first.err)
			}
		})
	}
}

// TestImpostor checks that a worker which dials again tells nothing to who answers without the secret.
func TestImpostor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nw, wrong := newNetwork(), newNetwork()
		c := lead(t, nw, 1)
		other, err := shard.New(t.Context(), wrong, shard.Config{Workers: 1, Secret: []byte("guess"), Program: program, Scenario: scenario, Job: []byte(`"another job"`)})
		if err != nil {
			t.Fatal(err)
		}
		dials := []func(context.Context) (net.Conn, error){nw.dial(0), wrong.dial(0)}
		h := start(t, c, 0, func(h *hand) {
			h.Dial = func(ctx context.Context) (net.Conn, error) {
				dial := dials[0]
				dials = slices.Clip(dials[1:])
				return dial(ctx)
			}
			h.drive = untilStopped
			h.onDrive = func() { nw.cut(0, 0) }
		})
		if err := c.Join(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Drive(t.Context(), json.RawMessage(`{}`), newSink()); err == nil {
			t.Error("the run goes on")
		}
		if <-h.done; !errors.Is(h.err, shard.ErrSecret) || len(other.Members()) > 0 {
			t.Errorf("the worker ends with %v; the impostor has the members %v", h.err, other.Members())
		}
		other.Close()
		c.Close()
	})
}
