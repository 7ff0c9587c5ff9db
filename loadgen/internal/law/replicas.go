package law

// distinct is how many of n replicas a number of requests reach, each drawn at random: the classical occupancy distribution, for a number
// that is random itself. Its mean is 1 + (n-1)(1 - e^(-lambda D/n)) for one request and a Poisson count of lambda D others.
func distinct(requests dist, n int) dist {
	reached := make([]float64, n+1) // by number of replicas, after so many requests
	reached[0] = 1
	sum := make([]float64, n+1)
	weights := requests.weights()
	for k := 0; k < requests.least+len(weights); k++ {
		if i := k - requests.least; i >= 0 {
			for j, p := range reached {
				sum[j] += p * weights[i]
			}
		}
		for j := n; j >= 1; j-- {
			reached[j] = reached[j]*float64(j)/float64(n) + reached[j-1]*float64(n-j+1)/float64(n)
		}
		reached[0] = 0
	}
	return dist{p: sum}.trim()
}

// inTurn is how many of n replicas a number of requests reach that go to one after the other.
func inTurn(requests dist, n int) dist {
	weights := requests.weights()
	sum := make([]float64, n+1)
	for i, p := range weights {
		sum[min(requests.least+i, n)] += p
	}
	return dist{p: sum}.trim()
}
