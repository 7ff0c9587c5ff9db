package run_test

import (
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

func TestGeneratorLimits(t *testing.T) {
	fine := result.Driver{
		Round: 1, Mode: "ttl", Phase: "warm", Took: 5 * time.Second, Offered: 1000, Sent: 1000, InTime: 1000, CPU: 0.2,
		Release: result.Summary{Count: 1000, P99: time.Millisecond, Max: 20 * time.Millisecond},
		Hiccup:  result.Summary{Count: 500, P99: time.Millisecond, Max: 20 * time.Millisecond},
	}
	for _, test := range []struct {
		name   string
		change func(*result.Driver)
		want   []string // a part of each limit
	}{
		{"all is well", func(*result.Driver) {}, nil},
		{"late releases", func(d *result.Driver) { d.Release.P99 = 80 * time.Millisecond }, []string{"released late, p99 80.0 ms"}},
		{"late, but few", func(d *result.Driver) { d.Release.P99, d.Release.Count = 80*time.Millisecond, 50 }, nil},
		{"stopped", func(d *result.Driver) { d.Hiccup.Max = time.Second }, []string{"stood still for 1.00 s"}},
		{"stopped while pacing", func(d *result.Driver) { d.Release.Max = time.Second }, []string{"stood still for 1.00 s"}},
		{"busy", func(d *result.Driver) { d.CPU = 0.95 }, []string{"used 95% of its processors"}},
		{"collecting", func(d *result.Driver) { d.GCCPU = 0.2 }, []string{"garbage collector used 20%"}},
		{"busy and behind", func(d *result.Driver) { d.CPU, d.InTime = 0.95, 500 }, []string{"used 95%", "only 50% of the requests"}},
		{"a server that is behind", func(d *result.Driver) { d.InTime = 500 }, nil},
		{"more than its connections carry", func(d *result.Driver) {
			d.InTime, d.Connections, d.Quickest = 100, 2, 20*time.Millisecond
		}, []string{"200 requests a second came due, and its 2 connections could carry 100 requests a second at most, even if every answer took no longer than the quickest (20.0 ms)"}},
		{"a server that gets slower", func(d *result.Driver) {
			d.InTime, d.Connections, d.Quickest = 100, 5, 20*time.Millisecond
		}, nil},
		{"few connections that were enough", func(d *result.Driver) { d.Connections, d.Quickest = 1, 20*time.Millisecond }, nil},
		{"more than its processors send", func(d *result.Driver) {
			d.Offered, d.InTime, d.CPUs = 5_000_000, 250_000, []float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.01, 0.01}
		}, []string{"1,000,000 requests a second came due, and this machine can send 100,000 requests a second at most: 50% of its processors were used to send 50,000 requests a second"}},
		{"a server that is far behind", func(d *result.Driver) { d.InTime, d.CPU = 10, 0.2 }, nil},
		{"warm-up", func(d *result.Driver) { d.Warmup, d.Hiccup.Max = true, time.Second }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := fine
			test.change(&d)
			got := run.GeneratorLimits([]result.Driver{d})
			if len(got) != len(test.want) {
				t.Fatalf("limits %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) || !strings.HasPrefix(got[i], "ttl, warm, round 1: ") {
					t.Errorf("limit %q, want one of ttl in warm with %q", got[i], want)
				}
			}
		})
	}
}
