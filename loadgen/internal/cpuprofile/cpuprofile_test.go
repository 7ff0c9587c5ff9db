package cpuprofile_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"loadlab/loadgen/internal/cpuprofile"
)

// written is a profile of stacks, innermost function first, and their milliseconds.
func written(t testing.TB, stacks map[string]int64) []byte {
	t.Helper()
	return sampled(t, time.Nanosecond, stacks)
}

// sampled is one whose samples stand for a period each.
func sampled(t testing.TB, period time.Duration, stacks map[string]int64) []byte {
	t.Helper()
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: int64(period),
	}
	functions := map[string]*profile.Location{}
	for stack, ms := range stacks {
		s := &profile.Sample{Value: []int64{1, ms * int64(time.Millisecond)}}
		for name := range strings.FieldsSeq(stack) {
			if functions[name] == nil {
				id := uint64(len(functions) + 1)
				f := &profile.Function{ID: id, Name: name}
				functions[name] = &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
				p.Function, p.Location = append(p.Function, f), append(p.Location, functions[name])
			}
			s.Location = append(s.Location, functions[name])
		}
		p.Sample = append(p.Sample, s)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGrowth(t *testing.T) {
	before := map[string]int64{"json.Marshal lab/server.page http.serve": 100, "sql.Query lab/housing.load lab/server.page http.serve": 100}
	for name, tt := range map[string]struct {
		after map[string]int64
		did   [2]int64
		want  []string
	}{
		"the same": {before, [2]int64{10, 10}, nil},
		"less":     {map[string]int64{"json.Marshal lab/server.page http.serve": 10}, [2]int64{10, 10}, nil},
		// Twice the time, for twice the requests.
		"more requests": {map[string]int64{"json.Marshal lab/server.page http.serve": 200, "sql.Query lab/housing.load lab/server.page http.serve": 200}, [2]int64{10, 20}, nil},
		"a new function": {
			map[string]int64{"json.Marshal lab/server.page http.serve": 100, "sql.Query lab/housing.load lab/server.page http.serve": 100, "time.now lab/server.spin lab/server.page http.serve": 80},
			[2]int64{10, 10},
			[]string{"lab/server.spin", "lab/server.page", "time.now", "http.serve"},
		},
		"a library that is called more": {
			map[string]int64{"json.Marshal lab/server.page http.serve": 190, "sql.Query lab/housing.load lab/server.page http.serve": 100},
			[2]int64{10, 10},
			[]string{"lab/server.page", "json.Marshal", "http.serve"},
		},
		"recursion": {
			map[string]int64{"lab/a.walk lab/a.walk lab/a.walk http.serve": 300, "json.Marshal lab/server.page http.serve": 100, "sql.Query lab/housing.load lab/server.page http.serve": 100},
			[2]int64{10, 10},
			[]string{"lab/a.walk", "http.serve"},
		},
	} {
		got, err := cpuprofile.Growth(written(t, before), written(t, tt.after), tt.did, "lab")
		var names []string
		for _, f := range got {
			names = append(names, f.Name)
		}
		if err != nil || !slices.Equal(names, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", name, names, err, tt.want)
		}
		if name == "recursion" && len(got) > 0 && got[0].B != 30*time.Millisecond {
			t.Errorf("a recursive function took %s a request, want 30 ms", got[0].B)
		}
	}
}

// What a few hundred samples have more by chance is no growth, and does not hide a function that is new: all that is beside it seems to have grown as much,
// so that its caller alone holds half.
func TestGrowthOfFewSamples(t *testing.T) {
	const period = 10 * time.Millisecond
	before := map[string]int64{"json.Marshal lab/server.page http.serve": 1500, "sql.Query lab/housing.load lab/server.page http.serve": 2000, "lab/server.finish lab/server.page http.serve": 50}
	chance := map[string]int64{"json.Marshal lab/server.page http.serve": 1800, "sql.Query lab/housing.load lab/server.page http.serve": 2300, "lab/server.finish lab/server.page http.serve": 70}
	fresh := maps.Clone(chance)
	fresh["lab/server.verify lab/server.finish lab/server.page http.serve"] = 600
	for name, tt := range map[string]struct {
		after map[string]int64
		want  string
	}{"by chance": {chance, ""}, "a new function": {fresh, "lab/server.verify"}} {
		got, err := cpuprofile.Growth(sampled(t, period, before), sampled(t, period, tt.after), [2]int64{100, 100}, "lab")
		if err != nil || (tt.want == "") != (len(got) == 0) || (len(got) > 0 && got[0].Name != tt.want) {
			t.Errorf("%s: got %+v, %v, want %q", name, got, err, tt.want)
		}
	}
}

func TestGrowthOfWhatIsNoProfile(t *testing.T) {
	good := written(t, map[string]int64{"a": 1})
	for name, tt := range map[string]struct {
		a, b []byte
		did  [2]int64
	}{"text": {[]byte("no"), good, [2]int64{1, 1}}, "empty": {good, nil, [2]int64{1, 1}}, "no requests": {good, good, [2]int64{1, 0}}} {
		if got, err := cpuprofile.Growth(tt.a, tt.b, tt.did, ""); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

func FuzzGrowth(f *testing.F) {
	f.Add(written(f, map[string]int64{"a b": 1, "c": 2}), written(f, map[string]int64{"a b": 9}))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		got, err := cpuprofile.Growth(a, b, [2]int64{3, 4}, "a")
		if err == nil && len(got) > cpuprofile.Most {
			t.Errorf("got %d functions", len(got))
		}
	})
}
