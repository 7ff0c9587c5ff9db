package client_test

import (
	"net"
	"testing"
	"time"

	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// balancedHarness is a caller of several servers, and the group that it asks.
type balancedHarness struct {
	*client.Balanced
	t     *testing.T
	group *balance.Group
	out   measure.Outcome
}

func newBalanced(t *testing.T, specs []client.Spec, addrs ...string) *balancedHarness {
	t.Helper()
	h := &balancedHarness{t: t, group: balance.NewGroup(len(addrs), nil)}
	h.Balanced = client.NewBalanced(h.group, func(i int) client.Caller {
		target, err := client.NewTarget("http://"+addrs[i], client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var reqs []*client.Request
		for _, spec := range specs {
			r, err := target.Prepare(spec)
			if err != nil {
				t.Fatal(err)
			}
			reqs = append(reqs, r)
		}
		return client.New(target, 1, reqs)
	})
	t.Cleanup(func() { h.Close() })
	return h
}

// want makes arrival k, and fails if it does not end so at that replica.
func (h *balancedHarness) want(k int64, mode int, kind measure.Kind, replica int) {
	h.t.Helper()
	h.Draw(1, k, k)
	h.Call(h.t.Context(), mode, time.Time{}, &h.out)
	if h.out.Kind != kind || h.out.Replica != replica {
		h.t.Fatalf("arrival %d ended as %s at replica %d, want %s at %d", k, h.out.Kind, h.out.Replica, kind, replica)
	}
}

// nobody is an address at which connections are refused.
func nobody(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// A replica to which no connection can be made costs no request, is out of service from then on, and is asked again when it is put back in; where
// no replica can be connected to, the request was refused.
func TestBalancedRefused(t *testing.T) {
	a, b := serve(t, answering(ok)), serve(t, answering(ok))
	h := newBalanced(t, []client.Spec{get, post}, a.addr, nobody(t), b.addr)
	h.want(0, 0, measure.OK, 0)
	h.want(1, 1, measure.OK, 2) // a POST as well: nothing was sent
	if h.group.Out() != 0b010 {
		t.Errorf("out of service are %b, want replica 1", h.group.Out())
	}
	h.want(2, 0, measure.OK, 0) // the turn is over those in service
	h.want(3, 0, measure.OK, 2)
	h.group.Set(1, true)
	h.want(4, 0, measure.OK, 0)
	if h.group.Out() != 0b010 {
		t.Error("a replica that refuses again stays in service")
	}
	if a.conns.Load() != 1 || b.conns.Load() != 1 {
		t.Errorf("%d and %d connections, want 1 each", a.conns.Load(), b.conns.Load())
	}

	none := newBalanced(t, []client.Spec{get}, nobody(t), nobody(t))
	none.want(0, 0, measure.Refused, 1)
	none.want(1, 0, measure.Refused, 0)
}

// What was sent is never sent to a second replica.
func TestBalancedReset(t *testing.T) {
	broken, sound := serve(t, func(p *peer) { p.request(); p.reset() }), serve(t, answering(ok))
	h := newBalanced(t, []client.Spec{get}, broken.addr, sound.addr)
	h.want(0, 0, measure.Reset, 0)
	if h.group.Out() != 0 || sound.conns.Load() != 0 {
		t.Errorf("out of service are %b, and the other replica had %d connections; want none", h.group.Out(), sound.conns.Load())
	}
	h.want(1, 0, measure.OK, 1)
}

// A phase may use some of the replicas alone, and what one step of a session takes from its response is there at another replica.
func TestBalancedSteps(t *testing.T) {
	var paths []string
	list := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\":42}"))
	item := serve(t, func(p *peer) {
		for r := p.request(); r != nil; r = p.request() {
			paths = append(paths, r.URL.Path)
			p.send(ok)
		}
	})
	steps := []client.Spec{{Path: "/", Take: []client.Taking{{Name: "id", Path: "id"}}}, {Path: "/{{id}}/", Data: []client.Variable{{Name: "id"}}}}
	h := newBalanced(t, steps, list.addr, item.addr, nobody(t))
	h.Over(2, balance.RoundRobin)
	for k := int64(0); k < 6; k += 2 {
		h.want(k, 0, measure.OK, 0)
		h.Call(t.Context(), 1, time.Time{}, &h.out)
		if h.out.Kind != measure.OK || h.out.Replica != 1 {
			t.Fatalf("the second step ended as %s at replica %d, want ok at 1", h.out.Kind, h.out.Replica)
		}
	}
	h.Close()
	if len(paths) != 3 || paths[0] != "/42/" {
		t.Errorf("the second steps asked for %q, want /42/ three times", paths)
	}
	h.Call(t.Context(), 0, time.Time{}, &h.out)
	if h.out.Kind != measure.Unsent {
		t.Errorf("after Close a call ended as %s, want unsent", h.out.Kind)
	}
}
