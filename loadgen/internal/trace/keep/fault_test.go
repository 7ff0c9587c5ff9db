package keep_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/trace/keep"
)

// Of each fault one request is kept, whatever else happened in its phase: the slowest that failed, or else the slowest.
func TestOneForEachFault(t *testing.T) {
	type offer struct {
		ms     float64
		failed string
		faults []string
	}
	kill, stop := []string{"redis kill"}, []string{"redis stop"}
	for name, tt := range map[string]struct {
		offers []offer
		want   string
	}{
		"no fault":                   {[]offer{{5, "", nil}, {9, "", nil}}, "9ms slowest []"},
		"the slowest while it lasts": {[]offer{{9, "", nil}, {2, "", kill}, {4, "", kill}, {3, "", kill}}, "9ms slowest [], 4ms fault [redis kill]"},
		"a failure is faster":        {[]offer{{9, "", kill}, {2, "status", kill}, {1, "status", kill}, {3, "", kill}}, "9ms slowest [], 2ms fault [redis kill]"},
		"the slowest of all":         {[]offer{{5, "", nil}, {9, "", kill}}, "9ms slowest [redis kill]"},
		"one of each":                {[]offer{{9, "", nil}, {2, "", kill}, {3, "", stop}}, "9ms slowest [], 2ms fault [redis kill], 3ms fault [redis stop]"},
		"one of both":                {[]offer{{9, "", nil}, {2, "", []string{"redis kill", "database stop"}}}, "9ms slowest [], 2ms fault [redis kill database stop]"},
	} {
		t.Run(name, func(t *testing.T) {
			store := keep.NewStore(keep.Limits{}, time.Now)
			k := keep.New(keep.Config{Store: store, Slowest: 1})
			for i, o := range tt.offers {
				s := sample(i+1, "ttl", "down", o.ms)
				s.Failed = o.failed
				k.Offer(s, o.faults...)
				arrive(store, s, 1)
			}
			var got []string
			for _, tr := range k.Assemble(t.Context()) {
				got = append(got, fmt.Sprintf("%v %s %v", tr.Response, tr.Why, tr.Faults))
			}
			if text := strings.Join(got, ", "); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
			if n := keep.Held(store); len(tt.offers) > 2 && n >= len(tt.offers)+1 {
				t.Errorf("%d traces are pinned of %d", n, len(tt.offers))
			}
		})
	}
}
