package pagecache

import (
	"context"

	"loadlab/app/api"
)

// Strategy is one line of the table.
type Strategy struct {
	Name    string
	Summary string
	Cold    api.Law // recomputes when nothing is cached
	Expiry  api.Law // recomputes for each page that expired
	Hits    string  // the share of requests that are hits: see api.Strategy
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
		// Only a page that nobody asks for in its grace is missed.
		whenServedStale = "1 - exp(-lambda * grace) / (1 + lambda * T)"
		// The one that recomputes it misses it too; the others only if it is past its grace.
		whenOneMisses = "lambda * (T + D * (1 - exp(-lambda * grace))) / (1 + lambda * D + lambda * T)"
	)
	return []Strategy{
		{"ttl", "a miss computes the page and stores it for a time", herd, herd, whenAllStore, newTTL},
		{"singleflight", "the misses of one process share one recompute", oneEach, oneEach, whenOneDoes, newSingleflight},
		{"lock", "whoever gets the page's lock in Redis recomputes; the others wait for the page", one, one, whenOneDoes, newLock},
		{"lease", "a lock that an invalidation revokes: what is outdated is never stored; a page past its time is served meanwhile", one, one, whenOneMisses, newLease},
		{"early", "a hit may refresh the page before it expires, the likelier the nearer (XFetch)", herd, early, "", newEarly},
		{"early_lock", "as early, but only who gets the page's lock refreshes it; the others take the page that is still fresh", one, one, "", newEarlyLock},
		{"swr", "a page past its time is served at once and refreshed in the background", one, one, whenServedStale, newSWR},
		// Its hit ratio is by the strategy that it is over, and by whether a recompute takes longer than the soft timeout.
		{"failsafe", "a page past its time is served if the database fails or takes long, and retries are throttled; else as lock, lease or swr", one, one, "", newFailsafe},
		// What does not exist counts as cold each time, and lives for a time of its own, so that there is no law of hits for both.
		{"negative", "as singleflight, and that a page does not exist is remembered for a short time, in a table of fixed size", oneEach, oneEach, "", newNegative},
		// All are hits while it is read, so that the hits of a phase are by whether it was when that began.
		{"warm", "a page that is read is refreshed in the background before it expires, by whoever gets its lock; one that nobody reads expires", one, ahead, "", newWarm},
	}
}
