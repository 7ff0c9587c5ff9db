package run

import (
	"math/rand/v2"

	"loadlab/loadgen/internal/scenario"
)

// plan is what a run drives, in its order, and the seed of everything in it that is drawn. It is a function of its arguments alone.
type plan struct {
	seed   uint64
	blocks []block
}

// block is what runs without another mode in between: the phases of one mode, or those that modes share.
type block struct {
	round  int    // from 1
	mode   string // empty for the shared phases
	phases []indexed
}

// mixed stands for the mode of phases that modes share.
const mixed = "mix"

// name returns the block's mode as it is shown.
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

// newPlan plans a run: every mode once a round, the shared phases as one block more, in an order shuffled by the seed. A
// mode that always came first, or last, would be compared on another machine than the rest: one that is colder, or has throttled.
func newPlan(s *scenario.Scenario, rounds int, seed uint64) plan {
	var own, shared []indexed
	for i, phase := range s.Phases {
		if len(phase.Mix) > 0 {
			shared = append(shared, indexed{phase, i})
		} else {
			own = append(own, indexed{phase, i})
		}
	}
	rng := rand.New(rand.NewPCG(seed, orderStream))
	p := plan{seed: seed}
	for round := 1; round <= rounds; round++ {
		first := len(p.blocks)
		if len(own) > 0 {
			for _, m := range s.Compared() {
				p.blocks = append(p.blocks, block{round: round, mode: m.Name, phases: own})
			}
		}
		if len(shared) > 0 {
			p.blocks = append(p.blocks, block{round: round, phases: shared})
		}
		this := p.blocks[first:]
		rng.Shuffle(len(this), func(i, j int) { this[i], this[j] = this[j], this[i] })
	}
	return p
}

// Streams of random numbers that are drawn from one seed for different ends.
const (
	orderStream = iota + 1
	arrivalStream
	mixStream
	thinkStream
	callerStream
	dataStream
	stepStream
	coinStream
	digestStream
	traceStream
)

// derive returns a seed for one end of one phase of one round. It does not depend on the mode: every mode of a round gets the same
// requests at the same offsets.
func (p plan) derive(stream uint64, round, phase int) uint64 {
	return rand.New(rand.NewPCG(p.seed, stream<<48|uint64(round)<<16|uint64(phase))).Uint64()
}
