package cpuprofile_test

import (
	"math"
	"testing"

	"loadlab/loadgen/internal/cpuprofile"
)

func TestCollected(t *testing.T) {
	got, err := cpuprofile.Collected(written(t, map[string]int64{
		"json.Marshal lab/server.page http.serve":                                                    500,
		"runtime.scanObject runtime.gcDrain runtime.systemstack runtime.gcBgMarkWorker":              100,
		"runtime.scanObject runtime.gcDrainN runtime.gcAssistAlloc runtime.mallocgc lab/a.b":         50,
		"runtime.(*spanSet).pop runtime.sweepone runtime.bgsweep":                                    40,
		"runtime.(*spanSet).push runtime.(*sweepLocked).sweep runtime.(*mcentral).cacheSpan lab/a.b": 30,
		"runtime.madvise runtime.(*pageAlloc).scavengeOne runtime.bgscavenge":                        20,
		"runtime.wbBufFlush1 runtime.wbBufFlush.func1 runtime.systemstack lab/a.b":                   10,
		// None of these is.
		"runtime.memclrNoHeapPointers runtime.mallocgc lab/a.b": 150,
		"runtime.futex runtime.findRunnable runtime.schedule":   60,
		"lab/a.gcStart lab/a.sweep http.serve":                  40,
	}))
	if err != nil || math.Abs(got-0.25) > 1e-9 {
		t.Errorf("got %v, %v, want 0.25", got, err)
	}
	for name, data := range map[string][]byte{"no profile": []byte("x"), "no samples": written(t, nil)} {
		if got, err := cpuprofile.Collected(data); err == nil {
			t.Errorf("%s: got %v and no error", name, got)
		}
	}
}
