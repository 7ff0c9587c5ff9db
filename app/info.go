package main

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
	"loadlab/internal/revision"
)

// info returns what the app runs on.
func (a *app) info(ctx context.Context) (api.Info, error) {
	database, err := a.store.Version(ctx)
	if err != nil {
		return api.Info{}, err
	}
	info := api.Info{
		Instance: rand.Text(),
		Commit:   revision.Get(), Go: runtime.Version(), Database: database, Cache: a.cacheName.get(ctx),
		Properties: a.cfg.knobs.Count("properties"), Loaders: housing.Loaders(), Config: a.cfg.knobs,
	}
	for _, s := range pagecache.Strategies() {
		info.Strategies = append(info.Strategies, s.Name)
	}
	return info, nil
}

// cacheName knows the name and the version of the Redis that the app uses. One that does not answer is asked again: it may be down when the app starts.
type cacheName struct {
	client   *redis.Client
	embedded bool

	known atomic.Pointer[string]
}

// get returns the name. miniredis reports no version of its own, but the app knows the one it was built with.
func (c *cacheName) get(ctx context.Context) string {
	if name := c.known.Load(); name != nil {
		return *name
	}
	name := "miniredis" + moduleVersion("github.com/alicebob/miniredis/v2")
	text, err := c.client.Info(ctx, "server").Result()
	if refused := redis.Error(nil); err != nil && !c.embedded && !errors.As(err, &refused) {
		return "a Redis that does not answer"
	}
	for line := range strings.Lines(text) {
		if version, ok := strings.CutPrefix(strings.TrimSpace(line), "redis_version:"); ok {
			name = "redis " + version
		}
	}
	c.known.Store(&name)
	return name
}

// moduleVersion is " 1.2.3", or empty if the binary does not know.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return " " + strings.TrimPrefix(m.Version, "v")
		}
	}
	return ""
}
