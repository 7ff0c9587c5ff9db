package engine_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/client/target"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/engine"
	"loadlab/loadgen/internal/measure"
)

type obs struct {
	mu   sync.Mutex
	due, sent []time.Time
}

func (o *obs) Scheduled(int) {}
func (o *obs) Record(_ int, due time.Duration, start time.Time, out *measure.Outcome) {
	o.mu.Lock()
	o.sent = append(o.sent, out.Sent)
	o.due = append(o.due, start.Add(due))
	o.mu.Unlock()
}

func TestDump(t *testing.T) {
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	var at []time.Time
	var mu sync.Mutex
	srv := target.Server{Seen: func([]byte) { mu.Lock(); at = append(at, time.Now()); mu.Unlock() }}
	go srv.Serve(ctx, ln)
	tg, _ := client.NewTarget("http://"+ln.Addr().String(), client.Options{})
	rq, _ := tg.Prepare(client.Spec{Path: "/200"})
	p, _ := arrival.New(arrival.Constant(400, 10*time.Second)...)
	o := &obs{}
	rec := measure.NewRecorder(measure.Config{Observer: o})
	drive.Open(t.Context(), drive.OpenConfig{Common: drive.Common{NewCaller: func() drive.Caller { return client.New(tg, 1, []*client.Request{rq}) }, Recorder: rec},
		Stream: func() arrival.Stream { return arrival.NewPoisson(p, 1) }, For: 10 * time.Second, Connections: 50})
	rec.Finish()
	cancel()
	show := func(name string, x []time.Time) {
		slices.SortFunc(x, func(a, b time.Time) int { return a.Compare(b) })
		g := engine.Gaps(x, 500*time.Millisecond)
		fmt.Println(name, len(g), engine.KS(g, 400))
		slices.Sort(g)
		for _, q := range []float64{.01, .05, .1, .2, .5, .9, .99} {
			fmt.Printf("%.0f ", g[int(q*float64(len(g)))]*1e6)
		}
		fmt.Println()
	}
	show("due", o.due)
	show("sent", o.sent)
	show("server", at)
	_ = client.Raw
}
