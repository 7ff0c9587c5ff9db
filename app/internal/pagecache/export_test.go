package pagecache

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// What the tests need of the inside: the entry's format, XFetch's test, and the names of a page's keys.

func RefreshNow(left, took time.Duration, beta, uniform float64) bool {
	return refreshNow(left, took, beta, uniform)
}

func LockKey(prefix, strategy, key string) string { return lockPrefix(prefix) + strategy + ":" + key }
func PageKey(prefix, strategy, key string) string { return pagePrefix(prefix) + strategy + ":" + key }

// Flags of an entry.
const (
	Negative  = byte(negative)
	Tombstone = byte(tombstone)
)

// Entry mirrors entry.
type Entry struct {
	Flags            byte
	Page             Page
	Generation       uint64
	TTL, Grace, Took time.Duration
	Maker            trace.SpanContext
}

func Encode(e Entry) []byte {
	return (&entry{
		flags: flags(e.Flags), page: e.Page, generation: e.Generation, ttl: e.TTL, grace: e.Grace, took: e.Took, maker: e.Maker,
	}).encode()
}

func Decode(b []byte) (Entry, error) {
	e, err := decode(b)
	if err != nil {
		return Entry{}, err
	}
	return Entry{
		Flags: byte(e.flags), Page: e.page, Generation: e.generation, TTL: e.ttl, Grace: e.grace, Took: e.took, Maker: e.maker,
	}, nil
}
