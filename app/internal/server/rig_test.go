package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/app/internal/server"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
	"loadlab/otel/telemetry"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// rows is enough for three pages.
const rows = 60

// rig is an app in this process: both its ports, and what it depends on.
type rig struct {
	api, lab *httptest.Server
	redis    *miniredis.Miniredis // nil if the rig is on another Redis
	store    *housing.Store
	spans    *tracetest.InMemoryExporter // nil if nothing is traced
	flush    func()                      // exports the spans
	server   *server.Server
	log      *testkit.Log // from level info on
}

// newRig serves from the database at databaseURL; a SQLite file if that is empty.
func newRig(t *testing.T, databaseURL string, traced bool) *rig {
	t.Helper()
	m := miniredis.RunT(t)
	r := newRigOn(t, databaseURL, m.Addr(), traced)
	r.redis = m
	return r
}

// newRigOn is newRig with the Redis that listens on redisAddr.
func newRigOn(t *testing.T, databaseURL, redisAddr string, traced bool) *rig {
	t.Helper()
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(t.TempDir(), "portal.db")
	}
	r := &rig{flush: func() {}, log: &testkit.Log{}}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	cfg := telemetry.Config{Env: func(string) string { return "" }, Log: log}
	if traced {
		r.spans = tracetest.NewInMemoryExporter()
		cfg.Exporter = keep{r.spans}
	}
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.flush = func() {
		if err := tel.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	registry := probe.NewRegistry(tel.Registry)
	outages := outage.NewBook(tel.Registry)
	hook := &probe.SQLHook{Tracer: tel.Tracer}
	r.store, err = housing.Open(t.Context(), databaseURL, housing.Options{Outages: outages, Log: log, Hook: func(system string) bun.QueryHook {
		hook.System = system
		return hook
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Seed(t.Context(), rows, nil); err != nil {
		t.Fatal(err)
	}
	options, err := pagecache.Options("redis://"+redisAddr, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	client.AddHook(&probe.RedisHook{Tracer: tel.Tracer})
	knobs := api.Defaults()
	knobs["redis_budget"] = "1s"
	cache := pagecache.New(client, "test", pagecache.Config{Outages: outages, Log: log}.With(knobs))
	info := api.Info{Loaders: housing.Loaders(), Config: knobs}
	for _, s := range server.Strategies() {
		info.Strategies = append(info.Strategies, s.Name)
	}
	r.server = server.New(server.Config{Store: r.store, Cache: cache, Changes: unpublished{}, Redis: client, Outages: outages, Probe: registry, Telemetry: tel, Log: log, Info: info})
	r.api, r.lab = httptest.NewServer(r.server.API()), httptest.NewServer(r.server.Lab())
	t.Cleanup(func() {
		r.api.Close()
		r.lab.Close()
		_ = cache.Close(context.Background())
		client.Close()
		r.store.Close()
	})
	return r
}

// unpublished publishes no changes: what it asked the database for would be counted.
type unpublished struct{}

func (unpublished) Wake(context.Context) {}

// keep hides Shutdown, which empties an InMemoryExporter.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }

// postgres starts a PostgreSQL for one test.
func postgres(t *testing.T) *localserver.Postgres {
	t.Helper()
	pg, err := localserver.StartPostgres(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// do makes a request and reads the answer.
func do(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func get(t *testing.T, url string, headers ...string) answer {
	t.Helper()
	return do(t, http.MethodGet, url, "", headers...)
}

// decode reads a JSON body.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// cost is what Server-Timing has: queries and commands.
func (a answer) cost(t *testing.T) (queries, commands string) {
	t.Helper()
	for part := range strings.SplitSeq(a.Header.Get(api.HeaderServerTiming), ", ") {
		name, rest, _ := strings.Cut(part, ";desc=\"")
		n, _, _ := strings.Cut(rest, "\"")
		switch name {
		case "sql":
			queries = n
		case "redis":
			commands = n
		}
	}
	if queries == "" || commands == "" {
		t.Fatalf("Server-Timing is %q", a.Header.Get(api.HeaderServerTiming))
	}
	return queries, commands
}
