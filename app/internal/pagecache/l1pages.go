package pagecache

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// l1Pages are the pages of strategy l1 that this process keeps, and the reads under way whose pages it may keep next. They are known by their key in Redis.
type l1Pages struct {
	pages  *otter.Cache[string, *keptPage]
	stream *l1Stream

	mu    sync.Mutex // guards reads, and what is put into pages against what is dropped
	reads map[string]*l1Read
}

// keptPage is a page that this process keeps. It is never modified.
type keptPage struct {
	page       Page // without a buffer
	generation uint64
	ttl        time.Duration // how long it was to be fresh when it was stored
	until      time.Time     // when that is over
	epoch      uint64        // of the stream, before the page was read or checked
}

// keptOverhead is about what a kept page takes beside its key and its body.
const keptOverhead = 256

func newL1Pages(most int) *l1Pages {
	return &l1Pages{
		pages: otter.Must(&otter.Options[string, *keptPage]{
			MaximumWeight: uint64(most),
			Weigher: func(key string, p *keptPage) uint32 {
				return uint32(min(len(key)+len(p.page.Body)+keptOverhead, math.MaxUint32))
			},
		}),
		stream: newL1Stream(),
		reads:  map[string]*l1Read{},
	}
}

// keptOf copies an entry that was read, whose buffer is its request's.
func keptOf(e *entry, until time.Time, epoch uint64) *keptPage {
	return &keptPage{
		page: Page{Body: bytes.Clone(e.page.Body), Version: e.page.Version, Tag: e.page.Tag}, generation: e.generation, ttl: e.ttl, until: until, epoch: epoch,
	}
}

// since is the same page, as it was found in Redis in that epoch.
func (p *keptPage) since(epoch uint64, until time.Time) *keptPage {
	again := *p
	again.epoch, again.until = epoch, until
	return &again
}

// l1Read is a read of one page that is under way, or several of them.
type l1Read struct {
	key   string
	epoch uint64 // of the stream, before the first was sent

	// By the mutex of its l1Pages:
	requests int
	outdated bool // the page was dropped meanwhile: what the read returns may be from before
}

// begin notes a read before it is sent. An invalidation may arrive before the reply that it is of has been kept: what is dropped then is not there yet.
func (l *l1Pages) begin(key string) *l1Read {
	epoch := l.stream.epoch.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reads[key]
	if r != nil && r.epoch != epoch { // it was sent in an epoch that is over
		r.outdated, r = true, nil
	}
	if r == nil {
		r = &l1Read{key: key, epoch: epoch}
		l.reads[key] = r
	}
	r.requests++
	return r
}

// end ends a read, and keeps the page if it is not nil and nothing has been dropped since begin.
func (l *l1Pages) end(r *l1Read, keep *keptPage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if keep != nil && !r.outdated {
		l.pages.Set(r.key, keep)
	}
	if r.requests--; r.requests == 0 && l.reads[r.key] == r {
		delete(l.reads, r.key)
	}
}

// drop forgets a page, and what reads that are under way return of it.
func (l *l1Pages) drop(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.reads[key]; r != nil {
		r.outdated = true
		delete(l.reads, key) // what is sent from now on returns what is there now
	}
	l.pages.Invalidate(key)
}

// dropAll forgets everything.
func (l *l1Pages) dropAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.reads {
		r.outdated = true
	}
	clear(l.reads)
	l.pages.InvalidateAll()
}
