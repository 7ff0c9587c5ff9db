package stats

import (
	"errors"
	"fmt"
	"math"
)

// Level is the level of the intervals that loadlab prints.
const Level = 0.95

// MaxBlocks is how many blocks an interval is made of at most: the number of Walsh averages grows with its square.
const MaxBlocks = 2048

// Errors of figures that nothing can be said about. They are wrapped with the place of the figure.
var (
	ErrNoFigures = errors.New("no figures")
	ErrNotFinite = errors.New("a figure that is NaN or infinite")
	ErrTooLarge  = errors.New("a figure too large to be the logarithm of a ratio")
	ErrLevel     = errors.New("a level is between 0 and 1")
	ErrTooMany   = fmt.Errorf("more than %d blocks: merge neighbours", MaxBlocks)
)

// largestLog is the largest logarithm of a ratio that is taken: exp of more is not a float64.
const largestLog = 700

// Interval is an estimate and the interval about it, in the unit of what it was made of. Low is -Inf and High +Inf where there are too few
// blocks for an interval at the level; JSON cannot hold them.
type Interval struct {
	Value, Low, High float64
	N                int // blocks, epochs or rounds: what the interval took as independent
}

// Bounded reports whether there is an interval at all.
func (i Interval) Bounded() bool { return !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0) }

// Compare returns -1 if all of the interval is below x, 1 if all of it is above, and 0 if it cannot be told.
func (i Interval) Compare(x float64) int {
	switch {
	case i.High < x:
		return -1
	case i.Low > x:
		return 1
	}
	return 0
}

// Exp is the interval of what i is the logarithm of. exp(-Inf) is 0 and exp(+Inf) is +Inf: Bounded reports false for it still.
func (i Interval) Exp() Interval {
	return Interval{Value: math.Exp(i.Value), Low: math.Exp(i.Low), High: math.Exp(i.High), N: i.N}
}

func check(x []float64) error {
	switch {
	case len(x) == 0:
		return ErrNoFigures
	case len(x) > MaxBlocks:
		return ErrTooMany
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("figure %d: %w", i+1, ErrNotFinite)
		}
	}
	return nil
}

func checkLevel(level float64) error {
	if !(level > 0 && level < 1) { // NaN too
		return fmt.Errorf("%w: %v", ErrLevel, level)
	}
	return nil
}

func checkLogs(x []float64) error {
	if err := check(x); err != nil {
		return err
	}
	for i, v := range x {
		if math.Abs(v) > largestLog {
			return fmt.Errorf("figure %d: %w", i+1, ErrTooLarge)
		}
	}
	return nil
}
