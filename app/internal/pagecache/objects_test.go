package pagecache_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// catalogue is a database of rows, whose pages are in parts. It notes what it was asked for.
type catalogue struct {
	mu       sync.Mutex // guards all below
	versions map[int64]int64
	lists    int
	loaded   [][]int64
	wholes   int
}

func newCatalogue(rows int64) *catalogue {
	c := &catalogue{versions: map[int64]int64{}}
	for id := range rows {
		c.versions[id] = 1
	}
	return c
}

func (c *catalogue) body(id int64) string { return fmt.Sprintf("%d:%d", id, c.versions[id]) }

// source is a page of the rows from first to last, the last not included.
func (c *catalogue) source(first, last int64) pagecache.Source {
	var ids []int64
	for id := first; id < last; id++ {
		ids = append(ids, id)
	}
	return pagecache.Source{
		Page: func(context.Context) (pagecache.Page, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.wholes++
			return pagecache.Page{Body: []byte("the whole page")}, nil
		},
		List: func(context.Context) (pagecache.List, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lists++
			return pagecache.List{IDs: ids, Head: []byte("["), Tail: []byte("]")}, nil
		},
		Objects: func(_ context.Context, ids []int64) ([]pagecache.Object, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.loaded = append(c.loaded, ids)
			var objects []pagecache.Object
			for _, id := range slices.Backward(ids) { // in no order
				if v, ok := c.versions[id]; ok {
					objects = append(objects, pagecache.Object{Row: pagecache.Row{ID: id, Version: v}, Body: []byte(c.body(id))})
				}
			}
			return objects, nil
		},
	}
}

// page is what a page of these rows must be.
func (c *catalogue) page(first, last int64) string {
	var bodies []string
	for id := first; id < last; id++ {
		bodies = append(bodies, c.body(id))
	}
	return "[" + strings.Join(bodies, ",") + "]"
}

// read asks for a page of the rows from first to last.
func (c *catalogue) read(t *testing.T, l *lab, first, last int64) (string, pagecache.Outcome) {
	t.Helper()
	p, out, err := l.cache.Get(l.request(t), "objects", fmt.Sprint(first, "-", last), c.source(first, last))
	if err != nil {
		t.Fatal(err)
	}
	body := string(p.Body)
	p.Release()
	return body, out
}

// spent is what the catalogue was asked for since the last time.
func (c *catalogue) spent() (lists int, loaded [][]int64) {
	lists, loaded = c.lists, c.loaded
	c.lists, c.loaded = 0, nil
	return lists, loaded
}

func (c *catalogue) check(t *testing.T, what string, lists int, loaded ...[]int64) {
	t.Helper()
	gotLists, gotLoaded := c.spent()
	if gotLists != lists || !slices.EqualFunc(gotLoaded, loaded, slices.Equal) {
		t.Errorf("%s: loaded the list %d times, and objects %v, want %d and %v", what, gotLists, gotLoaded, lists, loaded)
	}
}

func TestObjects(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		c := newCatalogue(10)
		if body, out := c.read(t, l, 0, 4); body != c.page(0, 4) || out.Result != api.CacheMiss || !out.Stored {
			t.Errorf("cold: got %s, %+v", body, out)
		}
		c.check(t, "cold", 1, []int64{0, 1, 2, 3})

		before := l.trips.all.value()
		if body, out := c.read(t, l, 0, 4); body != c.page(0, 4) || out.Result != api.CacheHit {
			t.Errorf("a hit: got %s, %+v", body, out)
		}
		if got := l.trips.all.value() - before; got != 2 {
			t.Errorf("a hit is %d round trips, want 2", got)
		}
		c.check(t, "a hit", 0)

		// Another page shares two of them.
		if body, out := c.read(t, l, 2, 6); body != c.page(2, 6) || out.Result != api.CacheMiss {
			t.Errorf("another page: got %s, %+v", body, out)
		}
		c.check(t, "another page", 1, []int64{4, 5})

		// A change touches one object of both pages.
		c.versions[3] = 7
		if err := l.cache.Changed(testContext(t), []pagecache.Row{{ID: 3, Version: 7}}); err != nil {
			t.Fatal(err)
		}
		if body, out := c.read(t, l, 0, 4); body != c.page(0, 4) || out.Result != api.CacheMiss {
			t.Errorf("after a change: got %s, %+v", body, out)
		}
		c.check(t, "after a change", 0, []int64{3})
		if body, out := c.read(t, l, 2, 6); body != c.page(2, 6) || out.Result != api.CacheHit {
			t.Errorf("after a change, the other page: got %s, %+v", body, out)
		}
		c.check(t, "after a change, the other page", 0)

		// The list may expire before its objects, and they one by one: they are evicted here.
		for _, key := range []string{"objects:0-4", "objects:#1"} {
			if err := l.rdb.Del(testContext(t), pagecache.PageKey(l.prefix, "objects", strings.TrimPrefix(key, "objects:"))).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if body, _ := c.read(t, l, 0, 4); body != c.page(0, 4) {
			t.Errorf("after an eviction: got %s", body)
		}
		c.check(t, "after an eviction", 1, []int64{1})
		if got := l.counters(); got.recomputes != 4 || got.cold != 2 || got.expirations != 2 {
			t.Errorf("counted %+v, want 4 recomputes of 2 cold pages, a change and an eviction", got)
		}
	})
}

// A list that has what is no longer there is of no use: the page is computed as a whole, and not stored.
func TestObjectsThatAreGone(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		c := newCatalogue(3)
		for range 2 {
			if body, out := c.read(t, l, 0, 4); body != "the whole page" || out.Result != api.CacheMiss || out.Stored {
				t.Errorf("got %s, %+v", body, out)
			}
		}
		if c.wholes != 2 {
			t.Errorf("the page was computed %d times as a whole, want 2", c.wholes)
		}
	})
}
