// Package cpuprofile compares the CPU profiles of two programs by function: where what the second uses more of is spent. It knows neither what the
// programs do nor how a profile is taken.
package cpuprofile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
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

// Growth returns the functions that hold what B uses more than A, the likeliest first: those that hold half of it or more, as far as so many samples can
// tell, and whose growth is least a matter of chance. Of a function and its callers that is the innermost which holds all of it. Those of the module own
// ("example.com/app"; empty for none) come before those of libraries and the runtime. a and b are profiles as net/http/pprof writes them, and did how many
// things each program did meanwhile. It returns nil if no function grew by more than samples do by chance.
func Growth(a, b []byte, did [2]int64, own string) ([]Function, error) {
	var of [2]usage
	for i, data := range [][]byte{a, b} {
		p, value, err := read(data)
		if err == nil && did[i] < 1 {
			err = errors.New("the program did nothing")
		}
		if err != nil {
			return nil, fmt.Errorf("arm %d: %w", i+1, err)
		}
		of[i] = newUsage(p, value, did[i])
	}
	const (
		byChance = 3 // standard errors that a function of the same time grows by once in 700 profiles
		doubt    = 2 // standard errors of all samples by which the rest may seem to have grown more than a function
	)
	type ranked struct {
		Function
		score float64 // its growth, in standard errors
	}
	all, noise := of[1].sum-of[0].sum, math.Hypot(of[0].noise(of[0].sum), of[1].noise(of[1].sum))
	var grown []ranked
	for name, b := range of[1].functions {
		a := of[0].functions[name]
		grew := b - a
		score := grew / math.Hypot(of[0].noise(a), of[1].noise(b))
		if rest := all - grew; score >= byChance && grew >= rest-doubt*noise {
			grown = append(grown, ranked{Function{Name: name, A: time.Duration(a), B: time.Duration(b)}, score})
		}
	}
	slices.SortFunc(grown, func(x, y ranked) int {
		return cmp.Or(-compareBool(isOf(x.Name, own), isOf(y.Name, own)), -cmp.Compare(x.score, y.score), strings.Compare(x.Name, y.Name))
	})
	var functions []Function
	for _, f := range grown[:min(Most, len(grown))] {
		functions = append(functions, f.Function)
	}
	return functions, nil
}

// read returns a profile, and which of its values is CPU time.
func read(data []byte) (*profile.Profile, int, error) {
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, 0, fmt.Errorf("read the CPU profile: %w", err)
	}
	value := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == "cpu" && v.Unit == "nanoseconds" })
	if value < 0 {
		return nil, 0, errors.New("the profile is not of CPU time")
	}
	return p, value, nil
}

// usage is the CPU time of a program in nanoseconds for each of the things that it did.
type usage struct {
	functions map[string]float64 // of the samples whose stacks a function is on, a recursive one once a stack
	sum       float64
	sample    float64 // what one sample stands for
}

func newUsage(p *profile.Profile, value int, did int64) usage {
	u := usage{functions: map[string]float64{}, sample: float64(max(1, p.Period)) / float64(did)}
	for _, s := range p.Sample {
		took := float64(s.Value[value]) / float64(did)
		seen := map[string]bool{}
		for _, l := range s.Location {
			for _, line := range l.Line {
				if f := line.Function; f != nil && !seen[f.Name] {
					seen[f.Name] = true
					u.functions[f.Name] += took
				}
			}
		}
		u.sum += took
	}
	return u
}

// noise is the standard error of a time that was sampled: that of a Poisson count.
func (u usage) noise(time float64) float64 { return math.Sqrt(max(0, time) * u.sample) }

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
