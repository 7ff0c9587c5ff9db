package main

import (
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// outages asks a running app for its outages.
func outages(t *testing.T, r running) []api.Outage {
	t.Helper()
	var got api.Outages
	ask(t, r, api.PathLabOutages, &got)
	return got.Outages
}

// A Redis that goes and comes, again and again, fails no request, and leaves two lines in the log each time.
func TestRedisGoesAndComes(t *testing.T) {
	redis, err := localserver.StartRedis(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	defer redis.Stop()
	r := launch(t, "--redis-url="+redis.URL())
	before := strings.Count(r.log.String(), "\n")
	page := func() string {
		resp := get(t, "http://"+r.API+api.PathCached+"lock/?loader=optimized")
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
		return resp.Header.Get(api.HeaderCacheStatus)
	}
	const times = 3
	for n := range times {
		page()
		redis.Process.Kill()
		testkit.Eventually(t, "Redis is known to be down", func() bool { return strings.HasSuffix(page(), "; detail="+api.DetailRedisDown) })
		if err := redis.Restart(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "Redis is used again", func() bool { return strings.HasPrefix(page(), "loadlab; hit") })
		if got := outages(t, r); len(got) != n+1 || got[n].Dependency != api.DependencyRedis || got[n].Ongoing() || got[n].Skipped == 0 {
			t.Errorf("got %+v, want %d outages that have ended", got, n+1)
		}
	}
	if lines := strings.Count(r.log.String(), "\n") - before; lines != 2*times || strings.Count(r.log.String(), `"msg":"outage ended"`) != times {
		t.Errorf("got %d lines, want two an outage:\n%s", lines, r.log)
	}
}

// A Redis that is down when the app starts is not taken for another, and is known once it answers.
func TestRedisIsDownAtTheStart(t *testing.T) {
	redis, err := localserver.StartRedis(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	defer redis.Stop()
	redis.Process.Kill()
	r := launch(t, "--redis-url="+redis.URL())
	name := func() string {
		var info api.Info
		ask(t, r, api.PathLabBuildInfo, &info)
		return info.Cache
	}
	if got := name(); strings.Contains(got, "miniredis") || !strings.Contains(got, "does not answer") || strings.Contains(r.log.String(), "miniredis") {
		t.Errorf("got %q and a log\n%s", got, r.log)
	}
	if err := redis.Restart(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "Redis is known", func() bool { return strings.HasPrefix(name(), "redis ") })
}
