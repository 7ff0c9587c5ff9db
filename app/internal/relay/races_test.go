package relay_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace/noop"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/app/internal/relay"
	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// Races between a change's commit and the cache's being informed of it, on PostgreSQL and Redis. Each is also played with a writer or a relay that
// does it wrong, which must serve a page that is outdated: else it would prove nothing.

// world is a process of the portal, and what it shares with others.
type world struct {
	store *housing.Store
	cache *pagecache.Cache
	mode  *probe.Mode
}

// servers are what all tests share, each with a database and a prefix of its own.
type servers struct {
	pg    *localserver.Postgres
	redis *localserver.Redis
}

func start(t *testing.T) servers {
	t.Helper()
	var s servers
	var err error
	s.pg, err = localserver.StartPostgres(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() { _ = s.pg.Stop() })
	s.redis, err = localserver.StartRedis(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() { _ = s.redis.Stop() })
	return s
}

func (s servers) world(t *testing.T, name string) *world {
	t.Helper()
	url, err := s.pg.CreateDatabase(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	store, err := housing.Open(t.Context(), url, housing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Seed(t.Context(), 40, nil); err != nil {
		t.Fatal(err)
	}
	options, err := pagecache.Options("redis://"+s.redis.Addr(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	w := &world{store: store, mode: probe.NewRegistry(prometheus.NewRegistry()).Mode("test")}
	w.cache = pagecache.New(client, name, pagecache.Config{TTL: time.Hour, RedisBudget: 10 * time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	t.Cleanup(func() {
		_ = w.cache.Close(context.Background())
		_ = client.Close()
		_ = store.Close()
	})
	return w
}

// read asks for the first page, and returns how it came and its version.
func (w *world) read(t *testing.T, strategy string) (api.CacheResult, int64) {
	t.Helper()
	q := housing.Query{Page: 1, PageSize: 20, Base: "/"}
	page, out, err := w.cache.Get(probe.With(t.Context(), probe.NewMeter(w.mode)), strategy, "1", pagecache.Source{
		Page: func(ctx context.Context) (pagecache.Page, error) {
			p, err := w.store.Page(ctx, "optimized", q)
			page := pagecache.Page{Body: p.Body, Version: p.Version}
			for _, row := range p.Rows {
				page.Rows = append(page.Rows, pagecache.Row(row))
			}
			return page, err
		},
		List: func(ctx context.Context) (pagecache.List, error) {
			l, err := w.store.List(ctx, q)
			return pagecache.List{IDs: l.IDs, Head: l.Head, Tail: l.Tail}, err
		},
		Objects: func(ctx context.Context, ids []int64) ([]pagecache.Object, error) {
			loaded, err := w.store.Objects(ctx, ids)
			var objects []pagecache.Object
			for _, o := range loaded {
				objects = append(objects, pagecache.Object{Row: pagecache.Row(o.Row), Body: o.Body})
			}
			return objects, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Result, page.Version
}

// first is the id of the first property on the page.
func (w *world) first(t *testing.T) int64 {
	t.Helper()
	list, err := w.store.List(t.Context(), housing.Query{Page: 1, PageSize: 20})
	if err != nil {
		t.Fatal(err)
	}
	return list.IDs[0]
}

// publish takes out of the outbox what is in it, once.
func (w *world) publish(t *testing.T, publish func(context.Context, []housing.Row) error) int {
	t.Helper()
	n, err := w.store.Publish(t.Context(), publish)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) inform(ctx context.Context, changes []housing.Row) error {
	var rows []pagecache.Row
	for _, c := range changes {
		rows = append(rows, pagecache.Row(c))
	}
	return w.cache.Changed(ctx, rows)
}

func TestRaces(t *testing.T) {
	servers, n := start(t), 0
	for _, race := range []struct {
		name string
		play func(t *testing.T, w *world, strategy string)
	}{
		{"2 published before the commit", publishedBeforeCommit},
		{"2 deleted by hand before the commit", deletedBeforeCommit},
		{"3 the writer dies between commit and publishing", diesAfterCommit},
		{"3 the same without an outbox", diesWithoutOutbox},
	} {
		for _, strategy := range []string{"invalidate", "objects"} {
			n++
			name := fmt.Sprint("race", n)
			t.Run(race.name+"/"+strategy, func(t *testing.T) { race.play(t, servers.world(t, name), strategy) })
		}
	}
}

// publishedBeforeCommit has a change published that is not committed yet: whoever reads then caches the old row again. The outbox does not show it before.
func publishedBeforeCommit(t *testing.T, w *world, strategy string) {
	w.read(t, strategy)
	id := w.first(t)
	tx, err := w.store.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE revision SET current = current + 1",
		fmt.Sprintf("UPDATE properties SET version = 2, price_cents = 1 WHERE id = %d", id),
		fmt.Sprintf("INSERT INTO outbox (version, property_id, written_at) VALUES (2, %d, now())", id),
	} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.publish(t, w.inform); n != 0 {
		t.Errorf("%d changes were published before their commit", n)
	}
	if result, version := w.read(t, strategy); result != api.CacheHit || version != 1 {
		t.Errorf("before the commit: got %s of version %d, want a hit of version 1", result, version)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := w.publish(t, w.inform); n != 1 {
		t.Errorf("%d changes were published after the commit, want 1", n)
	}
	if _, version := w.read(t, strategy); version != 2 {
		t.Errorf("after the commit: got version %d, want 2", version)
	}
}

// deletedBeforeCommit is a writer that deletes the page's keys before its commit, and nothing more: it leaves the old page.
func deletedBeforeCommit(t *testing.T, w *world, strategy string) {
	w.read(t, strategy)
	if err := w.cache.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.read(t, strategy) // by another, before the commit
	if _, err := w.store.ChangePrice(t.Context(), w.first(t), 1); err != nil {
		t.Fatal(err)
	}
	if result, version := w.read(t, strategy); result != api.CacheHit || version != 1 {
		t.Errorf("got %s of version %d: the race is not there", result, version)
	}
}

// diesAfterCommit has the writer die between its commit and the publishing. Another process' relay finds the change in the outbox.
func diesAfterCommit(t *testing.T, w *world, strategy string) {
	w.read(t, strategy)
	if _, err := w.store.ChangePrice(t.Context(), w.first(t), 1); err != nil {
		t.Fatal(err)
	}
	// Whoever has died may have got as far as to publish, and not to take the change out.
	died := context.Canceled
	if _, err := w.store.Publish(t.Context(), func(context.Context, []housing.Row) error { return died }); err == nil {
		t.Error("who died has published")
	}
	if _, version := w.read(t, strategy); version != 1 {
		t.Errorf("got version %d: nobody has published yet", version)
	}
	r := relay.Start(t.Context(), w.store, w.cache, noop.NewTracerProvider().Tracer(""))
	defer r.Close(t.Context()) //nolint:errcheck // it has no error
	for deadline := time.Now().Add(time.Minute); ; {
		_, version := w.read(t, strategy)
		if version == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the change was never published")
		}
	}
}

// diesWithoutOutbox is a writer that informs the cache itself, after its commit: it informs nobody if it dies in between.
func diesWithoutOutbox(t *testing.T, w *world, strategy string) {
	w.read(t, strategy)
	if _, err := w.store.ChangePrice(t.Context(), w.first(t), 1); err != nil {
		t.Fatal(err)
	}
	if n := w.publish(t, func(context.Context, []housing.Row) error { return nil }); n != 1 { // as if there were no outbox
		t.Errorf("%d changes were in the outbox, want 1", n)
	}
	if n := w.publish(t, w.inform); n != 0 {
		t.Errorf("%d changes were published that nobody has kept", n)
	}
	if result, version := w.read(t, strategy); result != api.CacheHit || version != 1 {
		t.Errorf("got %s of version %d: the race is not there", result, version)
	}
}
