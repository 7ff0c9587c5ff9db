package pagecache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/expr-lang/expr"
	"github.com/redis/go-redis/v9"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

var modelSeeds = flag.Int("model-seeds", 2, "runs of the model, each with a seed of its own, for each strategy")

// TestModel runs every strategy in virtual time, with readers and writers, processes that are killed, and evictions, in an order that a seed decides:
// each round trip and each read of the database takes a time of its own. An oracle knows every commit, and holds each read to what the
// strategy promises: no row is staler than the strategy's bound, nobody waits for ever, and where it says so no hit is older than one before.
func TestModel(t *testing.T) {
	for _, s := range pagecache.Strategies() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(*modelSeeds) {
				if violations := runModel(t, s, seed, nil); len(violations) > 0 {
					t.Errorf("seed %d: %d violations, the first:\n%s", seed, len(violations), violations[0])
				}
			}
		})
	}
}

// TestModelFindsWhatIsWrong runs strategies without what guards them. Of some seeds one must show it.
func TestModelFindsWhatIsWrong(t *testing.T) {
	for _, wrong := range []struct {
		strategy string
		without  guards
	}{
		{"lease", guards{pagecache.TokenHeld, pagecache.PageNotOlder, pagecache.TombstoneMet}},
		{"invalidate", guards{pagecache.ChangeMet}},
		{"invalidate", guards{pagecache.ChangeNoted}},
		{"invalidate", guards{pagecache.InTurns}},
		{"objects", guards{pagecache.ObjectChangeMet}},
		{"objects", guards{pagecache.InTurns}},
	} {
		t.Run(fmt.Sprint(wrong.strategy, wrong.without[0]), func(t *testing.T) {
			t.Parallel()
			const seeds = 20
			for seed := range uint64(seeds) {
				if violations := runModel(t, strategyNamed(t, wrong.strategy), seed, wrong.without); len(violations) > 0 {
					t.Logf("seed %d: %s", seed, violations[0])
					return
				}
			}
			t.Errorf("none of %d seeds shows that %v is missing", seeds, wrong.without)
		})
	}
}

func strategyNamed(t *testing.T, name string) pagecache.Strategy {
	t.Helper()
	for _, s := range pagecache.Strategies() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no strategy %s", name)
	return pagecache.Strategy{}
}

// The model's world.
const (
	modelLasts     = 4 * time.Second
	modelProcesses = 2
	modelReaders   = 5 // of each process
	modelRows      = 3 // page n shows the rows n and n+1
	modelTTL       = 600 * time.Millisecond
	modelGrace     = 300 * time.Millisecond
	modelLockTTL   = 200 * time.Millisecond
	modelPatience  = time.Second // the compute timeout

	modelTrip    = time.Millisecond      // of each direction of a round trip, at most
	modelRead    = 80 * time.Millisecond // of the database, of each row, at most
	modelPublish = 10 * time.Millisecond // after the commit, at most
)

// model is one run.
type model struct {
	strategy pagecache.Strategy
	redis    *miniredis.Miniredis
	bound    time.Duration
	without  guards
	over     chan struct{} // closed at the end: dead processes are let go

	mu         sync.Mutex // guards the rest
	rng        *rand.Rand
	version    int64
	commits    [modelRows + 1][]commit // by row
	hits       map[string]commit       // by page and row: the greatest version of a hit, and when it had come
	violations []string

	running, closing sync.WaitGroup
}

type commit struct {
	version int64
	at      time.Time
}

func runModel(t *testing.T, s pagecache.Strategy, seed uint64, without guards) (violations []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &model{strategy: s, redis: miniredis.NewMiniRedis(), rng: rand.New(rand.NewPCG(seed, 1)), over: make(chan struct{}), hits: map[string]commit{}, without: without}
		m.redis.ClockTTL(true)
		m.bound = m.staleness(t)
		for row := range m.commits {
			m.commit(row)
		}
		end, stop := context.WithTimeout(t.Context(), modelLasts)
		defer stop()
		for range modelProcesses {
			m.running.Go(func() { m.processes(end, t) })
		}
		m.running.Go(func() { m.write(end, t) })
		m.running.Go(func() { m.evict(end) })
		m.running.Wait()
		close(m.over)
		m.closing.Wait()
		m.redis.Close()
		violations = m.violations
	})
	return violations
}

// staleness evaluates the bound of the strategy's table line.
func (m *model) staleness(t *testing.T) time.Duration {
	t.Helper()
	d := 2*modelRead + 4*modelTrip // two rows, and their way to Redis
	value, err := expr.Eval(m.strategy.Stale, map[string]any{"T": modelTTL.Seconds(), "D": d.Seconds(), "grace": modelGrace.Seconds()})
	if err != nil {
		t.Fatalf("%s: %v", m.strategy.Stale, err)
	}
	return time.Duration(value.(float64) * float64(time.Second))
}

// upTo returns a time up to d.
func (m *model) upTo(d time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.rng.Int64N(int64(d)))
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d): //nolint:forbidigo // of the bubble's clock
		return true
	case <-ctx.Done():
		return false
	}
}

func (m *model) violated(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.violations = append(m.violations, fmt.Sprintf(format, args...))
}

func (m *model) commit(row int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
	m.commits[row] = append(m.commits[row], commit{m.version, time.Now()})
	return m.version
}

// write changes rows, and has each change published a moment after its commit.
func (m *model) write(end context.Context, t *testing.T) {
	p := m.process(t)
	defer p.close(t)
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for pause(end, 10*time.Millisecond+m.upTo(200*time.Millisecond)) {
		row := int(m.upTo(modelRows + 1))
		version := m.commit(row)
		publishing.Go(func() {
			pause(context.Background(), m.upTo(modelPublish))
			err := p.cache.Changed(context.Background(), []pagecache.Row{{ID: int64(row), Version: version}})
			for page := max(row-1, 0); err == nil && page <= min(row, modelRows-1); page++ {
				err = p.cache.Invalidate(context.Background(), "lease", strconv.Itoa(page), version)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// evict deletes keys, as a full Redis does.
func (m *model) evict(end context.Context) {
	for pause(end, m.upTo(300*time.Millisecond)) {
		if keys := m.redis.Keys(); len(keys) > 0 {
			m.redis.Del(keys[m.upTo(time.Duration(len(keys)))])
		}
	}
}

// processes runs one process after the other: each is killed in the middle of what it does, but the last.
func (m *model) processes(end context.Context, t *testing.T) {
	for end.Err() == nil {
		p := m.process(t)
		life, stop := context.WithTimeout(end, 200*time.Millisecond+m.upTo(1500*time.Millisecond))
		var readers sync.WaitGroup
		for range modelReaders {
			readers.Go(func() { m.read(life, p) })
		}
		<-life.Done()
		stop()
		if end.Err() == nil {
			p.kill()
		}
		m.closing.Go(func() {
			readers.Wait() // of a process that was killed, until the run is over
			p.close(t)
		})
	}
}

// process is a cache with a client of its own. Once it is killed, nothing that it asks Redis for is carried out.
type process struct {
	m      *model
	cache  *pagecache.Cache
	client *redis.Client
	killed chan struct{}
}

func (m *model) process(t *testing.T) *process {
	t.Helper()
	o, err := pagecache.Options("redis://127.0.0.1:1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	o.Dialer = func(context.Context, string, string) (net.Conn, error) { return m.redis.Dial() }
	p := &process{m: m, client: redis.NewClient(o), killed: make(chan struct{})}
	p.client.AddHook(p)
	p.cache = pagecache.New(p.client, "model", pagecache.Config{
		TTL: modelTTL, Grace: modelGrace, LockTTL: modelLockTTL, ComputeTimeout: modelPatience, RedisBudget: modelPatience, Rand: p.uniform,
		Log: slog.New(slog.DiscardHandler),
	}).Without(m.without...)
	return p
}

func (p *process) uniform() float64 {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	return p.m.rng.Float64()
}

func (p *process) kill() { close(p.killed) }

func (p *process) dead() bool {
	select {
	case <-p.killed:
		return true
	default:
		return false
	}
}

func (p *process) close(t *testing.T) {
	if err := p.cache.Close(context.Background()); err != nil {
		t.Error(err)
	}
	_ = p.client.Close()
}

// trip is one direction of a round trip.
func (p *process) trip() error {
	pause(context.Background(), p.m.upTo(modelTrip))
	if p.dead() {
		<-p.m.over
		return errKilled
	}
	return nil
}

var errKilled = errors.New("killed")

// DialHook implements redis.Hook.
func (p *process) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (p *process) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return p.round(func() error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook implements redis.Hook.
func (p *process) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return p.round(func() error { return next(ctx, cmds) })
	}
}

func (p *process) round(call func() error) error {
	if err := p.trip(); err != nil {
		return err
	}
	err := call()
	return errors.Join(err, p.trip())
}

// read is one reader: it asks for one page after the other.
func (m *model) read(life context.Context, p *process) {
	for pause(life, m.upTo(30*time.Millisecond)) {
		first := int64(m.upTo(modelRows))
		page := strconv.FormatInt(first, 10)
		ctx, cancel := context.WithCancel(context.Background())
		left := m.upTo(10) == 0
		if left { // a client that goes away
			time.AfterFunc(m.upTo(modelRead), cancel)
		}
		sent := time.Now()
		got, out, err := p.cache.Get(ctx, m.strategy.Name, page, m.source(first))
		body := string(got.Body)
		got.Release()
		cancel()
		switch took := time.Since(sent); {
		case p.dead():
			return
		case err != nil && !left:
			m.violated("page %s: %v", page, err)
		case took > modelPatience+3*modelLockTTL:
			m.violated("page %s: a reader waited for %s", page, took)
		case err == nil:
			m.judge(page, body, out, sent)
		}
	}
}

// judge holds a page, which has "row:version" of each of its rows, against what was committed when it was asked for.
func (m *model) judge(page, body string, out pagecache.Outcome, sent time.Time) {
	m.mu.Lock()
	commits := m.commits
	m.mu.Unlock()
	promised := m.strategy.Name == "lease" || m.strategy.Name == "invalidate"
	for text := range strings.SplitSeq(strings.Trim(body, "[]"), ",") {
		var row, version int64
		if _, err := fmt.Sscanf(text, "%d:%d", &row, &version); err != nil {
			m.violated("page %s is %q: %v", page, body, err)
			return
		}
		for _, c := range commits[row] {
			if c.version > version && c.at.Before(sent) {
				if stale := sent.Sub(c.at); stale > m.bound {
					m.violated("page %s: row %d has version %d, %s after the commit of version %d, and the bound is %s: %s",
						page, row, version, stale, c.version, m.bound, out.Append(nil))
				}
				break
			}
		}
		if out.Result == api.CacheHit && promised {
			m.monotonic(page, row, version, sent)
		}
	}
}

// monotonic holds a hit against those that had come before it was asked for: what is stored never goes back.
func (m *model) monotonic(page string, row, version int64, sent time.Time) {
	key := fmt.Sprint(page, " ", row)
	m.mu.Lock()
	last := m.hits[key]
	if version > last.version {
		m.hits[key] = commit{version, time.Now()}
	}
	m.mu.Unlock()
	if version < last.version && last.at.Before(sent) {
		m.violated("page %s: row %d has version %d in a hit, %s after a hit with version %d", page, row, version, sent.Sub(last.at), last.version)
	}
}

// source reads a page's rows from the database, one after the other.
func (m *model) source(first int64) pagecache.Source {
	ids := []int64{first, first + 1}
	load := func(ctx context.Context, ids []int64) ([]pagecache.Object, error) {
		objects := make([]pagecache.Object, len(ids))
		for i, id := range ids {
			m.mu.Lock()
			version := m.commits[id][len(m.commits[id])-1].version
			m.mu.Unlock()
			objects[i] = pagecache.Object{Row: pagecache.Row{ID: id, Version: version}, Body: fmt.Appendf(nil, "%d:%d", id, version)}
			if !pause(ctx, m.upTo(modelRead)) { // its answer is on the way, and getting old
				return nil, ctx.Err()
			}
		}
		return objects, nil
	}
	return pagecache.Source{
		Page: func(ctx context.Context) (pagecache.Page, error) {
			objects, err := load(ctx, ids)
			if err != nil {
				return pagecache.Page{}, err
			}
			page := pagecache.Page{Body: fmt.Appendf(nil, "[%s,%s]", objects[0].Body, objects[1].Body)}
			for _, o := range objects {
				page.Rows, page.Version = append(page.Rows, o.Row), max(page.Version, o.Version)
			}
			return page, nil
		},
		List: func(context.Context) (pagecache.List, error) {
			return pagecache.List{IDs: ids, Head: []byte("["), Tail: []byte("]")}, nil
		},
		Objects: load,
	}
}
