// Package stats puts an interval about a figure, judges an A/B test of two builds, and finds the cause of a change. It is pure: a function of
// its figures, a plan and a seed.
//
// What is independent is never a request, nor a block of time, but a round or an epoch. Requests of one run wait for each other, and a slow
// minute of the machine is in all of them.
//
// # Intervals of one run
//
// Rounds and PairedRatio take figures by round and block. A round's value is the Hodges-Lehmann estimate of its blocks; of 2 to 7 rounds the
// interval is Student's, of 8 and more that of Walsh averages, which is the one that Wilcoxon's signed-rank test inverts to. By simulation
// (noise that wanders and has spikes, blocks that correlate by 0.2 to 0.6, 2,000 runs of each kind) a nominal 95% of them have the truth in
// them:
//
//	rounds x 5 blocks              2            3            5            7            8           12           20
//	coverage, %            94.5-95.4    94.2-95.6    95.1-96.0    95.1-96.6    96.4-97.1    95.5-96.3    95.0-96.0
//
// The same figures by a moving block bootstrap of all blocks cover in 78, 86 and 88% of 3, 6 and 12 rounds, and by ranks of blocks in 83, 84
// and 84%. A bootstrap needs many blocks that go on from each other, and what a round does to a mode is in all of its blocks; so there is
// none here. A stretch of time alone, for an absolute gate, has Batches.
//
// Positive is for a mode's own times and rates, by their logarithms. Of a percentile of a whole round as its only block, on the noisy machine, the
// interval has the one of a middling round in it. It has not the one of all requests together: the worst rounds make that, and few rounds have
// seen them. A figure of all requests is not to be shown with this interval as if it were about it.
//
//	rounds                               2     3     5     8    12
//	p95 of a middling round, %        94.9  96.0  96.3  96.1  94.2
//	p95 of all requests, %            92.9  91.2  88.3  87.8  82.2
//	p99 of a middling round, %        95.5  96.0  96.7  96.3  94.4
//	p99 of all requests, %            87.3  75.1  59.1  59.7  45.7
//
// Of the logarithms of the percentiles of 40 blocks of 2 s of one round, Batches covers in 93.5 to 94.7% on the quiet, the noisy and the busy machine;
// of 20 blocks in 89.5 to 94.4.
//
// Ratio.MoreFor estimates how many more rounds would decide a comparison. Ratios of 1.3 that three rounds could not tell from 1 were decided by
// as many as they asked for in 90% of the simulations; the median was 7 in all.
//
// # A/B tests
//
// Judge goes through the looks of a Plan. Each spends a part of the probability of a false FAIL (Lan and DeMets 1983, with fixed looks); a FAIL
// is by the step-down maxT test of all endpoints with random signs (Westfall and Young 1993), a PASS by showing each endpoint to be within its
// margin (Berger 1982). With the default plan and three endpoints (p50, p95, p99, margins of 10, 10 and 25%), in 2,000 simulated tests of each
// kind on a quiet, a noisy and a busy machine, of which an epoch's log ratio of p50 has a standard deviation of 0.03, 0.06 and 0.11:
//
//	B is slower by               0     2%     5%    10%    20%
//	quiet   FAIL, %            0.0    0.5   43.2   99.9    100
//	        PASS, %            100   99.5   56.8    0.1      0
//	        epochs, median       8      8     12      8      8
//	noisy   FAIL, %            0.2    0.4   27.8   99.4    100
//	        PASS, %           99.8   99.3   69.2    0.6      0
//	        epochs, median       8     12     24     12      8
//	busy    FAIL, %            0.1    1.0   14.2   87.4    100
//	        PASS, %           97.7   90.3   49.3    1.1      0
//	        epochs, median      12     16     24     24      8
//
// The medians are of the tests that came to the right verdict: PASS up to the tolerance of 2%, FAIL beyond. An effect between tolerance and
// margin may come to either. An effect of the size of Finding.Detectable is found in 73 to 80% of the simulations.
//
// Decision.E has e-values, for who looks at other times than the plan (Ramdas, Grünwald, Vovk and Shafer 2023). They are evidence beside the
// verdict, and never the verdict.
//
// # What it does not know
//
// Where figures come from, and whether they are worth anything: that epochs have fresh processes, that slices of the arms alternate by a coin,
// that quantiles are of enough requests, that an epoch was dropped for its covariates and not for its result. The signs of log ratios are
// symmetric by the coin that labels the arms; once a tolerance is subtracted that is an assumption, of noise that is symmetric about the
// effect. The luck of a process that lives through all rounds or epochs is in all of them, so that it counts as an effect of its arm, and is
// in no interval. An interval of an effect is not corrected for the look at which its test stopped; in the simulations 93 to 97% cover.
package stats
