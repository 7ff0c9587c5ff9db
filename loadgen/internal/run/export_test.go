package run

import "loadlab/loadgen/internal/scenario"

// What the tests look at from outside.
var (
	GeneratorLimits = generatorLimits
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
