package figure

import (
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/result"
)

// rate is completed requests per second of load.
func (t *Total) rate() (float64, bool) { return perSecond(t.Ledger.Completed, t.Took) }

// bytesIn is bytes of responses' bodies a second, bytesOut of requests'.
func (t *Total) bytesIn() (float64, bool) { return perSecond(t.Ledger.Bytes, t.Took) }

func (t *Total) bytesOut() (float64, bool) { return perSecond(t.Ledger.Wrote, t.Took) }

// perSecond is a rate, and whether there is one.
func perSecond(n int64, took time.Duration) (float64, bool) {
	if took <= 0 {
		return 0, false
	}
	return float64(n) / took.Seconds(), true
}

// sql is SQL queries per request. The app's own counters include work that no response reports; without them it is what the responses
// said of themselves.
func (t *Total) sql() (float64, bool) {
	if c := t.Counters(); c != nil {
		return Ratio(c[api.CountSQL], c[api.CountRequests])
	}
	return Ratio(t.Server.SQL, t.Server.Timed)
}

// redis is Redis commands per request, from the same source as sql.
func (t *Total) redis() (float64, bool) {
	if c := t.Counters(); c != nil {
		return Ratio(c[api.CountRedis], c[api.CountRequests])
	}
	return Ratio(t.Server.Redis, t.Server.Timed)
}

// hits is the share of the responses with a cache result that were answered from the cache, stale pages included.
func (t *Total) hits() (float64, bool) {
	var all int64
	for name, n := range t.Server.Cache {
		if name != api.CacheNone.String() {
			all += n
		}
	}
	return Ratio(t.Server.Cache[api.CacheHit.String()]+t.Server.Cache[api.CacheStale.String()], all)
}

// notModified is the share of the completed requests whose copy was current.
func (t *Total) notModified() (float64, bool) {
	if t.Asked.Asked == 0 {
		return 0, false
	}
	return Ratio(t.Asked.NotModified, t.Ledger.Completed)
}

// saved is the bytes of bodies that did not come, per completed request.
func (t *Total) saved() (float64, bool) {
	if t.Asked.Asked == 0 {
		return 0, false
	}
	return Ratio(t.Asked.Saved, t.Ledger.Completed)
}

// predictedHits is what the hit ratio of a mode in a phase should be by its strategy's law, as far as one predicts it.
func (t *Total) predictedHits() (float64, bool) {
	v, ok := t.predicted[result.HitRatio]
	return v, ok
}

// predictedStalest is what a mode's law bounds stalest by.
func (t *Total) predictedStalest() (float64, bool) {
	v, ok := t.predicted[result.StaleMax]
	return v, ok
}

// recomputes is how often pages were recomputed in a round.
func (t *Total) recomputes() (float64, bool) {
	c := t.Counters()
	if c == nil {
		return 0, false
	}
	return Ratio(c[api.CountRecomputes], int64(len(t.rounds)))
}

// peakRecomputes is how many pages were recomputed in the second in which the most were.
func (t *Total) peakRecomputes() (float64, bool) { return float64(t.peak), t.peak > 0 }

// perExpiry is how often a page was recomputed each time it had to be: it had expired, or was not there. Each of several replicas counts for itself
// that it had, so that with them the times are those of the herds.
func (t *Total) perExpiry() (float64, bool) {
	c := t.Counters()
	if c == nil {
		return 0, false
	}
	if len(t.Replicas) > 0 {
		return Ratio(c[api.CountRecomputes], int64(len(t.Herds)))
	}
	return Ratio(c[api.CountRecomputes], c[api.CountExpirations]+c[api.CountCold])
}

// stalest is the longest time in milliseconds that a version was served after it had become old.
func (t *Total) stalest() (float64, bool) {
	s, ok := t.Staleness()
	return Millis(s.Max), ok
}

// stale is the share of reads that got an old version.
func (t *Total) stale() (float64, bool) {
	s, ok := t.Staleness()
	if !ok {
		return 0, false
	}
	return Ratio(s.Stale, s.Reads)
}
