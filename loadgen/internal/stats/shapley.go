package stats

import (
	"errors"
	"fmt"
	"math"
)

// Cost is what one part of a request took, on average over the requests of one arm in one epoch: Calls times Each. A part that is a time
// alone, such as a wait, has it in Each.
type Cost struct{ Calls, Each float64 }

// Part is a part of a request's time in both arms, by epoch.
type Part struct {
	Name    string
	Counted bool // its calls are counted: "more" calls and "slower" calls are told apart
	A, B    []Cost
}

// Kind is in which way a part's time changed.
type Kind string

// Kinds of change.
const (
	More   Kind = "more"   // its calls are more, or fewer
	Slower Kind = "slower" // each of its calls takes longer, or shorter
	Time   Kind = "time"   // its time changed, and its calls are not counted
	Rest   Kind = "rest"   // what no part has
)

// Share is what one cause adds to the change of a request's time from A to B.
type Share struct {
	Part     string // empty for the rest
	Kind     Kind
	Change   Interval // at Level, in the unit of the costs' Each
	Explains float64  // as a share of the total's change; 0 if that is 0
}

// Attribution is a change in the time of a request, split into its causes.
type Attribution struct {
	Total  Interval // the change of the whole, at Level
	Shares []Share  // in the order of the parts, and the rest at the end
}

// ErrPart is the error of parts that a change cannot be split into; it is wrapped with what is wrong.
var ErrPart = errors.New("parts of a request")

// Attribute splits the change of a request's time, whose totals by epoch are a and b, into its parts by the Shapley value: the mean of what
// a cause changes, over all orders in which the causes may set in. For a sum it is each addend's own change, and for a product of two factors
// the change of one, times the mean of the other: the midpoint rule. In each epoch the shares sum to the total's change exactly; their
// Hodges-Lehmann estimates do so about. The rest is the total less all parts.
//
// The error is one of ErrPart: parts that have no name or one that is used twice, epochs that are not those of the totals, or figures that
// are negative, NaN or infinite.
func Attribute(a, b []float64, parts []Part) (Attribution, error) {
	if err := checkParts(a, b, parts); err != nil {
		return Attribution{}, err
	}
	total := make([]float64, len(a))
	rest := make([]float64, len(a))
	for e := range a {
		total[e] = b[e] - a[e]
		rest[e] = total[e]
	}
	var att Attribution
	att.Total, _ = Walsh(total, Level) // all figures have been checked
	add := func(part string, kind Kind, changes []float64) {
		s := Share{Part: part, Kind: kind}
		s.Change, _ = Walsh(changes, Level)
		if att.Total.Value != 0 {
			s.Explains = s.Change.Value / att.Total.Value
		}
		att.Shares = append(att.Shares, s)
	}
	for _, p := range parts {
		more, slower := make([]float64, len(a)), make([]float64, len(a))
		for e := range a {
			if more[e], slower[e] = 0, p.B[e].Each-p.A[e].Each; p.Counted {
				more[e], slower[e] = midpoint(p.A[e], p.B[e])
			}
			rest[e] -= more[e] + slower[e]
		}
		if p.Counted {
			add(p.Name, More, more)
			add(p.Name, Slower, slower)
		} else {
			add(p.Name, Time, slower)
		}
	}
	add("", Rest, rest)
	return att, nil
}

// midpoint splits the change of a product. Calls that an arm has none of take as long as the other's: all of the change is that they are more.
func midpoint(a, b Cost) (more, slower float64) {
	if a.Calls == 0 {
		a.Each = b.Each
	}
	if b.Calls == 0 {
		b.Each = a.Each
	}
	return (b.Calls - a.Calls) * (a.Each + b.Each) / 2, (b.Each - a.Each) * (a.Calls + b.Calls) / 2
}

// Culprit returns the share that explains most of the change. ok is false, and the change unattributed, unless the share's own interval excludes
// 0 and it explains half of the total or more. The rest is no culprit. Of fewer than 6 epochs there is none. It is a question for after a
// change was found: of two arms that are the same, some 5% have a culprit by chance.
func (a Attribution) Culprit() (culprit Share, ok bool) {
	const enough = 0.5
	for _, s := range a.Shares {
		if s.Kind != Rest && s.Change.Compare(0) != 0 && s.Explains >= enough && s.Explains > culprit.Explains {
			culprit, ok = s, true
		}
	}
	return culprit, ok
}

// largestCost bounds a total, a number of calls and the time of each, so that no product of them overflows.
const largestCost = 1e100

func checkParts(a, b []float64, parts []Part) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrPart, fmt.Sprintf(format, args...))
	}
	if len(a) == 0 || len(a) > MaxBlocks || len(a) != len(b) {
		return bad("totals of %d and %d epochs; they are as many, 1 to %d", len(a), len(b), MaxBlocks)
	}
	wrong := func(v float64) bool { return !(v >= 0 && v <= largestCost) } // NaN too
	for e := range a {
		if wrong(a[e]) || wrong(b[e]) {
			return bad("totals of %v and %v in epoch %d", a[e], b[e], e+1)
		}
	}
	names := map[string]bool{}
	for _, p := range parts {
		if p.Name == "" || names[p.Name] {
			return bad("%q is no name, or used twice", p.Name)
		}
		names[p.Name] = true
		if len(p.A) != len(a) || len(p.B) != len(a) {
			return bad("%s has %d and %d epochs, the totals %d", p.Name, len(p.A), len(p.B), len(a))
		}
		for e := range a {
			for _, v := range []float64{p.A[e].Calls, p.A[e].Each, p.B[e].Calls, p.B[e].Each} {
				if wrong(v) {
					return bad("%s: %v in epoch %d", p.Name, v, e+1)
				}
			}
		}
	}
	return nil
}

// String returns the share's name: "more sql", "slower sql", "pool wait", "rest".
func (s Share) String() string {
	less := math.Signbit(s.Change.Value)
	switch {
	case s.Kind == Time:
		return s.Part
	case s.Kind == More && less:
		return "fewer " + s.Part
	case s.Kind == Slower && less:
		return "faster " + s.Part
	case s.Kind == Rest:
		return string(Rest)
	}
	return string(s.Kind) + " " + s.Part
}
