package run

import (
	"math/rand/v2"

	"loadlab/loadgen/internal/scenario"
)

// block is what runs without another mode in between: the phases of one mode, or those that modes share.
type block struct {
	round  int    // from 1
	mode   string // empty for the shared phases
	phases []indexed
}

// mixed stands for the mode of phases that modes share.
const mixed = "mix"

// name is the block's mode, for people and labels.
func (b block) name() string {
	if b.mode == "" {
		return mixed
	}
	return b.mode
}

// indexed is a phase and its place in the scenario.
type indexed struct {
	scenario.Phase
	index int
}

// plan returns the blocks of a run: every mode once a round, the shared phases as one block more, in an order shuffled by the seed. A
// mode that always came first, or last, would be compared on another machine than the rest: one that is colder, or has throttled.
func plan(s *scenario.Scenario, rounds int, seed uint64) []block {
	var own, shared []indexed
	for i, p := range s.Phases {
		if len(p.Mix) > 0 {
			shared = append(shared, indexed{p, i})
		} else {
			own = append(own, indexed{p, i})
		}
	}
	rng := rand.New(rand.NewPCG(seed, orderStream))
	var blocks []block
	for round := 1; round <= rounds; round++ {
		first := len(blocks)
		if len(own) > 0 {
			for _, m := range s.Modes {
				blocks = append(blocks, block{round: round, mode: m.Name, phases: own})
			}
		}
		if len(shared) > 0 {
			blocks = append(blocks, block{round: round, phases: shared})
		}
		this := blocks[first:]
		rng.Shuffle(len(this), func(i, j int) { this[i], this[j] = this[j], this[i] })
	}
	return blocks
}

// Streams of random numbers that are drawn from one seed for different ends.
const (
	orderStream = iota + 1
	arrivalStream
	mixStream
	thinkStream
	callerStream
)

// derive makes a seed for one end of one phase of one round. It does not depend on the mode: every mode of a round gets the same
// requests at the same offsets.
func derive(seed uint64, stream uint64, round, phase int) uint64 {
	return rand.New(rand.NewPCG(seed, stream<<48|uint64(round)<<16|uint64(phase))).Uint64()
}
