package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// Lab returns the handler of the lab controls, metrics and profiles. It has no authentication: it is for a loopback port.
func (s *Server) Lab() http.Handler {
	r := s.router()
	s.get(r, api.PathLabConfig, s.getConfig)
	r.PUT(api.PathLabConfig, s.putConfig)
	r.POST(api.PathLabFlush, s.flush)
	r.POST(api.PathLabExpire, s.expire)
	read(r, api.PathLabKeys, s.keys)
	read(r, api.PathLabKeys+"/*key", s.key)
	s.get(r, api.PathLabMemory, s.memory)
	r.PUT(api.PathLabMemory, s.putMemory)
	s.get(r, api.PathLabUsage, s.getUsage)
	s.get(r, api.PathLabCounters, s.counters)
	s.get(r, api.PathLabOutages, func(c *gin.Context) { s.json(c, nil, s.Outages.Outages()) })
	s.get(r, api.PathLabStrategy, func(c *gin.Context) { s.json(c, nil, described(s.Cache.Strategies())) })
	s.get(r, api.PathLabBuildInfo, s.info)
	s.get(r, api.PathLabExplain+":loader", s.explain)
	s.world(r)
	read(r, api.PathMetrics, gin.WrapH(promhttp.HandlerFor(s.Telemetry.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true})))
	read(r, "/debug/pprof/*name", profile)
	r.POST("/debug/pprof/*name", profile)
	return r
}

// counters answers with what has been counted so far. With ?mode=ttl%2Bbatched that mode is counted, and in the metrics, from now on, at 0: there are too many combinations of a strategy and
// a loader to have them all from the beginning, and what a counter had counted before its first scrape is in no rate.
func (s *Server) counters(c *gin.Context) {
	for _, mode := range c.QueryArray("mode") {
		if !isMode(mode) {
			s.problem(c, nil, http.StatusBadRequest, fmt.Sprintf("there is no mode %q", mode))
			return
		}
	}
	for _, mode := range c.QueryArray("mode") {
		s.Probe.Mode(mode)
		if strategy, loader, _ := strings.Cut(mode, "+"); slices.Contains(s.Info.Strategies, strategy) && loader != api.ModeProperty {
			s.durations.expect(api.PathCached+":strategy/", mode)
		}
	}
	s.json(c, nil, s.Counters())
}

// Counters returns what has been counted so far.
func (s *Server) Counters() api.Counters {
	totals := s.Probe.Counters()
	totals.SpansDropped = s.Telemetry.Spans.Dropped()
	return totals
}

func profile(c *gin.Context) {
	switch c.Param("name") {
	case "/cmdline":
		pprof.Cmdline(c.Writer, c.Request)
	case "/profile":
		pprof.Profile(c.Writer, c.Request)
	case "/symbol":
		pprof.Symbol(c.Writer, c.Request)
	case "/trace":
		pprof.Trace(c.Writer, c.Request)
	default:
		pprof.Index(c.Writer, c.Request)
	}
}

func (s *Server) flush(c *gin.Context) { s.changed(c, "flushed", s.Cache.Flush) }

func (s *Server) expire(c *gin.Context) { s.changed(c, "expired", s.Cache.Expire) }

// changed does something to the cache and answers with what was done.
func (s *Server) changed(c *gin.Context, what string, do func(context.Context) error) {
	if err := do(c.Request.Context()); err != nil {
		s.redisProblem(c, err)
		return
	}
	s.json(c, nil, map[string]string{"status": what})
}

func (s *Server) keys(c *gin.Context) {
	keys, err := s.Cache.Keys(c.Request.Context())
	if err != nil {
		s.redisProblem(c, err)
		return
	}
	s.json(c, nil, keys)
}

func (s *Server) key(c *gin.Context) {
	name := strings.TrimPrefix(c.Param("key"), "/")
	if name == "" {
		s.keys(c)
		return
	}
	key, err := s.Cache.Key(c.Request.Context(), name)
	switch {
	case errors.Is(err, pagecache.ErrNoKey):
		s.problem(c, nil, http.StatusNotFound, err.Error())
	case err != nil:
		s.redisProblem(c, err)
	default:
		s.json(c, nil, key)
	}
}

func (s *Server) redisProblem(c *gin.Context, err error) {
	s.problem(c, nil, http.StatusBadGateway, "Redis did not answer: "+err.Error())
}

func (s *Server) info(c *gin.Context) {
	info := s.Info
	info.Config = s.knobs.get()
	if s.CacheName != nil {
		info.Cache = s.CacheName(c.Request.Context())
	}
	s.json(c, nil, info)
}

func (s *Server) explain(c *gin.Context) {
	loader := c.Param("loader")
	if !slices.Contains(s.Info.Loaders, loader) {
		s.problem(c, nil, http.StatusNotFound, fmt.Sprintf("there is no loader %q", loader), s.Info.Loaders...)
		return
	}
	plans, err := s.Store.Explain(c.Request.Context(), loader)
	if err != nil {
		s.fail(c, nil, err)
		return
	}
	s.json(c, nil, plans)
}
