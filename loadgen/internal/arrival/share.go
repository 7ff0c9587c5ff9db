package arrival

import "time"

// Share is the part of a schedule that one of several workers sends: the arrivals Index, Index+Of, Index+2·Of and so on. The shares of 0 to Of-1
// are together the whole schedule, and no arrival is in two of them. The zero value is the whole.
type Share struct{ Index, Of int }

// Step is by how much the numbers of two arrivals of the share differ that follow one another.
func (s Share) Step() int64 { return max(int64(s.Of), 1) }

// Arrival is the number in the whole schedule of the j-th arrival of the share, from 0.
func (s Share) Arrival(j int64) int64 { return int64(s.Index) + j*s.Step() }

// Has reports whether arrival k is of the share.
func (s Share) Has(k int64) bool { return k%s.Step() == int64(s.Index) }

// Count is how many of the first n arrivals are of the share.
func (s Share) Count(n int64) int64 {
	return max(0, (n-int64(s.Index)+s.Step()-1)/s.Step())
}

// Stream returns the arrivals of a stream that are of the share, with the due times that they have in the whole.
func (s Share) Stream(of Stream) Stream {
	if s.Step() == 1 {
		return of
	}
	of.skip(int64(s.Index))
	return &shared{Stream: of, between: s.Step() - 1}
}

// shared is every n-th arrival of a stream.
type shared struct {
	Stream
	between int64
}

func (s *shared) Next() (time.Duration, bool) {
	due, ok := s.Stream.Next()
	s.skip(s.between)
	return due, ok
}
