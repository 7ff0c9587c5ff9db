package pagecache

import (
	"context"
	"slices"

	"loadlab/app/api"
)

// Strategy is one line of the table.
type Strategy struct {
	Name    string
	Summary string
	Cold    api.Law // recomputes when nothing is cached
	Expiry  api.Law // recomputes for each page that expired
	Hits    string  // the share of requests that are hits: see api.Strategy
	Stale   string  // how stale a read can be: see api.Strategy
	New     func() policy
}

// policy is what a strategy does with one request for a page.
type policy interface {
	get(ctx context.Context, r *request) (Page, Outcome, error)
}

// Strategies returns the table of strategies, in the order in which they are best explained.
func Strategies() []Strategy {
	herd := api.Law{Relation: "==", Recomputes: "herd(others)", Text: "1 + lambda x D: the first, and everybody who comes while it recomputes"}
	one := api.Law{Relation: "==", Recomputes: "1", Text: "1, whoever asks"}
	oneEach := api.Law{Relation: "==", Recomputes: "flights(others, replicas, balancing)", Text: "one a replica that is asked meanwhile: at most N"}
	early := api.Law{Relation: "==", Recomputes: "xfetch(others, beta)", Text: "1 + lambda x D if few come, towards e^(1/beta) if many do, before anybody waits"}
	ahead := api.Law{Relation: "==", Recomputes: "1", Text: "1, a fifth of the TTL ahead if the page is read, or else when it is asked for again"}
	const (
		// Late members of the herd store the page again, and its TTL starts anew.
		whenAllStore = "lambda * (T + spread) / (1 + lambda * D + lambda * (T + spread))"
		whenOneDoes  = "lambda * T / (1 + lambda * D + lambda * T)"
		whenDropped  = "w > 0 ? dropped(lambda, D, w) : " + whenOneDoes
		// Only a page that nobody asks for in its grace is missed.
		whenServedStale = "1 - exp(-lambda * grace) / (1 + lambda * T)"
		// The one that recomputes it misses it too; the others only if it is past its grace.
		whenOneMisses = "lambda * (T + D * (1 - exp(-lambda * grace))) / (1 + lambda * D + lambda * T)"

		untilItsTTL = "T + D"
		// The first to come past the TTL gets the old page too, or whoever comes while it is recomputed.
		pastItsTTL = "T + grace + D"
		// From a commit until the cache has been informed of it: some milliseconds, and 50 ms are what it is held to.
		untilPublished = "0.05"
	)
	return []Strategy{
		{"ttl", "a miss computes the page and stores it for a time", herd, herd, whenAllStore, untilItsTTL, newTTL},
		{"singleflight", "the misses of one process share one recompute", oneEach, oneEach, whenOneDoes, untilItsTTL, newSingleflight},
		{"lock", "whoever gets the page's lock in Redis recomputes; the others wait for the page", one, one, whenOneDoes, untilItsTTL, newLock},
		{"lease", "a lock that an invalidation revokes: what is outdated is never stored; a page past its time is served meanwhile", one, one, whenOneMisses, pastItsTTL, newLease},
		{"early", "a hit may refresh the page before it expires, the likelier the nearer (XFetch)", herd, early, "", untilItsTTL, newEarly},
		{"early_lock", "as early, but only who gets the page's lock refreshes it; the others take the page that is still fresh", one, one, "", untilItsTTL, newEarlyLock},
		{"swr", "a page past its time is served at once and refreshed in the background", one, one, whenServedStale, pastItsTTL, newSWR},
		{"invalidate", "a change of a row drops the pages that hold it, as soon as it is committed; the TTL is a backstop", one, one, whenDropped, untilPublished, newInvalidate},
		{"objects", "the list and each object are cached apart: a change drops one object, and a miss loads what is missing", oneEach, oneEach, "", untilPublished, newObjects},
		{HTTP, "as swr, with a validator: who has the page already is told that it is current, and it is not moved", one, one, whenServedStale, pastItsTTL, newHTTP},
		// Of the strategy that l1 is over by default: what L1 keeps is fresh no longer than the page in Redis.
		{"l1", "pages are kept in the process, in front of Redis, which reports what has changed; lease or another strategy serves the rest", one, one, whenOneMisses, pastItsTTL, newL1},
		// Its hit ratio is by the strategy that it is over, and by whether a recompute takes longer than the soft timeout.
		{"failsafe", "a page past its time is served if the database fails or takes long, and retries are throttled; else as lock, lease or swr", one, one, "", pastItsTTL, newFailsafe},
		// What does not exist counts as cold each time, and lives for a time of its own, so that there is no law of hits for both.
		{"negative", "as singleflight, and that a page does not exist is remembered for a short time, in a table of fixed size", oneEach, oneEach, "", untilItsTTL, newNegative},
		// All are hits while it is read, so that the hits of a phase are by whether it was when that began.
		{"warm", "a page that is read is refreshed in the background before it expires, by whoever gets its lock; one that nobody reads expires", one, ahead, "", untilItsTTL, newWarm},
	}
}

// Strategies returns the table as it is with the configuration in force: l1 has the laws of the strategy that it is over.
func (c *Cache) Strategies() []Strategy {
	all := Strategies()
	named := func(name string) *Strategy {
		return &all[slices.IndexFunc(all, func(s Strategy) bool { return s.Name == name })]
	}
	l1, over := named("l1"), named(c.Config().L1Over)
	l1.Cold, l1.Expiry, l1.Hits, l1.Stale = over.Cold, over.Expiry, over.Hits, over.Stale
	return all
}
