package gate

import "loadlab/loadgen/internal/figure"

// constants are the units that a gate can use, in milliseconds.
func constants() map[string]float64 { return map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3} }

// unitOf returns the unit of a figure, and whether there is such a figure.
func unitOf(name string) (string, bool) {
	f, ok := figure.Named(name)
	return f.Unit, ok
}
