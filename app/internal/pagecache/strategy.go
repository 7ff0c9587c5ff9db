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
	New     func() policy
}

// policy is what a strategy does with one request for a page.
type policy interface {
	get(ctx context.Context, r *request) (Page, Outcome, error)
}

// Strategies returns the table of strategies, in the order in which they are best explained.
func Strategies() []Strategy {
	herd := api.Law{Relation: ">=", Recomputes: "max(1, arrivals)", Text: "at least lambda x D: everybody who comes while one recompute runs"}
	one := api.Law{Relation: "==", Recomputes: "1", Text: "1, whoever asks"}
	oneEach := api.Law{Relation: "<=", Recomputes: "replicas", Text: "at most N: one a replica"}
	early := api.Law{Relation: "~", Recomputes: "2.718281828459045 ** (1 / beta)", Text: "e^(1/beta) on average, before anybody waits"}
	return []Strategy{
		{"ttl", "a miss computes the page and stores it for a time", herd, herd, newTTL},
		{"singleflight", "the misses of one process share one recompute", oneEach, oneEach, newSingleflight},
		{"lock", "whoever gets the page's lock in Redis recomputes; the others wait for the page", one, one, newLock},
		{"lease", "a lock that an invalidation revokes: what is outdated is never stored; a page past its time is served meanwhile", one, one, newLease},
		{"early", "a hit may refresh the page before it expires, the likelier the nearer (XFetch)", herd, early, newEarly},
		{"swr", "a page past its time is served at once and refreshed in the background", one, one, newSWR},
	}
}
