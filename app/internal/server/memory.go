package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
)

// memory answers with Redis' INFO memory as it is.
func (s *Server) memory(c *gin.Context) {
	text, err := s.Redis.Info(c.Request.Context(), "memory").Result()
	if err != nil {
		s.redisProblem(c, err)
		return
	}
	s.send(c, nil, http.StatusOK, "text/plain; charset=utf-8", []byte(text))
}

// redisLimit changes how much memory Redis may use. The limit is Redis' own, for every key in it; what the policies evict are keys.
type redisLimit struct {
	mu     sync.Mutex       // guards before, and keeps changes apart
	before *api.RedisMemory // what Redis had before the first change; nil if nothing is changed
}

// putMemory sets maxmemory and its policy, or puts back what Redis had, and answers with what is in force.
func (s *Server) putMemory(c *gin.Context) {
	change, err := parseMemory(http.MaxBytesReader(c.Writer, c.Request.Body, maxConfigBody))
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error(), api.Policies()...)
		return
	}
	now, err := s.limit.change(c.Request.Context(), s.Redis, change)
	var refused redis.Error
	switch {
	case errors.As(err, &refused): // by Redis: the embedded one has not all policies, a managed one may have no CONFIG
		s.problem(c, nil, http.StatusBadRequest, "Redis refused: "+err.Error())
	case err != nil:
		s.redisProblem(c, err)
	default:
		s.json(c, nil, now)
	}
}

// change makes the change and returns what is in force then.
func (l *redisLimit) change(ctx context.Context, rdb redis.UniversalClient, change api.RedisMemory) (api.RedisMemory, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, err := readMemory(ctx, rdb)
	if err != nil {
		return now, err
	}
	before := l.before
	switch {
	case change.MaxMemory == 0 && before == nil:
		return now, nil
	case change.MaxMemory == 0:
		change = *before
	case before == nil:
		before = &now
	}
	// The policy first: with the limit first, a page could be refused or evicted by the old policy.
	if err := rdb.ConfigSet(ctx, configPolicy, change.Policy).Err(); err != nil {
		return now, err
	}
	if err := rdb.ConfigSet(ctx, configLimit, strconv.FormatInt(change.MaxMemory, 10)).Err(); err != nil {
		return now, errors.Join(err, rdb.ConfigSet(ctx, configPolicy, now.Policy).Err())
	}
	if l.before = before; change == *before {
		l.before = nil
	}
	return readMemory(ctx, rdb)
}

const (
	configLimit  = "maxmemory"
	configPolicy = "maxmemory-policy"
)

func readMemory(ctx context.Context, rdb redis.UniversalClient) (api.RedisMemory, error) {
	limit, err := rdb.ConfigGet(ctx, configLimit).Result()
	if err != nil {
		return api.RedisMemory{}, err
	}
	policy, err := rdb.ConfigGet(ctx, configPolicy).Result()
	if err != nil {
		return api.RedisMemory{}, err
	}
	n, err := strconv.ParseInt(limit[configLimit], 10, 64)
	if err != nil {
		return api.RedisMemory{}, fmt.Errorf("read its maxmemory: %w", err)
	}
	return api.RedisMemory{MaxMemory: n, Policy: policy[configPolicy]}, nil
}

// parseMemory reads a limit in its bounds and a policy that there is; a limit of 0 has none.
func parseMemory(body io.Reader) (api.RedisMemory, error) {
	var change struct {
		MaxMemory *int64 `json:"maxmemory"`
		Policy    string `json:"policy"`
	}
	if err := decode(body, &change); err != nil || change.MaxMemory == nil {
		if err == nil {
			err = errors.New("maxmemory is missing")
		}
		return api.RedisMemory{}, fmt.Errorf("the body must be a JSON object such as {\"maxmemory\": 16777216, \"policy\": \"allkeys-lru\"}: %w", err)
	}
	limit := *change.MaxMemory
	switch {
	case limit == 0 && change.Policy != "":
		return api.RedisMemory{}, errors.New("maxmemory 0 puts back what Redis had, with its policy: leave policy out")
	case limit == 0:
	case limit < api.LeastMaxMemory || limit > api.MostMaxMemory:
		return api.RedisMemory{}, fmt.Errorf("maxmemory must be 0 or from %d to %d bytes, got %d", api.LeastMaxMemory, int64(api.MostMaxMemory), limit)
	case change.Policy == "":
		change.Policy = api.Policies()[0]
	case !slices.Contains(api.Policies(), change.Policy):
		return api.RedisMemory{}, fmt.Errorf("policy must be one of %s, got %q", strings.Join(api.Policies(), ", "), change.Policy)
	}
	return api.RedisMemory{MaxMemory: limit, Policy: change.Policy}, nil
}
