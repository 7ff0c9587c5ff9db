package stats_test

import (
	"math"
	"math/rand/v2"
)

// machine is a model of the noise of a small shared machine, in virtual time that is counted in slices of 250 ms. What it makes is the
// logarithm of a latency, above that of a quiet machine:
//
//   - a slowdown that wanders: AR(1), by rho from slice to slice, of standard deviation drift;
//   - spikes on top of it: one begins in a slice with probability spikes, is exponential in height with mean height, and ends after each slice
//     with probability 1/lasts, which is what another program on the machine does;
//   - the luck of a process, normal with deviation process, drawn as it starts and kept until it ends: addresses, pages, connections.
//
// A quantile of one slice multiplies the slowdown by its gain, and has an error of its own from the number of requests of which it is one.
type machine struct {
	rho, drift             float64
	spikes, height, lasts  float64
	process                float64
	quantiles              []quantile
	rng                    *rand.Rand
	slowdown, spike, shock float64
}

type quantile struct {
	name         string
	gain, sample float64
}

func someQuantiles() []quantile {
	return []quantile{{"p50", 1, .05}, {"p95", 1.2, .12}, {"p99", 1.4, .25}}
}

// quiet, noisy and busy are two free cores, two shared ones, and two that somebody else uses as well.
func quiet() machine {
	return machine{rho: .9, drift: .05, spikes: .005, height: .3, lasts: 2, process: .01, quantiles: someQuantiles()}
}

func noisy() machine {
	return machine{rho: .9, drift: .15, spikes: .02, height: .5, lasts: 4, process: .02, quantiles: someQuantiles()}
}

func busy() machine {
	return machine{rho: .95, drift: .3, spikes: .05, height: .7, lasts: 6, process: .03, quantiles: someQuantiles()}
}

// on is the machine with noise of its own.
func (m machine) on(seed, stream uint64) *machine {
	m.rng = rand.New(rand.NewPCG(seed, stream))
	m.slowdown = m.drift * m.rng.NormFloat64()
	return &m
}

// tick goes on to the next slice.
func (m *machine) tick() {
	m.slowdown = m.rho*m.slowdown + m.drift*math.Sqrt(1-m.rho*m.rho)*m.rng.NormFloat64()
	if m.spike > 0 && m.rng.Float64() < 1/m.lasts {
		m.spike = 0
	}
	if m.spike == 0 && m.rng.Float64() < m.spikes {
		m.spike = m.height * m.rng.ExpFloat64()
	}
	m.shock = m.rng.NormFloat64() // what the sampling errors of one slice's quantiles have in common
}

// slice returns the logarithm of a quantile in this slice.
func (m *machine) slice(q quantile) float64 {
	return q.gain*(m.slowdown+m.spike) + q.sample*(math.Sqrt(.5)*m.shock+math.Sqrt(.5)*m.rng.NormFloat64())
}

// luck is that of a process that starts.
func (m *machine) luck() float64 { return m.process * m.rng.NormFloat64() }

// epoch is one of an A/B test of two fresh processes, with 10 slices an arm in 5 quads of ABBA or BAAB and a warm-up of 4, where B takes
// 1+slower times as long. It returns the logarithm of the ratio of each quantile.
func (m *machine) epoch(slower float64) []float64 {
	return m.epochOf([2]float64{m.luck(), m.luck() + math.Log1p(slower)})
}

// epochOf is an epoch of processes that have had their luck.
func (m *machine) epochOf(luck [2]float64) []float64 {
	const quads, warmup = 5, 4
	d := make([]float64, len(m.quantiles))
	for range warmup {
		m.tick()
	}
	for range quads {
		first := m.rng.IntN(2)
		for i := range 4 {
			arm := (first + (i+1)/2) % 2
			m.tick()
			for j, q := range m.quantiles {
				x := (m.slice(q) + luck[arm]) / (2 * quads)
				if arm == 0 {
					x = -x
				}
				d[j] += x
			}
		}
	}
	return d
}

// epochs are n of them, as Judge takes them.
func (m *machine) epochs(n int, slower float64) [][]float64 {
	d := make([][]float64, len(m.quantiles))
	for range n {
		for j, x := range m.epoch(slower) {
			d[j] = append(d[j], x)
		}
	}
	return d
}

// running are n epochs of two processes that are the same in all of them.
func (m *machine) running(n int, slower float64) [][]float64 {
	luck := [2]float64{m.luck(), m.luck() + math.Log1p(slower)}
	d := make([][]float64, len(m.quantiles))
	for range n {
		for j, x := range m.epochOf(luck) {
			d[j] = append(d[j], x)
		}
	}
	return d
}

// block is the figure of a block of 2 s.
func (m *machine) block(q quantile) float64 {
	const slices = 8
	var sum float64
	for range slices {
		m.tick()
		sum += m.slice(q) / slices
	}
	return sum
}

// turns are the logarithms of a figure of two modes of one run, by round and block: in each round each mode has its turn, in an order by chance,
// with luck of its own, and another mode's follows it. The second mode takes 1+slower times as long.
func (m *machine) turns(rounds, blocks int, q quantile, slower float64) (a, b [][]float64) {
	const between = 3
	modes := [2][][]float64{make([][]float64, rounds), make([][]float64, rounds)}
	for r := range rounds {
		first := m.rng.IntN(2)
		for i := range 2 {
			mode := (first + i) % 2
			luck := m.luck() + math.Log1p(slower)*float64(mode)
			for range blocks {
				modes[mode][r] = append(modes[mode][r], m.block(q)+luck)
			}
			for range between {
				m.block(q)
			}
		}
	}
	return modes[0], modes[1]
}
