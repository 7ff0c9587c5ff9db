package law

// E1 is the exponential integral.
func E1(x float64) float64 { return e1(x) }
