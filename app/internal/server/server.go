// Package server puts the portal and the lab controls on HTTP. Every response has what it cost in its headers; what the
// pages are made of and how they are cached is the business of packages housing and pagecache.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/otel/telemetry"
)

// Config is what a server serves from. All fields but CacheName and Slow are needed.
type Config struct {
	Store     *housing.Store
	Cache     *pagecache.Cache
	Changes   waker         // of who publishes changes
	Redis     *redis.Client // for memory and pings; pages go through Cache
	Outages   *outage.Book  // of Redis and the database
	Probe     *probe.Registry
	Telemetry *telemetry.Telemetry
	Log       *slog.Logger
	Info      api.Info                     // as the app starts; Info.Config has every knob, and Cache is configured with it
	CacheName func(context.Context) string // what Info.Cache is now: Redis may be down when the app starts; nil: it does not change
	Slow      Slow                         // handlers that are slowed down; nil for none
}

// waker is woken when a change has been committed, by the request of ctx: see relay.Relay.
type waker interface{ Wake(ctx context.Context) }

// Server has two handlers: the API, and the lab controls, which are for a port of their own.
type Server struct {
	Config
	durations *durations
	draining  atomic.Bool
	knobs     knobs
	limit     redisLimit
	used      usage
}

// New returns a server. It registers the HTTP metrics with the telemetry's registry, and makes the series of every mode: what a counter
// had counted before its first scrape is in no rate.
func New(cfg Config) *Server {
	durations := newDurations(cfg.Telemetry.Registry)
	for _, loader := range cfg.Info.Loaders {
		cfg.Probe.Mode(loader)
		durations.expect(api.PathLive+":loader/", loader)
	}
	for _, strategy := range cfg.Info.Strategies {
		cfg.Probe.Mode(strategy)
		durations.expect(api.PathCached+":strategy/", strategy)
	}
	return &Server{Config: cfg, durations: durations, knobs: knobs{config: cfg.Info.Config}}
}

// Drain makes /readyz fail, so that whoever balances load stops sending it here.
func (s *Server) Drain() { s.draining.Store(true) }

// API returns the handler of the portal.
func (s *Server) API() http.Handler {
	r := s.router()
	r.NoMethod(s.notAllowed)
	s.get(r, api.PathLive+":loader", s.live)
	s.get(r, api.PathCached+":strategy", s.cached)
	s.get(r, api.PathCached+":strategy/:id", s.cachedProperty)
	s.get(r, api.PathCached[:len(api.PathCached)-1], s.cached)
	s.get(r, api.PathProperties+":id", s.property)
	r.PATCH(api.PathProperties+":id", s.changePrice)
	r.PATCH(api.PathProperties+":id/", s.changePrice)
	read(r, api.PathHealthz, s.healthz)
	read(r, api.PathReadyz, s.readyz)
	return r
}

// router returns a Gin engine whose every answer, also to a path or method that does not exist, is made by this package.
func (s *Server) router() *gin.Engine {
	r := gin.New()
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	r.Use(s.recover)
	r.NoRoute(func(c *gin.Context) {
		s.problem(c, nil, http.StatusNotFound, "there is nothing at "+c.Request.URL.Path, api.PathLive+"{loader}/", api.PathCached+"{strategy}/",
			api.PathCached+"{strategy}/{id}/", api.PathProperties+"{id}/")
	})
	r.NoMethod(func(c *gin.Context) {
		s.problem(c, nil, http.StatusMethodNotAllowed, c.Request.Method+" is not a method of "+c.Request.URL.Path, c.Writer.Header()["Allow"]...)
	})
	return r
}

// get serves path with and without its trailing slash, without a redirect: a redirect would be measured as a request.
func (s *Server) get(r *gin.Engine, path string, h gin.HandlerFunc) {
	read(r, path, h)
	read(r, path+"/", h)
}

// read serves GET and HEAD, whose answer net/http sends without its body.
func read(r *gin.Engine, path string, h gin.HandlerFunc) {
	r.GET(path, h)
	r.HEAD(path, h)
}

func (s *Server) healthz(c *gin.Context) {
	s.json(c, s.begin(c, api.ModeNone), api.Health{Status: "ok", Instance: s.Info.Instance})
}

// readyTimeout bounds what /readyz waits for the database.
const readyTimeout = time.Second

// readyz fails while the app drains, and while the database is down: nearly all that is asked of the app needs it then, and another replica
// may reach it. It asks on a connection of its own, so that a pool that is in use is not taken for a database that is gone, and not at all
// during an outage that is known. A Redis that is gone costs latency, not readiness, and is not asked.
func (s *Server) readyz(c *gin.Context) {
	if s.draining.Load() {
		s.problem(c, nil, http.StatusServiceUnavailable, "the app is draining")
		return
	}
	if s.Outages.Down(api.DependencyDatabase) {
		s.unavailable(c, nil)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	if err := s.Store.Ping(ctx); err != nil {
		s.unavailable(c, nil)
		return
	}
	redisStatus := "ok"
	if s.Outages.Down(api.DependencyRedis) {
		redisStatus = "unavailable"
	}
	s.json(c, s.begin(c, api.ModeNone), map[string]string{"status": "ready", "redis": redisStatus})
}
