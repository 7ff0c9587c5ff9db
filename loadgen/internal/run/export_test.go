package run

import (
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/scenario"
)

// What the tests look at from outside.
var (
	GeneratorLimits = generatorLimits
	Shortages       = shortages
	Refusals        = refusals
	Divided         = divided
	ModelName       = modelName
	PrettyName      = prettyName
)

// Block is a block of a plan, with its phases by name.
type Block struct {
	Round  int
	Mode   string
	Phases []string
}

// Derive is the derive of a plan with that seed.
func Derive(seed, stream uint64, round, phase int) uint64 {
	return plan{seed: seed}.derive(stream, round, phase)
}

// Plan returns the blocks of a new plan.
func Plan(s *scenario.Scenario, rounds int, seed uint64) []Block {
	var blocks []Block
	for _, b := range newPlan(s, rounds, seed).blocks {
		block := Block{Round: b.round, Mode: b.mode}
		for _, p := range b.phases {
			if s.Phases[p.index].Name != p.Name {
				panic("phase " + p.Name + " has another's place")
			}
			block.Phases = append(block.Phases, p.Name)
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// Streams of a plan's seed.
const DataStream = dataStream

// What the tests of data look at.
var (
	AppMode    = appMode
	StrategyOf = strategyOf
)

// Turn is what an A/B test compares at a stretch.
type Turn struct {
	Name    string
	Warmups []string
	Windows []scenario.Phase
	Slices  int // of an arm
}

// Turns returns the turns of an A/B test, and what it does not compare.
func Turns(cfg ABConfig) ([]Turn, []ab.Ungated, error) {
	turns, not, err := turnsOf(cfg)
	var all []Turn
	for _, t := range turns {
		one := Turn{Name: t.name(), Windows: t.windows, Slices: t.slicesFor(cfg.Epoch)}
		for _, w := range t.warmups {
			one.Warmups = append(one.Warmups, w.Name)
		}
		all = append(all, one)
	}
	return all, not, err
}

// Quads returns the orders of the arms in the first n quads of a test with that seed.
func Quads(seed uint64, n int) [][4]int {
	t := newAB(ABConfig{Config: Config{Scenario: &scenario.Scenario{}, Seed: seed}})
	var all [][4]int
	for range n {
		all = append(all, t.quad())
	}
	return all
}

// What the tests of A/B tests look at.
var (
	LimitsOf   = limitsOf
	NewRepeats = newRepeats
)

// Stolen is the share of the time that was taken from a machine between two readings of /proc/stat.
func Stolen(before, after string) float64 { return ticksOf(after).stolenSince(ticksOf(before)) }

// Busy is how many ticks the machine's processors have worked, by a reading of /proc/stat.
func Busy(stat string) int64 { return ticksOf(stat).busy }
