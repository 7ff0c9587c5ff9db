package pagecache

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"loadlab/app/api"
)

// An entry is one string in Redis: a header of fixed size, in big-endian order, and then the body as it is sent.
//
//	0  magic       "LLP3"; the digit is the layout's version
//	4  flags       what the entry is, if it is no page; 0 for a page
//	5  version     of the page
//	13 generation  drawn anew for each fill, never 0
//	21 ttl         how long the page was to be fresh, ns
//	29 grace       how long Redis keeps it beyond that, ns
//	37 took        how long its recompute took, ns
//	45 maker       trace id (16 bytes) and span id (8) of the recompute, if it was sampled; zeros otherwise
//	69 tag         of the body: see Page.Tag
//	77 body
//
// An entry has how long a page is fresh, never until when: that is the key's own expiry, which only Redis' clock decides.
//
// An entry of another layout, or with a flag that is not known here, is a miss: two releases that share a Redis replace each other's
// pages, and never misread them.
const (
	magic = "LLP3"

	flagsAt      = 4
	versionAt    = 5
	generationAt = 13
	ttlAt        = 21
	graceAt      = 29
	tookAt       = 37
	makerAt      = 45
	tagAt        = 69
	headerSize   = 77
)

// flags mark an entry that is no page.
type flags uint8

const (
	negative  flags = 1 << iota // what the key stands for does not exist
	tombstone                   // the page was invalidated: fills that began before are not to be stored
	known     = negative | tombstone
)

var errMalformed = errors.New("malformed cache entry")

type entry struct {
	flags            flags
	page             Page
	generation       uint64
	ttl, grace, took time.Duration
	maker            trace.SpanContext // of the recompute, if it was sampled
	fresh            time.Duration     // how long it still is, by Redis' clock; 0 or less in its time of grace. Not stored
}

func newGeneration() uint64 { return max(rand.Uint64(), 1) }

func (e *entry) encode() []byte {
	b := make([]byte, 0, headerSize+len(e.page.Body))
	b = append(b, magic...)
	b = append(b, byte(e.flags))
	b = binary.BigEndian.AppendUint64(b, uint64(e.page.Version))
	b = binary.BigEndian.AppendUint64(b, e.generation)
	for _, d := range []time.Duration{e.ttl, e.grace, e.took} {
		b = binary.BigEndian.AppendUint64(b, uint64(d))
	}
	trace, span := e.maker.TraceID(), e.maker.SpanID()
	b = append(append(b, trace[:]...), span[:]...)
	b = binary.BigEndian.AppendUint64(b, e.page.Tag)
	return append(b, e.page.Body...)
}

// decode reads an entry whose body is a part of b.
func decode(b []byte) (*entry, error) {
	e := &entry{}
	return e, e.decode(b)
}

func (e *entry) decode(b []byte) error {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return errMalformed
	}
	duration := func(at int) time.Duration { return time.Duration(binary.BigEndian.Uint64(b[at:])) }
	*e = entry{
		flags:      flags(b[flagsAt]),
		page:       Page{Body: b[headerSize:], Version: int64(binary.BigEndian.Uint64(b[versionAt:])), Tag: binary.BigEndian.Uint64(b[tagAt:])},
		generation: binary.BigEndian.Uint64(b[generationAt:]),
		ttl:        duration(ttlAt),
		grace:      duration(graceAt),
		took:       duration(tookAt),
		maker:      maker(b[makerAt:tagAt]),
	}
	if e.flags&^known != 0 || e.generation == 0 || e.ttl <= 0 || e.grace < 0 || e.took < 0 {
		return errMalformed
	}
	return nil
}

// maker reads a trace id and a span id. Only those of sampled recomputes are stored.
func maker(b []byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(b[:16]), SpanID: trace.SpanID(b[16:24]), TraceFlags: trace.FlagsSampled, Remote: true,
	})
}

// lookup reads an entry and how old it is. It is a pipeline of PTTL and GET, in that order: should the page be replaced between the
// two, the new page is taken for older than it is, never an old one for fresh. (A script that returned both would have to copy the page
// twice inside Redis, and costs four times as much.) An entry that is missing, or is none, is redis.Nil. What else is to be asked in the same
// round trip, also adds to the pipeline.
func (c *Cache) lookup(ctx context.Context, key string, also ...func(redis.Pipeliner)) (*entry, error) {
	for {
		buf := c.buffers.get()
		pipe := c.rdb.Pipeline()
		left := pipe.PTTL(ctx, key)
		got := pipe.GetToBuffer(ctx, key, buf.b)
		for _, ask := range also {
			ask(pipe)
		}
		_, err := pipe.Exec(ctx)
		if err == nil {
			if e, ok := decodeLive(got.Bytes(), left.Val()); ok {
				e.page.buf = buf
				return e, nil
			}
			err = redis.Nil
		}
		c.buffers.put(buf)
		if !c.buffers.grow(err) {
			return nil, err
		}
	}
}

// decodeLive decodes an entry whose key lives for left. Redis answers -2 for no such key and -1 for no expiry, negative nanoseconds here. The
// first is a page that was stored between the two commands. The second is none of this package's: as a miss, it is replaced by one that
// ends. So is an entry that is no page.
func decodeLive(b []byte, left time.Duration) (*entry, bool) {
	e, err := decode(b)
	switch {
	case err != nil || left == -1 || e.flags != 0:
		return nil, false
	case left == -2:
		e.fresh = e.ttl
	default:
		e.fresh = left - e.grace
	}
	return e, true
}

func (e *entry) age() time.Duration { return max(e.ttl-e.fresh, 0) }

func (e *entry) hit() Outcome   { return e.outcome(api.CacheHit) }
func (e *entry) stale() Outcome { return e.outcome(api.CacheStale) }

// coalesced is the outcome of a request that had missed the page and found it recomputed by somebody else.
func (e *entry) coalesced() Outcome {
	out := e.outcome(api.CacheCoalesced)
	out.Collapsed = true
	return out
}

func (e *entry) outcome(r api.CacheResult) Outcome {
	return Outcome{CacheStatus: api.CacheStatus{Result: r, TTL: e.fresh}, Age: e.age()}
}
