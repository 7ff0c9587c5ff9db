package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/selfcpu"
)

// usageTimeout bounds each answer of Redis and of the database that a usage takes: they may be busy with what is being measured.
const usageTimeout = 5 * time.Second

// usage is what the app and its Redis have used. Redis is asked on a connection of its own, whose bytes are known: they are not in the bytes
// that are reported.
type usage struct {
	mu    sync.Mutex // guards bytes, and keeps two answers apart
	bytes int64      // that Redis has sent for all answers so far
}

// getUsage answers with what has been used until now.
func (s *Server) getUsage(c *gin.Context) {
	strategy := c.Query("strategy")
	if strategy != "" && !slices.Contains(s.Info.Strategies, strategy) {
		s.problem(c, nil, http.StatusBadRequest, fmt.Sprintf("there is no strategy %q", strategy), s.Info.Strategies...)
		return
	}
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	user, system := selfcpu.Used()
	u := api.Usage{CPU: user + system}
	u.GC, u.Allocations = selfcpu.Runtime()
	asked, cancel := context.WithTimeout(c.Request.Context(), usageTimeout)
	u.DatabaseCPU = s.Store.Used(asked)
	cancel()
	client, received := countedClient(s.Redis.Options())
	defer func() { _ = client.Close() }() // nothing is under way
	err := s.redisUsage(c.Request.Context(), client, received, &u)
	if err == nil && strategy != "" {
		u.Pages, u.PageBytes, err = s.Cache.Usage(c.Request.Context(), client, strategy)
	}
	s.used.bytes += received.Load()
	if err != nil {
		s.redisProblem(c, err)
		return
	}
	s.json(c, nil, u)
}

// redisUsage reads what Redis has used. s.used.mu must be held.
func (s *Server) redisUsage(ctx context.Context, client *redis.Client, received *atomic.Int64, u *api.Usage) error {
	if err := client.Ping(ctx).Err(); err != nil { // what it takes to connect is known then
		return err
	}
	before := received.Load()
	info := map[string]string{}
	for _, section := range []string{"stats", "cpu", "memory"} { // one by one, as every version of Redis has them
		text, err := client.Info(ctx, section).Result()
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				info[name] = value
			}
		}
	}
	for name, to := range map[string]*int64{"total_net_output_bytes": &u.RedisBytesOut, "evicted_keys": &u.Evicted, "maxmemory": &u.MaxMemory} {
		n, err := strconv.ParseInt(info[name], 10, 64)
		if err != nil {
			return fmt.Errorf("INFO has no number %s: %w", name, err)
		}
		*to = n
	}
	u.RedisBytesOut -= s.used.bytes + before
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(info[name], 64)
		if err != nil {
			return fmt.Errorf("INFO has no number %s: %w", name, err)
		}
		u.RedisCPU += time.Duration(seconds * float64(time.Second))
	}
	return nil
}

// countedClient returns a client of the same Redis that has one connection, and the number of bytes that it has received. It has to be closed.
func countedClient(o *redis.Options) (*redis.Client, *atomic.Int64) {
	counted := *o
	received := &atomic.Int64{}
	dial := o.Dialer
	counted.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &countedConn{Conn: conn, received: received}, nil
	}
	counted.PoolSize, counted.MinIdleConns = 1, 0
	counted.DialTimeout, counted.ReadTimeout, counted.WriteTimeout, counted.PoolTimeout = usageTimeout, usageTimeout, usageTimeout, usageTimeout
	return redis.NewClient(&counted), received
}

// countedConn counts what is read from it.
type countedConn struct {
	net.Conn
	received *atomic.Int64
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.Add(int64(n))
	return n, err
}
