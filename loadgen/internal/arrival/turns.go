package arrival

import (
	"math"
	"time"
)

// Turns chooses arrivals of a closed load, so many a second on average, as a pure function of the seed, the user, and how many arrivals that user has had: the choices of workers that share the users are
// together what one would have chosen. How many arrivals a second has depends on the responses, so that their number is met in part only. Two bounds of it are known: users think, and have no more arrivals than that leaves time for; and
// of arrivals that are chosen with a probability of 1/n, the n-th, there are as many in each time that is twice as long as the one before, whatever the pace. An arrival is chosen by the greater of
// the two: with long think times evenly, and without them the early ones rather than the late. The zero value chooses none.
type Turns struct {
	seed   uint64
	even   float64 // the probability at any turn
	waning float64 // that of the first turn, of which the n-th has an n-th
}

// shortest is what an arrival takes a user at least, as far as is assumed.
const shortest = time.Millisecond

// TurnsOf chooses perSecond arrivals of each second of a load of users that lasts for a time, 0 if that is not known, and thinks for another on average.
func TurnsOf(users int, seed uint64, perSecond float64, lasts, think time.Duration) Turns {
	each := perSecond / float64(max(1, users)) // of a user
	whole := lasts.Seconds()
	if steps := 1 + math.Log(max(1, lasts.Seconds()/shortest.Seconds())); whole > steps {
		whole /= steps
	} else {
		whole = 1 // as of a burst: what users begin with counts as a second of load
	}
	return Turns{seed: seed, even: each * think.Seconds(), waning: each * whole}
}

// Has reports whether a user's arrival is chosen which comes after n others of that user.
func (t Turns) Has(user, n int64) bool {
	const unit = 1 << 53
	drawn := float64(splitmix(splitmix(t.seed, uint64(user)), uint64(n))>>11) / unit
	return drawn < max(t.even, t.waning/float64(n+1))
}
