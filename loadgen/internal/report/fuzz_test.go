package report_test

import (
	"encoding/json"
	"io"
	"testing"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// FuzzParse: whatever Parse accepts and New can read, every format writes.
func FuzzParse(f *testing.F) {
	small := resulttest.Base() // a big seed makes for few tries
	small.Modes, small.Phases, small.Strategies = small.Modes[:1], small.Phases[1:2], small.Strategies[:1]
	for _, run := range []*result.Run{resulttest.Empty(f), resulttest.Fill(small, 1, resulttest.StampedeLoads()[1:2])} {
		data, err := json.Marshal(run)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema":1,"modes":[{"name":"a","strategy":"s"},{"name":"b"}],"phases":[{"name":"p","kind":"burst","mix":true}],
		"cells":[{"round":-1,"mode":"a","phase":"p","took_ns":9223372036854775807,"ledger":{"scheduled":9223372036854775807,"failed":{"x":-1,"y":1}},
		"server":{"cache":{"hit":-1},"counters":{"recomputes":-5,"cold":1,"requests":-1}},"stale":{"writes":1,"reads":1,"stale":-1,"max_ns":-1}}],
		"strategies":[{"name":"s","cold":{"relation":"~","recomputes":"arrivals"}}],"gates":[{"verdict":"x"},{}],"invalid":["",""]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := result.Parse(data)
		if err != nil {
			return
		}
		r, err := report.New(run)
		if err != nil {
			return // a histogram that cannot be read
		}
		for name, render := range formats {
			if err := render(io.Discard, r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_ = result.ExitCode(run)
	})
}
