package stats

// SignFlip is the step-down test, with its bound on spikes.
func SignFlip(x [][]float64, seed uint64) (raw, adjusted []float64) { return signFlip(x, seed) }

// FlipTest is the step-down test without a bound.
func FlipTest(x [][]float64, seed uint64) (raw, adjusted []float64) { return flipTest(x, seed) }

// Clipped is a row as SignFlip takes it.
func Clipped(row []float64) []float64 { return clipped(row) }

// Critical is the signed-rank statistic's lower critical value.
func Critical(n int, alpha float64) int { return critical(n, alpha) }

// SignedRank is its exact distribution.
func SignedRank(n int) []float64 { return signedRank(n) }

// StudentQuantile is Student's t.
func StudentQuantile(p float64, df int) float64 { return studentQuantile(p, df) }

// NormalQuantile is the normal distribution's.
func NormalQuantile(p float64) float64 { return normalQuantile(p) }
