package stack_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/stack"
)

// replicas are the notes of the apps of a stack, by replica.
func (b *bench) replicas(n int) []notes {
	b.t.Helper()
	var all []notes
	for i := range n {
		each, err := readNotes(b.notes + "-" + strconv.Itoa(i+1))
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, each)
	}
	return all
}

func TestReplicasShareTheirServers(t *testing.T) {
	for _, kind := range []string{stack.Embedded, stack.Local} {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t, kind, "serves")
			b.cfg.Replicas = 3
			s := b.up()
			all := b.replicas(3)
			pids := []int{s.RedisProcess().PID()}
			for i, n := range all {
				if n.PID != s.Apps()[i].PID() || n.DatabaseURL != s.DatabaseURL || n.Redis != "redis://"+s.RedisAddr+"/0" {
					t.Errorf("replica %d is %+v, want process %d on %s and %s", i, n, s.Apps()[i].PID(), s.DatabaseURL, s.RedisAddr)
				}
				if want := "service.instance.id=app-" + strconv.Itoa(i+1); n.env("OTEL_RESOURCE_ATTRIBUTES") != want {
					t.Errorf("replica %d has the attributes %q, want %q", i, n.env("OTEL_RESOURCE_ATTRIBUTES"), want)
				}
				if !all[0].Ready.Before(n.Begun) && i > 0 {
					t.Errorf("replica %d began at %s, before the first served at %s", i, n.Begun, all[0].Ready)
				}
				if err := get(t.Context(), s.APIs[i]+"/"); err != nil {
					t.Error(err)
				}
				pids = append(pids, n.PID, n.ChildPID)
			}
			if err := s.Down(t.Context()); err != nil {
				t.Error(err)
			}
			b.nothingLeft(pids...)
		})
	}
}

// Any replica that dies breaks the stack; one that is ended on purpose does not, and comes back at its addresses.
func TestAReplicaEnds(t *testing.T) {
	term := func(s *stack.Stack, ctx context.Context, i int) error {
		last, err := s.TermApp(ctx, i)
		if n := last.Modes["ttl"].Counts[api.CountRequests]; err == nil && n != 7 {
			t.Errorf("it had counted %d requests when it ended, want 7", n)
		}
		return err
	}
	for name, end := range map[string]func(*stack.Stack, context.Context, int) error{"term": term, "kill": (*stack.Stack).KillApp} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, stack.Embedded, "serves")
			b.cfg.Replicas = 2
			s := b.up()
			first := b.replicas(2)[1]
			if err := end(s, t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if err := end(s, t.Context(), 1); err == nil || !strings.Contains(err.Error(), "app-2 has been ended already") {
				t.Errorf("again: got %v", err)
			}
			if err := get(t.Context(), s.APIs[1]+"/"); err == nil {
				t.Error("it still answers")
			}
			if err := s.StartApp(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if err := get(t.Context(), s.APIs[1]+"/"); err != nil {
				t.Errorf("it does not answer where it did: %v", err)
			}
			if err := s.StartApp(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "app-2 runs") {
				t.Errorf("start what runs: got %v", err)
			}
			if err := end(s, t.Context(), 2); err == nil || !strings.Contains(err.Error(), "no replica 2") {
				t.Errorf("a replica that is not there: got %v", err)
			}
			if s.Err() != nil {
				t.Errorf("the stack broke: %v", s.Err())
			}
			second := b.replicas(2)[1]
			if second.PID == first.PID {
				t.Errorf("it is still process %d", first.PID)
			}
			_ = get(t.Context(), s.APIs[1]+"/die") // it has no answer
			<-s.Done()
			if s.Err() == nil || !strings.HasPrefix(s.Err().Error(), "app-2 ended by itself: exit status 4") {
				t.Errorf("got %v, want that app-2 died", s.Err())
			}
			if err := s.Down(t.Context()); err != nil {
				t.Error(err)
			}
			b.nothingLeft(first.PID, second.PID, second.ChildPID, s.Apps()[0].PID(), s.RedisProcess().PID())
		})
	}
}
