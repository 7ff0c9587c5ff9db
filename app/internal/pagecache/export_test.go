package pagecache

import (
	"context"
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

func TombstoneKey(prefix, strategy, key string) string {
	return tombstonePrefix(prefix) + strategy + ":" + key
}
func ChangesKey(prefix string) string { return changesKey(prefix) }

// EncodeList and DecodeList are those of a list's entry.
func EncodeList(l List, epoch string) []byte { return encodeList(l, epoch) }

func DecodeList(b []byte) (l List, epoch string, err error) {
	head, rest, ok := cutCounted(b)
	if !ok {
		return List{}, "", errMalformedList
	}
	l, err = decodeList(rest)
	return l, string(head), err
}

// A Guard is a line of a script without which a race is lost. Without takes it out, or puts what is wrong in its place.
type Guard struct{ script, right, wrong string }

// The guards.
var (
	Revocation   = Guard{"invalidate", `redis.call("DEL", KEYS[1], KEYS[2])`, `redis.call("DEL", KEYS[1])`}
	TombstoneSet = Guard{"invalidate", `return redis.call("SET", KEYS[3], ARGV[1], "PX", ARGV[2])`, `return 1`}
	TombstoneMax = Guard{"invalidate", `if last and older(ARGV[1], last) then`, `if false then`}
	TokenHeld    = Guard{"fill", `if redis.call("GET", KEYS[2]) ~= ARGV[1] then return lost() end`, ``}
	TombstoneMet = Guard{"fill", `if least and older(ARGV[2], least) then return "OUTDATED" end`, ``}
	PageNotOlder = Guard{"fill", `if stored and ispage(stored) and older(ARGV[2], stored) then return "OLDER" end`, ``}
	TokenGranted = Guard{"acquire", `"SET", KEYS[2], ARGV[1]`, `"SET", KEYS[2], "of the client"`}
	TokenMatched = Guard{"fill", `~= ARGV[1]`, `~= "of the client"`}

	ChangeNoted     = Guard{"change", `if not last or less(last, 0, version, 0) then redis.call("HSET", KEYS[1], id, version) end`, ``}
	ChangeMax       = Guard{"change", `if not last or less(last, 0, version, 0) then`, `if true then`}
	ChangeMet       = Guard{"fill", `if change and less(ARGV[i + 1], 0, change, 0) then return "CHANGED" end`, ``}
	ObjectChangeMet = Guard{"store", `change and less(`, `false and less(`}
	ObjectNotOlder  = Guard{"store", `not (stored and ispage(stored) and older(entry, stored))`, `true`}
	ObjectEpochHeld = Guard{"store", `if redis.call("HGET", KEYS[1], "epoch") ~= ARGV[1] then return {0, "EPOCH"} end`, ``}

	// Those are no lines of scripts. Without the one, requests join the recompute that is under way. Without the other, the database is read
	// before the epoch is noted.
	InTurns    = Guard{script: "turns"}
	EpochNoted = Guard{script: "epoch"}
)

// joining is a strategy whose requests join what is under way.
type joining struct {
	flights flights
	lead    func(context.Context, *request) (Page, Outcome, error)
}

func (j *joining) get(ctx context.Context, r *request) (Page, Outcome, error) {
	return j.flights.share(ctx, r.key, func(ctx context.Context) (Page, Outcome, error) { return j.lead(ctx, r) })
}

// hasty is invalidate that reads the database first.
type hasty struct{ invalidate }

func (h *hasty) get(ctx context.Context, r *request) (Page, Outcome, error) {
	if e, ok := r.readWhole(ctx); ok {
		return e.page, e.hit(), nil
	}
	page, err := r.source.Page(ctx)
	r.source.Page = func(context.Context) (Page, error) { return page, err }
	return h.lead(ctx, r)
}

// Without returns the cache with those guards taken out of its scripts.
func (c *Cache) Without(guards ...Guard) *Cache {
	scripts := map[string]struct {
		text string
		to   **redis.Script
	}{
		"acquire": {acquireScript(), &c.scripts.acquire}, "fill": {fillScript(), &c.scripts.fill}, "invalidate": {invalidateScript(), &c.scripts.invalidate},
		"change": {changeScript(), &c.scripts.change}, "store": {storeScript(), &c.scripts.store},
	}
	for _, g := range guards {
		switch g {
		case InTurns:
			c.policies["invalidate"] = &joining{lead: (&invalidate{}).lead}
			c.policies["objects"] = &joining{lead: (&objects{}).lead}
			continue
		case EpochNoted:
			c.policies["invalidate"] = &hasty{}
			continue
		}
		s := scripts[g.script]
		if !strings.Contains(s.text, g.right) {
			panic(fmt.Sprintf("%s has no %s", g.script, g.right))
		}
		s.text = strings.Replace(s.text, g.right, g.wrong, 1)
		*s.to = redis.NewScript(s.text)
		scripts[g.script] = s
	}
	return c
}

// StreamSilence mirrors streamSilence.
const StreamSilence = streamSilence

// SetClock sets the clock of l1, and how long its stream may be silent. Call it before the first request.
func (c *Cache) SetClock(now func() time.Time, silence time.Duration) {
	c.l1.stream.now, c.l1.stream.born, c.l1.stream.silence = now, now(), silence
}

// Epoch is that of the stream of invalidations.
func (c *Cache) Epoch() uint64 { return c.l1.stream.epoch.Load() }

// Tracks reports whether the stream of invalidations is up, and Heard whether all pages that were invalidated until then have been dropped.
func (c *Cache) Tracks() bool { return tracks(c.l1.stream.epoch.Load()) }
func (c *Cache) Heard(at time.Time) bool {
	return time.Duration(c.l1.stream.heard.Load()) >= c.l1.stream.since(at)
}

// L1Weight is what the pages of l1 take.
func (c *Cache) L1Weight() int {
	c.l1.pages.CleanUp()
	return int(c.l1.pages.WeightedSize())
}

// What follows does to l1 what it would have done without one of its guards against races.

// ForgetReads is for a cache that does not note its reads before it sends them.
func (c *Cache) ForgetReads() {
	c.l1.mu.Lock()
	defer c.l1.mu.Unlock()
	clear(c.l1.reads)
}

// KeepOverLoss is for a cache that trusts its page although the stream of invalidations was lost.
func (c *Cache) KeepOverLoss(key string) {
	c.rekeep(key, func(p *keptPage) { p.epoch = c.l1.stream.epoch.Load() })
}

// KeepForTTL is for a cache that keeps a page for its whole TTL from when it was read.
func (c *Cache) KeepForTTL(key string) {
	c.rekeep(key, func(p *keptPage) { p.until = c.l1.stream.now().Add(p.ttl) })
}

// TrustSilence is for a cache that takes a stream for alive as long as nobody tells that it has ended.
func (c *Cache) TrustSilence() { c.l1.stream.heard.Store(int64(c.l1.stream.since(c.l1.stream.now()))) }

func (c *Cache) rekeep(key string, change func(*keptPage)) {
	old, ok := c.l1.pages.GetIfPresent(pagePrefix(c.prefix) + "l1:" + key)
	if !ok {
		panic("l1 does not have the page")
	}
	p := *old
	change(&p)
	c.l1.pages.Set(pagePrefix(c.prefix)+"l1:"+key, &p)
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
