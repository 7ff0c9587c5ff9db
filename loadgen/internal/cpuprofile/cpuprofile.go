// Package cpuprofile compares the CPU profiles of two programs by function: where what the second uses more of is spent. It knows neither what the
// programs do nor how a profile is taken.
package cpuprofile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Function is a function, with the CPU time of the samples whose stacks it is on, for each of the things that a program did.
type Function struct {
	Name string
	A, B time.Duration
}

// Most is how many functions Growth returns at most.
const Most = 5

// Growth returns the functions that hold half or more of what B uses more than A, the innermost first: of a function and its callers, the one with the
// least time of its own and below it. Those of the module own ("example.com/app"; empty for none) come before those of libraries and the runtime. a and b
// are profiles as net/http/pprof writes them, and did how many things each program did meanwhile. It returns nil if B does not use more.
func Growth(a, b []byte, did [2]int64, own string) ([]Function, error) {
	var all [2]map[string]time.Duration
	var sums [2]time.Duration
	for i, data := range [][]byte{a, b} {
		p, err := profile.ParseData(data)
		if err != nil {
			return nil, fmt.Errorf("read the CPU profile of arm %d: %w", i+1, err)
		}
		value := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "cpu" && v.Unit == "nanoseconds" })
		if value < 0 || did[i] < 1 {
			return nil, fmt.Errorf("the profile of arm %d is of no CPU time, or of a program that did nothing", i+1)
		}
		all[i], sums[i] = byFunction(p, value, did[i])
	}
	half := (sums[1] - sums[0]) / 2
	if half <= 0 {
		return nil, nil
	}
	var grown []Function
	for name, took := range all[1] {
		if took-all[0][name] >= half {
			grown = append(grown, Function{Name: name, A: all[0][name], B: took})
		}
	}
	slices.SortFunc(grown, func(x, y Function) int {
		return cmp.Or(-compareBool(isOf(x.Name, own), isOf(y.Name, own)), cmp.Compare(x.B, y.B), strings.Compare(x.Name, y.Name))
	})
	return grown[:min(Most, len(grown))], nil
}

// byFunction sums samples up: by function, a recursive one once a stack, and all of them.
func byFunction(p *profile.Profile, value int, did int64) (all map[string]time.Duration, sum time.Duration) {
	all = map[string]time.Duration{}
	for _, s := range p.Sample {
		took := s.Value[value]
		seen := map[string]bool{}
		for _, l := range s.Location {
			for _, line := range l.Line {
				if f := line.Function; f != nil && !seen[f.Name] {
					seen[f.Name] = true
					all[f.Name] += time.Duration(took)
				}
			}
		}
		sum += time.Duration(took)
	}
	for name := range all {
		all[name] /= time.Duration(did)
	}
	return all, sum / time.Duration(did)
}

// isOf reports whether a function is of a module's packages.
func isOf(function, module string) bool {
	return module != "" && (strings.HasPrefix(function, module+"/") || strings.HasPrefix(function, module+".") || strings.HasPrefix(function, "main."))
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}
