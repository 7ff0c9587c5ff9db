package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"testing"
	"unicode/utf8"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
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

// FuzzABParse: whatever package ab accepts, every format of an A/B test writes: Markdown no longer than it may be, JUnit as XML.
func FuzzABParse(f *testing.F) {
	for name, test := range abtest.All() {
		if name == "noise" { // a big seed makes for few tries
			continue
		}
		data, err := json.Marshal(test)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		test, err := ab.Parse(data)
		if err != nil {
			return
		}
		r, err := report.NewABTest(test)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range report.ABFormats() {
			var b bytes.Buffer
			if err := format.Write(&b, r, report.Options{MaxBytes: report.MarkdownLeast, Path: test.ID}); err != nil {
				t.Errorf("%s: %v", format.Name, err)
			}
			switch format.Name {
			case "markdown":
				if b.Len() > report.MarkdownLeast || !utf8.Valid(b.Bytes()) {
					t.Errorf("Markdown of %d bytes, valid %t", b.Len(), utf8.Valid(b.Bytes()))
				}
			case "junit":
				if err := xml.Unmarshal(b.Bytes(), new(struct {
					Suites []struct{} `xml:"testsuite"`
				})); err != nil {
					t.Errorf("JUnit: %v\n%s", err, b.String())
				}
			}
		}
	})
}
