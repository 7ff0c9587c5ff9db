package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
)

// world routes the controls of the app's surroundings: how far away its servers are, and what befalls them.
func (s *Server) world(r *gin.Engine) {
	s.get(r, api.PathLabPing, s.ping)
	s.get(r, api.PathLabFault, s.fault)
	r.PUT(api.PathLabFault, s.beginFault)
	r.DELETE(api.PathLabFault, s.endFault)
	s.get(r, api.PathLabLock, s.tableLock)
	r.POST(api.PathLabLock, s.lockTable)
	r.DELETE(api.PathLabLock, s.unlockTable)
}

// pingTimeout bounds the pings of each server.
const pingTimeout = 10 * time.Second

// ping answers with the distances, also of a server that does not answer. The one is measured after the other: together they would measure
// how they share the CPU.
func (s *Server) ping(c *gin.Context) {
	n, err := parsePings(c.Request.URL.RawQuery)
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error(), "n")
		return
	}
	ctx := c.Request.Context()
	database := pings(ctx, n, s.Store.Pings)
	database.Simulated = s.Store.Simulated()
	s.json(c, nil, api.Distances{Database: database, Redis: pings(ctx, n, s.pingRedis)})
}

// parsePings reads the query of GET /lab/ping.
func parsePings(query string) (int, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, fmt.Errorf("query string: %w", err)
	}
	for name, v := range values {
		if name != "n" || len(v) > 1 {
			return 0, fmt.Errorf("query parameter %q is unknown or given twice", name)
		}
	}
	n, err := number(values.Get("n"), api.DefaultPings, api.MaxPings)
	if err != nil {
		return 0, fmt.Errorf("n: %w", err)
	}
	return n, nil
}

func pings(ctx context.Context, n int, ping func(context.Context, int) ([]time.Duration, error)) api.Pings {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	took, err := ping(ctx, n)
	p := api.SummarizePings(took)
	if err != nil {
		p.Error = fmt.Sprintf("after %d of %d: %v", len(took), n, err)
	}
	return p
}

// pingRedis is Store.Pings for Redis. The request's context has no meter and no span, so that nothing is counted or traced.
func (s *Server) pingRedis(ctx context.Context, n int) ([]time.Duration, error) {
	conn := s.Redis.Conn()
	defer conn.Close() //nolint:errcheck // it only goes back to the pool
	took := make([]time.Duration, 0, n)
	for trip := -1; trip < n; trip++ {
		start := time.Now()
		if err := conn.Ping(ctx).Err(); err != nil {
			return took, err
		}
		if trip >= 0 { // the first may have to connect
			took = append(took, time.Since(start))
		}
	}
	return took, nil
}

func (s *Server) fault(c *gin.Context) {
	seen, err := s.Store.Fault()
	s.seen(c, seen, err)
}

func (s *Server) beginFault(c *gin.Context) {
	f, err := parseFault(http.MaxBytesReader(c.Writer, c.Request.Body, maxConfigBody))
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error(), "kind", "share", "delay")
		return
	}
	seen, err := s.Store.BeginFault(f)
	s.seen(c, seen, err)
}

func (s *Server) endFault(c *gin.Context) {
	seen, err := s.Store.EndFault()
	s.seen(c, seen, err)
}

// parseFault reads the body of PUT /lab/database/fault. The error names the field that is wrong.
func parseFault(body io.Reader) (api.Fault, error) {
	f := api.Fault{Share: 1}
	if err := decode(body, &f); err != nil {
		return f, fmt.Errorf("the body must be like {\"kind\": \"slow\", \"delay\": \"200ms\", \"share\": 0.5}: %w", err)
	}
	return f, f.Validate()
}

func (s *Server) tableLock(c *gin.Context) {
	seen, err := s.Store.TableLock()
	s.seen(c, seen, err)
}

func (s *Server) lockTable(c *gin.Context) {
	l, err := parseLock(http.MaxBytesReader(c.Writer, c.Request.Body, maxConfigBody))
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error(), "for")
		return
	}
	seen, err := s.Store.LockTable(c.Request.Context(), time.Duration(l.For))
	s.seen(c, seen, err)
}

func (s *Server) unlockTable(c *gin.Context) {
	seen, err := s.Store.UnlockTable(c.Request.Context())
	s.seen(c, seen, err)
}

// parseLock reads the body of POST /lab/database/lock.
func parseLock(body io.Reader) (api.Lock, error) {
	var l api.Lock
	if err := decode(body, &l); err != nil {
		return l, fmt.Errorf("the body must be like {\"for\": \"3s\"}: %w", err)
	}
	return l, l.Validate()
}

// seen answers with what was seen of a fault or a lock, or with why there is none.
func (s *Server) seen(c *gin.Context, seen any, err error) {
	refused := func(e error) bool { return errors.Is(err, e) }
	switch {
	case err == nil:
		s.json(c, nil, seen)
	case slices.ContainsFunc([]error{housing.ErrWire, housing.ErrFaulty, housing.ErrNoWaiting, housing.ErrLocked}, refused):
		s.problem(c, nil, http.StatusConflict, err.Error())
	default:
		s.problem(c, nil, http.StatusBadGateway, "the database did not answer: "+err.Error())
	}
}
