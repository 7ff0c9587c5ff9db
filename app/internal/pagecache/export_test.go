package pagecache

import (
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// What the tests need of the inside: the entry's format, XFetch's test, and the names of a page's keys.

func RefreshNow(left, took time.Duration, beta, uniform float64) bool {
	return refreshNow(left, took, beta, uniform)
}

func LockKey(prefix, strategy, key string) string { return lockPrefix(prefix) + strategy + ":" + key }
func PageKey(prefix, strategy, key string) string { return pagePrefix(prefix) + strategy + ":" + key }

// A Guard is a line of a script without which a race is lost. Without takes it out, or puts what is wrong in its place.
type Guard struct{ script, right, wrong string }

// The guards.
var (
	Revocation   = Guard{"invalidate", `redis.call("DEL", KEYS[1], KEYS[2])`, `redis.call("DEL", KEYS[1])`}
	TombstoneSet = Guard{"invalidate", `return redis.call("SET", KEYS[3], ARGV[1], "PX", ARGV[2])`, `return 1`}
	TombstoneMax = Guard{"invalidate", `if last and older(ARGV[1], last) then`, `if false then`}
	TokenHeld    = Guard{"fill", `if redis.call("GET", KEYS[2]) ~= ARGV[1] then return 0 end`, ``}
	TombstoneMet = Guard{"fill", `if least and older(ARGV[2], least) then return 0 end`, ``}
	PageNotOlder = Guard{"fill", `if stored and ispage(stored) and older(ARGV[2], stored) then return 0 end`, ``}
	TokenGranted = Guard{"acquire", `"SET", KEYS[2], ARGV[1]`, `"SET", KEYS[2], "of the client"`}
	TokenMatched = Guard{"fill", `~= ARGV[1]`, `~= "of the client"`}
)

// Without returns the cache with those guards taken out of its scripts.
func (c *Cache) Without(guards ...Guard) *Cache {
	text := map[string]string{"acquire": acquireScript(), "fill": fillScript(), "invalidate": invalidateScript()}
	for _, g := range guards {
		if !strings.Contains(text[g.script], g.right) {
			panic(fmt.Sprintf("%s has no %s", g.script, g.right))
		}
		text[g.script] = strings.Replace(text[g.script], g.right, g.wrong, 1)
	}
	c.scripts.acquire, c.scripts.fill, c.scripts.invalidate = redis.NewScript(text["acquire"]), redis.NewScript(text["fill"]), redis.NewScript(text["invalidate"])
	return c
}

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

// Slots is how many pages the cache remembers something of in its process.
func (c *Cache) Slots() int {
	c.slots.mu.RLock()
	defer c.slots.mu.RUnlock()
	return len(c.slots.of)
}

// AbsentKey and AbsentSlots are of the table of what does not exist.
func AbsentKey(prefix, key string) string { return absentKey(prefix, key) }

const AbsentSlots = absentSlots

// WarmPass has warm look at the pages that are due. The refreshes that it starts may still run when it returns.
func (c *Cache) WarmPass() { c.policies["warm"].(*warm).pass(c) }

// Watched is how many pages warm keeps in mind.
func (c *Cache) Watched() int {
	w := c.policies["warm"].(*warm)
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pages)
}
