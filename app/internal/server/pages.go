package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
)

// live computes a page for every request.
func (s *Server) live(c *gin.Context) {
	loader := c.Param("loader")
	if !slices.Contains(s.Info.Loaders, loader) {
		s.problem(c, nil, http.StatusNotFound, fmt.Sprintf("there is no loader %q", loader), s.Info.Loaders...)
		return
	}
	rq := s.begin(c, loader)
	q, ok := s.query(c, rq, api.PathLive+loader+"/")
	if !ok {
		return
	}
	page, err := s.Store.Page(rq.ctx, loader, q)
	if err != nil {
		s.pageError(c, rq, err)
		return
	}
	rq.version = page.Version
	s.send(c, rq, http.StatusOK, typeJSON, page.Body)
}

// cached serves a page through a caching strategy; a miss runs the loader that the query asks for.
func (s *Server) cached(c *gin.Context) {
	loader := c.Query("loader")
	strategy, ok := s.strategy(c)
	if !ok {
		return
	}
	if loader == "" {
		loader = api.DefaultLoader
	} else if !slices.Contains(s.Info.Loaders, loader) {
		s.problem(c, nil, http.StatusBadRequest, fmt.Sprintf("there is no loader %q", loader), s.Info.Loaders...)
		return
	}
	rq := s.begin(c, api.CachedMode(strategy, loader))
	q, ok := s.query(c, rq, api.PathCached+strategy+"/", "loader")
	if !ok {
		return
	}
	key := loader + ":" + strconv.Itoa(q.Page) + ":" + strconv.Itoa(q.PageSize)
	s.fromCache(c, rq, strategy, key, nil, source(s.Store, loader, q))
}

// cachedProperty serves one property through a caching strategy.
func (s *Server) cachedProperty(c *gin.Context) {
	strategy, ok := s.strategy(c)
	if !ok {
		return
	}
	id, ok := s.id(c)
	if !ok {
		return
	}
	rq := s.begin(c, api.CachedMode(strategy, api.ModeProperty))
	absent := fmt.Errorf("%w: %d", housing.ErrNotFound, id)
	s.fromCache(c, rq, strategy, api.ModeProperty+":"+strconv.FormatInt(id, 10), absent, pagecache.Source{Page: func(ctx context.Context) (pagecache.Page, error) {
		p, err := s.Store.Property(ctx, id)
		if errors.Is(err, housing.ErrNotFound) {
			return pagecache.Page{}, fmt.Errorf("%w: %w", pagecache.ErrAbsent, err)
		}
		if err != nil {
			return pagecache.Page{}, err
		}
		body, err := encode(p)
		return pagecache.Page{Body: body, Version: p.Version, Rows: []pagecache.Row{{ID: id, Version: p.Version}}}, err
	}})
}

// strategy returns the caching strategy in the path. Without one that there is, the request is answered here.
func (s *Server) strategy(c *gin.Context) (string, bool) {
	strategy := c.Param("strategy")
	if strategy == "" {
		strategy = api.DefaultStrategy
	}
	if !slices.Contains(s.Info.Strategies, strategy) {
		s.problem(c, nil, http.StatusNotFound, fmt.Sprintf("there is no caching strategy %q", strategy), s.Info.Strategies...)
		return "", false
	}
	return strategy, true
}

// fromCache answers with a page of the cache, which comes from its source if it is missing. Of one that does not exist the answer is by absent, whether that was
// found out or remembered.
func (s *Server) fromCache(c *gin.Context, rq *request, strategy, key string, absent error, source pagecache.Source) {
	var current func(tag uint64) bool
	if strategy == pagecache.HTTP {
		current = condition(c)
	}
	page, outcome, err := s.Cache.GetUnless(rq.ctx, strategy, key, current, source)
	rq.mode.Result(outcome.Result)
	rq.cache = outcome.CacheStatus
	if outcome.Result == api.CacheHit || outcome.Result == api.CacheStale {
		rq.age = outcome.Age
	}
	if errors.Is(err, pagecache.ErrAbsent) {
		err = absent
	}
	if err != nil {
		s.pageError(c, rq, err)
		return
	}
	rq.version = page.Version
	if strategy == pagecache.HTTP {
		s.validators(c, rq, page, outcome)
	}
	if outcome.Current {
		s.notModified(c, rq)
		return
	}
	s.send(c, rq, http.StatusOK, typeJSON, page.Body)
	page.Release()
}

// source is where the cache has a page from.
func source(store *housing.Store, loader string, q housing.Query) pagecache.Source {
	return pagecache.Source{
		Page: func(ctx context.Context) (pagecache.Page, error) {
			p, err := store.Page(ctx, loader, q)
			page := pagecache.Page{Body: p.Body, Version: p.Version, Rows: make([]pagecache.Row, len(p.Rows))}
			for i, row := range p.Rows {
				page.Rows[i] = pagecache.Row(row)
			}
			return page, err
		},
		List: func(ctx context.Context) (pagecache.List, error) {
			l, err := store.List(ctx, q)
			return pagecache.List{IDs: l.IDs, Head: l.Head, Tail: l.Tail}, err
		},
		Objects: func(ctx context.Context, ids []int64) ([]pagecache.Object, error) {
			loaded, err := store.Objects(ctx, ids)
			objects := make([]pagecache.Object, len(loaded))
			for i, o := range loaded {
				objects[i] = pagecache.Object{Row: pagecache.Row(o.Row), Body: o.Body}
			}
			return objects, err
		},
	}
}

// query reads the paging parameters, strictly: a misspelt one that is silently ignored would be measured as something it is not. It
// answers the request itself if it returns false.
func (s *Server) query(c *gin.Context, rq *request, base string, others ...string) (housing.Query, bool) {
	q := housing.Query{Page: 1, PageSize: api.DefaultPageSize, Base: base}
	if c.Request.URL.RawQuery == "" {
		return q, true
	}
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		s.problem(c, rq, http.StatusBadRequest, "the query cannot be read: "+err.Error())
		return q, false
	}
	allowed := append([]string{"page", "page_size"}, others...)
	for name, v := range values {
		if !slices.Contains(allowed, name) || len(v) > 1 {
			s.problem(c, rq, http.StatusBadRequest, fmt.Sprintf("query parameter %q is unknown or given twice", name), allowed...)
			return q, false
		}
	}
	if q.Page, err = number(values.Get("page"), 1, maxPage); err != nil {
		s.problem(c, rq, http.StatusBadRequest, "page: "+err.Error())
		return q, false
	}
	if q.PageSize, err = number(values.Get("page_size"), api.DefaultPageSize, api.MaxPageSize); err != nil {
		s.problem(c, rq, http.StatusBadRequest, "page_size: "+err.Error())
		return q, false
	}
	for _, name := range others {
		if v := values.Get(name); v != "" {
			q.Extra = name + "=" + url.QueryEscape(v)
		}
	}
	return q, true
}

// maxPage keeps page x page_size far from overflow.
const maxPage = 1_000_000

func number(text string, byDefault, most int) (int, error) {
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q is not a whole number from 1 to %d", text, most)
	}
	return n, nil
}

// property serves one property.
func (s *Server) property(c *gin.Context) {
	id, ok := s.id(c)
	if !ok {
		return
	}
	rq := s.begin(c, api.ModeProperty)
	p, err := s.Store.Property(rq.ctx, id)
	if err != nil {
		s.pageError(c, rq, err)
		return
	}
	rq.version = p.Version
	s.json(c, rq, p)
}

// maxPriceBody is more than any price takes.
const maxPriceBody = 1024

// changePrice commits a new price. It leaves the cached pages alone, except those of the strategies that are informed of changes: how stale the
// others are is what the lab measures.
func (s *Server) changePrice(c *gin.Context) {
	if len(s.allowed(c.Request.URL.Path)) > 0 && !isID(c.Param("id")) { // it is a page
		s.notAllowed(c)
		return
	}
	id, ok := s.id(c)
	if !ok {
		return
	}
	rq := s.begin(c, api.ModePriceChange)
	var change api.PriceChange
	if err := decode(http.MaxBytesReader(c.Writer, c.Request.Body, maxPriceBody), &change); err != nil {
		s.problem(c, rq, http.StatusBadRequest, "the body must be like {\"price\": \"450000.00\"}: "+err.Error(), "price")
		return
	}
	cents, err := housing.ParsePrice(change.Price)
	if err != nil {
		s.problem(c, rq, http.StatusBadRequest, "price: "+err.Error(), "price")
		return
	}
	p, err := s.Store.ChangePrice(rq.ctx, id, cents)
	if err != nil {
		s.pageError(c, rq, err)
		return
	}
	s.Changes.Wake(rq.ctx)
	rq.version = p.Version
	s.json(c, rq, p)
}

// id returns the id in the path. Without one the request asks for no property: it is answered here, if id returns false, and counted under
// ModeNone.
func (s *Server) id(c *gin.Context) (int64, bool) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || !isID(c.Param("id")) {
		s.problem(c, nil, http.StatusNotFound, fmt.Sprintf("%q is not the id of a property", c.Param("id")), "live", "cached", "{id}")
		return 0, false
	}
	return id, true
}

// isID reports whether a segment of a path is an id.
func isID(segment string) bool {
	id, err := strconv.ParseInt(segment, 10, 64)
	return err == nil && id > 0
}

// pageError answers for an error of the store.
func (s *Server) pageError(c *gin.Context, rq *request, err error) {
	if errors.Is(err, housing.ErrNotFound) {
		s.problem(c, rq, http.StatusNotFound, err.Error())
		return
	}
	s.fail(c, rq, err)
}
