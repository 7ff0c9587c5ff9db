package pagecache

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
	"loadlab/otel/signal"
)

// objects caches a page in parts: the list of what is on it, and each object by itself, which other pages share. A hit is two round trips: the list,
// and an MGET of its objects. What is missing is loaded with one call for all, and stored; a change of a row drops its object and
// leaves the rest (see changes.go). The page is put together as it is sent.
//
// A list is valid in the epoch that it was read in, and an object is stored only in that which it was read in. Requests of one process take
// turns, as with invalidate: of a herd one loads what is missing.
//
// The age and the TTL of a page are those of its list.
type objects struct {
	turns turns
}

func newObjects() policy { return &objects{} }

// Object is a part of a page that has a row of its own.
type Object struct {
	Row
	Body []byte
}

// errNoObject is that a list has an id that no object has: the row was deleted meanwhile.
var errNoObject = errors.New("no such object")

func (o *objects) get(ctx context.Context, r *request) (Page, Outcome, error) {
	p := r.readParts(ctx)
	if p.complete() {
		return p.page(r.c.buffers.get()), p.entry.hit(), nil
	}
	return o.turns.share(ctx, r.slot.pageKey, func(ctx context.Context) (Page, Outcome, error) {
		ctx, cancel := r.detach(ctx)
		defer cancel()
		return o.lead(ctx, r)
	})
}

// lead loads what is missing, if it still is.
func (o *objects) lead(ctx context.Context, r *request) (Page, Outcome, error) {
	epoch, _ := r.inEpoch(ctx) // without one, nothing is stored
	p := r.readParts(ctx)
	if p.complete() {
		linkToLeader(ctx, p.entry.maker)
		return p.page(nil), p.entry.coalesced(), nil
	}
	if p.entry != nil {
		r.cause = probe.Expired // objects of it
	}
	defer probe.From(ctx).Recompute(r.cause)()
	fresh, err := r.recomputeParts(ctx, p)
	if errors.Is(err, errNoObject) {
		return r.wholePage(ctx)
	}
	if err != nil {
		return Page{}, failed(), err
	}
	stored := epoch != "" && r.storeParts(ctx, epoch, p, fresh)
	return p.page(nil), missed(stored, p.entry.ttl), nil
}

// parts are what is known of a page.
type parts struct {
	entry  *entry     // of the list; nil: it is missing
	loaded bool       // the list was, and is not in Redis
	list   *knownList // of the entry
	bodies []string   // of the objects, as the list has them; empty: it is missing
	least  int64      // the version of the page: the greatest of its parts
}

func (p *parts) complete() bool { return p.entry != nil && !slices.Contains(p.bodies, "") }

// page puts the page together, in buf unless that is nil or too small.
func (p *parts) page(buf *buffer) Page {
	size := len(p.list.Head) + len(p.list.Tail) + len(p.bodies)
	for _, b := range p.bodies {
		size += len(b)
	}
	var body []byte
	if buf != nil && len(buf.b) >= size {
		body = buf.b[:0]
	} else {
		body, buf = make([]byte, 0, size), nil
	}
	body = append(body, p.list.Head...)
	for i, b := range p.bodies {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, b...)
	}
	return Page{Body: append(body, p.list.Tail...), Version: p.least, buf: buf}
}

// readParts reads the list, and then its objects.
func (r *request) readParts(ctx context.Context) *parts {
	p := &parts{}
	e, body, ok := r.readInEpoch(ctx)
	if !ok {
		return p
	}
	defer e.page.Release()
	list, err := r.known(e, body)
	if err != nil {
		return p
	}
	p.entry, p.list, p.least = e, list, e.page.Version
	p.bodies = make([]string, len(list.IDs))
	r.readObjects(ctx, p)
	return p
}

// readObjects reads the objects of the list, none of which is there yet.
func (r *request) readObjects(ctx context.Context, p *parts) {
	if len(p.bodies) == 0 {
		return
	}
	get := redis.NewSliceCmd(ctx, p.list.mget...)
	if err := r.redis(ctx, func(ctx context.Context) error { return r.c.rdb.Process(ctx, get) }); err != nil {
		return
	}
	var e entry
	var header [headerSize]byte // the rest need not be copied
	for i, value := range get.Val() {
		text, ok := value.(string)
		if !ok || len(text) < headerSize {
			continue
		}
		copy(header[:], text)
		if e.decode(header[:]) == nil && e.flags == 0 {
			p.set(i, text[headerSize:], e.page.Version)
		}
	}
}

func (p *parts) set(at int, body string, version int64) {
	p.bodies[at], p.least = body, max(p.least, version)
}

// missing are the places of the objects that are missing.
func (p *parts) missing() []int {
	var at []int
	for i, body := range p.bodies {
		if body == "" {
			at = append(at, i)
		}
	}
	return at
}

func (r *request) objectSlot(id int64) *slot {
	return r.c.slots.get(r.c.prefix, r.strategy, "#"+strconv.FormatInt(id, 10))
}

// recomputeParts is loadParts in a span of its own.
func (r *request) recomputeParts(ctx context.Context, p *parts) (map[int]*entry, error) {
	within, span := startSpan(ctx, signal.SpanCacheRecompute)
	fresh, err := r.loadParts(within, p)
	endWork(span, err)
	return fresh, err
}

// loadParts loads what is missing, and returns the entries of the objects that it has loaded, by their places.
func (r *request) loadParts(ctx context.Context, p *parts) (map[int]*entry, error) {
	if p.entry == nil {
		if err := r.loadList(ctx, p); err != nil {
			return nil, err
		}
		r.readObjects(ctx, p)
	} else {
		r.objectsGone(ctx, p)
	}
	missing := p.missing()
	if len(missing) == 0 {
		return nil, nil
	}
	ids, places := make([]int64, len(missing)), map[int64]int{}
	for i, at := range missing {
		ids[i] = p.list.IDs[at]
		places[ids[i]] = at
	}
	loaded, took, err := safely(ctx, func(ctx context.Context) ([]Object, error) { return r.source.Objects(ctx, ids) })
	if err != nil {
		return nil, err
	}
	fresh := map[int]*entry{}
	for _, object := range loaded {
		at := places[object.ID]
		fresh[at] = r.entry(ctx, Page{Body: object.Body, Version: object.Version}, took, noGrace)
		p.set(at, string(object.Body), object.Version)
	}
	if !p.complete() {
		return nil, errNoObject
	}
	return fresh, nil
}

// loadList loads the list. A page that has no parts is a list without objects.
func (r *request) loadList(ctx context.Context, p *parts) error {
	load := r.source.List
	if load == nil {
		load = func(ctx context.Context) (List, error) {
			page, err := r.source.Page(ctx)
			p.least = page.Version
			return List{Head: page.Body}, err
		}
	}
	list, took, err := safely(ctx, load)
	if err != nil {
		return err
	}
	p.entry = r.entry(ctx, Page{Version: p.least}, took, noGrace)
	p.loaded, p.list, p.bodies = true, r.newKnownList(list, p.entry.generation), make([]string, len(list.IDs))
	return nil
}

// objectsGone counts objects that are missing while their list is not: as one expiry, however many they are.
func (r *request) objectsGone(ctx context.Context, p *parts) {
	gone := false
	for _, at := range p.missing() {
		s := r.objectSlot(p.list.IDs[at])
		last := s.last.Load()
		gone = last == 0 || s.replaced(ctx, last) || gone
	}
	if gone {
		probe.From(ctx).Count(api.CountExpirations)
	}
}

// storeParts stores what was loaded, in one round trip. It reports whether all of it was.
func (r *request) storeParts(ctx context.Context, epoch string, p *parts, fresh map[int]*entry) bool {
	keys, args := []string{changesKey(r.c.prefix)}, []any{epoch}
	var stored []func()
	add := func(s *slot, id string, e *entry) {
		keys, args = append(keys, s.pageKey), append(args, id, e.encode(), (e.ttl+e.grace).Milliseconds())
		stored = append(stored, func() { s.seen(e.generation) })
	}
	if p.loaded {
		p.entry.page.Body = encodeList(p.list.List, epoch)
		add(r.slot, "list", p.entry)
	}
	for at, e := range fresh {
		id := p.list.IDs[at]
		add(r.objectSlot(id), strconv.FormatInt(id, 10), e)
	}
	var n int64
	var verdict string
	err := r.redis(ctx, func(ctx context.Context) error {
		got, err := r.c.scripts.store.Run(ctx, r.c.rdb, keys, args...).Slice()
		if err == nil {
			n, verdict = got[0].(int64), got[1].(string)
		}
		return err
	})
	all := n == int64(len(stored))
	switch {
	case err != nil:
		fillFailed(ctx, err)
		return false
	case all:
		event(ctx, signal.EventFillStored, "", p.entry.ttl)
	default:
		probe.From(ctx).Count(api.CountRejected)
		event(ctx, signal.EventFillRejected, rejection(verdict), 0)
	}
	for _, note := range stored {
		note()
	}
	return all
}

// wholePage is what is left when the parts do not fit each other.
func (r *request) wholePage(ctx context.Context) (Page, Outcome, error) {
	page, _, err := safely(ctx, r.source.Page)
	if err != nil {
		return Page{}, failed(), err
	}
	return page, missed(false, r.cfg.TTL), nil
}
