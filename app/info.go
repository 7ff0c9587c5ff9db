package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

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
		Commit: revision.Get(), Go: runtime.Version(), Database: database, Cache: redisVersion(ctx, a.redis),
		Properties: a.cfg.knobs.Count("properties"), Loaders: housing.Loaders(), Config: a.cfg.knobs,
	}
	for _, s := range pagecache.Strategies() {
		info.Strategies = append(info.Strategies, s.Name)
	}
	return info, nil
}

// redisVersion returns the name and the version of the server: miniredis reports none of its own, but the app knows the one it was built
// with.
func redisVersion(ctx context.Context, client *redis.Client) string {
	text, err := client.Info(ctx, "server").Result()
	if err == nil {
		for line := range strings.Lines(text) {
			if version, ok := strings.CutPrefix(strings.TrimSpace(line), "redis_version:"); ok {
				return "redis " + version
			}
		}
	}
	return "miniredis" + moduleVersion("github.com/alicebob/miniredis/v2")
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
