package stats

import (
	"errors"
	"fmt"
	"math"
)

// leastRoundsForRanks is from how many rounds on an interval is made by ranks, which is narrower than Student's where rounds have spikes.
// Of 6 rounds it would be the whole range, and of fewer there is none.
const leastRoundsForRanks = 8

// Rounds returns the estimate of the centre of a figure, and its interval, from its value in each block of each round: x[round][block]. A
// round's value is the Hodges-Lehmann estimate of its blocks; rounds are what is independent, however much the blocks of a round have in
// common. Of 8 rounds and more the interval is Walsh's, of 2 to 7 Student's t, which is as wide as so few rounds are worth, and of one round
// there is none (see Batches). A round without blocks is left out. The error is that there is no figure, one that is NaN or infinite, or a
// level that is none.
func Rounds(x [][]float64, level float64) (Interval, error) {
	values, err := roundValues(x)
	if err != nil {
		return Interval{}, err
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, err
	}
	return ofValues(values, level), nil
}

func ofValues(values []float64, level float64) Interval {
	if len(values) >= max(leastRoundsForRanks, LeastFor(level)) {
		i, _ := Walsh(values, level) // values and level have been checked
		return i
	}
	return student(values, level)
}

// student is the mean of independent figures and Student's interval.
func student(x []float64, level float64) Interval {
	mean, sd := meanAndDeviation(x)
	i := Interval{Value: mean, Low: math.Inf(-1), High: math.Inf(1), N: len(x)}
	if len(x) > 1 {
		half := studentQuantile(0.5+level/2, len(x)-1) * sd / math.Sqrt(float64(len(x)))
		i.Low, i.High = mean-half, mean+half
	}
	return i
}

func roundValues(x [][]float64) ([]float64, error) {
	var values []float64
	for r, blocks := range x {
		if len(blocks) == 0 {
			continue
		}
		v, err := HodgesLehmann(blocks)
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", r+1, err)
		}
		values = append(values, v)
	}
	if err := check(values); err != nil {
		return nil, err
	}
	return values, nil
}

// Batches of one stretch of time, and how many blocks they are made of at least.
const (
	batches     = 5
	leastBlocks = 20
)

// Batches returns the mean of a figure of one uninterrupted stretch of time, such as the share of requests above a threshold, and its interval
// from 20 blocks or more, by the method of batch means (Schmeiser 1982): five batches of neighbouring blocks, and Student's t of their means.
// Of fewer blocks there is no interval. It holds its level while neighbouring blocks correlate by 0.3 at most, with 40 blocks 0.5, with 80
// 0.7; longer blocks correlate less. It is of that stretch alone, and no use for comparing what ran at different times: Rounds is.
func Batches(x []float64, level float64) (Interval, error) {
	if err := check(x); err != nil {
		return Interval{}, err
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, err
	}
	if len(x) < leastBlocks {
		mean, _ := meanAndDeviation(x)
		return Interval{Value: mean, Low: math.Inf(-1), High: math.Inf(1), N: 1}, nil
	}
	means := make([]float64, batches)
	for i := range means {
		means[i], _ = meanAndDeviation(x[i*len(x)/batches : (i+1)*len(x)/batches])
	}
	return student(means, level), nil
}

// ErrUnpaired is the error of two arms whose rounds or blocks do not correspond, ErrNotPositive that of a figure with no logarithm.
var (
	ErrUnpaired    = errors.New("arms of different lengths")
	ErrNotPositive = errors.New("a figure that is not positive has no ratio")
)

// Ratio is the ratio of a figure of two modes, and the interval about it.
type Ratio struct {
	Interval
	Spread float64 // the standard deviation of the logarithms of the rounds' ratios; NaN of one round
	level  float64
}

// PairedRatio returns the ratio of a to b, which are the figures of two modes of one run by round and block, from the logarithms of the ratios
// of each block: see Rounds. Pairs cancel what a round did to both, and the place of a block in its phase. What the processes of one run have
// in common in all of its rounds is in no interval. The errors are those of Rounds, ErrUnpaired and ErrNotPositive.
func PairedRatio(a, b [][]float64, level float64) (Ratio, error) {
	if len(a) != len(b) {
		return Ratio{}, fmt.Errorf("%w: %d and %d rounds", ErrUnpaired, len(a), len(b))
	}
	logs := make([][]float64, len(a))
	for r := range a {
		if len(a[r]) != len(b[r]) {
			return Ratio{}, fmt.Errorf("round %d: %w: %d and %d blocks", r+1, ErrUnpaired, len(a[r]), len(b[r]))
		}
		for i := range a[r] {
			if a[r][i] <= 0 || b[r][i] <= 0 {
				return Ratio{}, fmt.Errorf("round %d, block %d: %w", r+1, i+1, ErrNotPositive)
			}
			logs[r] = append(logs[r], math.Log(a[r][i])-math.Log(b[r][i]))
		}
	}
	return ratioOf(logs, level)
}

// Positive returns the centre of a positive figure of one mode, and its interval, from the logarithms of its values by round and block: see
// Rounds. Times and rates vary by a share of what they are, and are never below 0; nor is such an interval. It is a ratio, to one of the
// figure's unit. The errors are those of Rounds and ErrNotPositive.
func Positive(x [][]float64, level float64) (Ratio, error) {
	logs := make([][]float64, len(x))
	for r, blocks := range x {
		for i, v := range blocks {
			if v <= 0 {
				return Ratio{}, fmt.Errorf("round %d, block %d: %w", r+1, i+1, ErrNotPositive)
			}
			logs[r] = append(logs[r], math.Log(v))
		}
	}
	return ratioOf(logs, level)
}

func ratioOf(logs [][]float64, level float64) (Ratio, error) {
	values, err := roundValues(logs)
	if err != nil {
		return Ratio{}, err
	}
	if err := checkLevel(level); err != nil {
		return Ratio{}, err
	}
	if err := checkLogs(values); err != nil {
		return Ratio{}, err
	}
	_, sd := meanAndDeviation(values)
	return Ratio{Interval: ofValues(values, level).Exp(), Spread: sd, level: level}, nil
}

// Differs reports whether the ratio can be told from 1.
func (r Ratio) Differs() bool { return r.Compare(1) != 0 }

// maxRounds is beyond what anybody would run.
const maxRounds = 1000

// MoreFor returns how many more rounds would decide whether the ratio is above or below bound with a probability of 80%, if its value and the
// spread of its rounds are what they seem: 0 if it is decided. ok is false if there is no saying: after one round, for a bound that is not
// positive, or where it would take more than 1000. An estimate from three rounds is often wrong by a factor of two either way.
func (r Ratio) MoreFor(bound float64) (rounds int, ok bool) {
	if r.Bounded() && r.Compare(bound) != 0 {
		return 0, true
	}
	if r.N < 2 || !(bound > 0) {
		return 0, false
	}
	distance := math.Abs(math.Log(r.Value) - math.Log(bound))
	for n := r.N + 1; n <= maxRounds; n++ {
		quantiles := studentQuantile(0.5+r.level/2, n-1) + studentQuantile(power, n-1)
		if quantiles*r.Spread <= distance*math.Sqrt(float64(n)) && distance > 0 {
			return n - r.N, true
		}
	}
	return 0, false
}
