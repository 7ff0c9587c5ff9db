package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// Strategies returns the table of caching strategies as the API tells it.
func Strategies() []api.Strategy {
	var out []api.Strategy
	for _, s := range pagecache.Strategies() {
		out = append(out, api.Strategy{Name: s.Name, Summary: s.Summary, Cold: s.Cold, Expiry: s.Expiry})
	}
	return out
}

func (s *Server) getConfig(c *gin.Context) { s.json(c, nil, toAPI(s.Cache.Config())) }

// maxConfigBody is more than any configuration takes.
const maxConfigBody = 4096

// putConfig changes the fields that the body names and answers with all of them.
func (s *Server) putConfig(c *gin.Context) {
	var change api.Config
	dec := json.NewDecoder(http.MaxBytesReader(c.Writer, c.Request.Body, maxConfigBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&change); err != nil {
		s.problem(c, nil, http.StatusBadRequest, "the body must be a JSON object of these fields: "+err.Error(),
			"ttl", "grace", "lock_ttl", "beta", "redis_budget")
		return
	}
	cfg, err := apply(s.Cache.Config(), change)
	if err == nil {
		err = s.Cache.SetConfig(cfg)
	}
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error())
		return
	}
	s.json(c, nil, toAPI(s.Cache.Config()))
}

func toAPI(cfg pagecache.Config) api.Config {
	return api.Config{
		TTL: cfg.TTL.String(), Grace: cfg.Grace.String(), LockTTL: cfg.LockTTL.String(), Beta: cfg.Beta, RedisBudget: cfg.RedisBudget.String(),
	}
}

// apply returns cfg with what change names.
func apply(cfg pagecache.Config, change api.Config) (pagecache.Config, error) {
	for _, f := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"ttl", change.TTL, &cfg.TTL}, {"grace", change.Grace, &cfg.Grace},
		{"lock_ttl", change.LockTTL, &cfg.LockTTL}, {"redis_budget", change.RedisBudget, &cfg.RedisBudget},
	} {
		if f.text == "" {
			continue
		}
		d, err := time.ParseDuration(f.text)
		if err != nil {
			return cfg, fmt.Errorf("%s: %q is not a duration like 2s or 250ms", f.name, f.text)
		}
		*f.to = d
	}
	if change.Beta != 0 {
		cfg.Beta = change.Beta
	}
	return cfg, nil
}
