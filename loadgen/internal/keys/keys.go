// Package keys decides which row of data a request takes. It is pure arithmetic: which row the k-th request takes is a closed form of a seed
// and k, never of the requests before it or of the responses. So a run can be replayed, every mode of a round can be given the same keys, and
// workers that share a load need no coordination.
//
// # Two seeds
//
// A Source is made with the seed of the run, which decides which ids are the popular ones: they are the same in every phase, or a cache that
// one phase has warmed would be cold in the next. Row takes the seed of the phase, which decides who asks for what.
//
// # Distributions
//
//	zipf      rank r of n ids has probability r^-s / sum(i^-s); popularity of web objects is Zipf with s of 0.6 to 1. A hash of (seed, k) is
//	          looked up in a table of cumulative probabilities, because a rejection sampler, which draws a varying count of numbers, has no
//	          closed form of k, and math/rand's has no s of 1 or less. Ranks become ids by a bijection: popular ids are no neighbours
//	uniform   every id alike
//	sequence  one id after the other, and from the first again
//	list, csv rows of text, by Order
package keys

import (
	"fmt"
	"math"
	"strconv"
)

// Kind is how rows are drawn.
type Kind string

// Kinds of sources.
const (
	Zipf     Kind = "zipf"
	Uniform  Kind = "uniform"
	Sequence Kind = "sequence"
	List     Kind = "list"
	CSV      Kind = "csv"
)

// Order is in which order the rows of a list or a CSV file are taken.
type Order string

// Orders of rows.
const (
	Sequential Order = "sequential" // as they stand, and from the first again
	Shuffled   Order = "shuffled"   // all of them in a random order, then all of them in another
	Once       Order = "once"       // as they stand, each once in a phase: see Source.Rows
)

// Bounds of a Spec.
const (
	MaxTable = 1_000_000             // ids of a Zipf distribution: its table has 8 bytes for each
	MaxID    = 1_000_000_000_000_000 // exact in JSON
	MaxS     = 10
)

// Spec says how rows are drawn.
type Spec struct {
	Kind     Kind
	S        float64  // zipf: the exponent
	From, To int64    // zipf, uniform, sequence: the ids, both ends included
	File     string   // csv: where the values are from. Columns of one file are drawn together: they are of the same row
	Column   string   // csv
	Values   []string // list, csv: the rows
	Order    Order    // list, csv
	Sticky   bool     // list, csv: a user of a closed load keeps its row
}

// Size is how many rows there are.
func (s Spec) Size() int64 {
	if s.rows() {
		return int64(len(s.Values))
	}
	return s.To - s.From + 1
}

// Distinct is how many different values there are.
func (s Spec) Distinct() int64 {
	if !s.rows() {
		return s.Size()
	}
	seen := make(map[string]bool, len(s.Values))
	for _, v := range s.Values {
		seen[v] = true
	}
	return int64(len(seen))
}

// Finite reports whether the rows of a phase come to an end.
func (s Spec) Finite() bool { return s.Order == Once && !s.Sticky }

// rows reports whether the values are rows of text, and not numbers.
func (s Spec) rows() bool { return s.Kind == List || s.Kind == CSV }

// validate returns what is wrong with a Spec.
func (s Spec) validate() error {
	n := s.Size()
	switch s.Kind {
	case Zipf:
		if !(s.S > 0 && s.S <= MaxS) {
			return fmt.Errorf("zipf: the exponent must be above 0 and at most %d, got %v", MaxS, s.S)
		}
		if n > MaxTable {
			return fmt.Errorf("zipf: at most %d ids, got %d", MaxTable, n)
		}
	case Uniform, Sequence:
	case List, CSV:
		switch s.Order {
		case Sequential, Shuffled, Once:
		default:
			return fmt.Errorf("%s: unknown order %q", s.Kind, s.Order)
		}
	default:
		return fmt.Errorf("unknown kind of data %q", s.Kind)
	}
	if n < 1 || s.From < 0 || s.To > MaxID {
		return fmt.Errorf("%s: no rows, or ids that are not from 0 to %d", s.Kind, MaxID)
	}
	return nil
}

// Source draws rows. It is immutable, and may be shared by any number of goroutines.
type Source struct {
	spec Spec
	n    uint64
	salt uint64
	upto []float64   // zipf: by rank, the probability of it or a lower one; the last is 1
	ids  permutation // zipf: of ranks
	norm float64     // zipf: the sum of r^-s
}

// New returns a source of a run with that seed. Sources of different names are drawn independently; columns of one file are not.
func New(spec Spec, name string, seed uint64) (*Source, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	if spec.Kind == CSV {
		name = spec.File
	}
	s := &Source{spec: spec, n: uint64(spec.Size()), salt: hash(name)}
	if spec.Kind == Zipf {
		s.upto, s.norm = cumulate(spec.S, int(s.n))
		s.ids = newPermutation(s.n, seed^s.salt)
	}
	return s, nil
}

// Row returns the row that arrival k takes in a phase with that seed, from 0. user is the user of a closed load that makes it; it matters to
// data that sticks to users only. It allocates nothing.
func (s *Source) Row(seed uint64, k, user int64) int64 {
	if s.spec.Sticky {
		k = user
	}
	at := uint64(k)
	switch {
	case s.spec.Kind == Zipf:
		return int64(s.ids.of(uint64(s.rank(seed, k) - 1)))
	case s.spec.Kind == Uniform:
		return int64(below(draw(seed^s.salt, at), s.n))
	case s.spec.Order == Shuffled:
		return int64(newPermutation(s.n, draw(seed^s.salt, at/s.n)).of(at % s.n))
	}
	return int64(at % s.n)
}

// rank returns the rank that arrival k draws, from 1: the first whose cumulative probability is above the hash of k.
func (s *Source) rank(seed uint64, k int64) int {
	u := float64(draw(seed^s.salt, uint64(k))>>11) / (1 << 53)
	low, high := 0, len(s.upto)-1
	for low < high {
		if mid := int(uint(low+high) >> 1); s.upto[mid] > u {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low + 1
}

// Append appends the value of a row that Row returned.
func (s *Source) Append(dst []byte, row int64) []byte {
	if s.spec.Values != nil {
		return append(dst, s.spec.Values[row]...)
	}
	return strconv.AppendInt(dst, s.spec.From+row, 10)
}

// P returns the probability of the row of that rank, from 1, in one draw. It is 1/n for all but zipf.
func (s *Source) P(rank int) float64 {
	if s.spec.Kind != Zipf {
		return 1 / float64(s.n)
	}
	return math.Pow(float64(rank), -s.spec.S) / s.norm
}

// RowOf returns the row of that rank, from 1, of a Zipf distribution: the first is the most popular.
func (s *Source) RowOf(rank int) int64 {
	if s.spec.Kind != Zipf {
		return int64(rank - 1)
	}
	return int64(s.ids.of(uint64(rank - 1)))
}

// Rows returns how many arrivals of one phase there is data for; finite is false if there is no end to it. The arrival after the last has no
// row: a caller must not ask for it.
func (s *Source) Rows() (rows int64, finite bool) {
	if s.spec.Finite() {
		return int64(s.n), true
	}
	return 0, false
}

// cumulate returns the cumulative probabilities of n ranks with exponent s, and the sum of r^-s. The sum is taken from the small end, so that
// the tail is not lost in rounding.
func cumulate(s float64, n int) (upto []float64, sum float64) {
	upto = make([]float64, n)
	for r := n; r > 0; r-- {
		upto[r-1] = math.Pow(float64(r), -s)
		sum += upto[r-1]
	}
	var before float64
	for i, w := range upto {
		before += w
		upto[i] = before / sum
	}
	upto[n-1] = 1
	return upto, sum
}
