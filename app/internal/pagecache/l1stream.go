package pagecache

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/outage"
)

const (
	// streamSilence is how old the last ping may be that the stream has answered for pages of L1 to be served unasked. It bounds how long a connection
	// that is dead goes unnoticed when nothing tells of its end, and by that how far L1 can be behind Redis.
	streamSilence = time.Second
	// streamConnect is how long it may take to open the stream, which Close has to wait for.
	streamConnect = time.Second
	// streamPing is how often the stream is pinged: some answers may be late.
	streamPing = 200 * time.Millisecond
	// streamRetry is how long after its end the stream is opened again, and streamRetryNone where Redis has answered that it cannot track.
	streamRetry     = 100 * time.Millisecond
	streamRetryNone = 10 * time.Second
)

// invalidations is the channel on which Redis sends the keys that have changed to a client of RESP2.
const invalidations = "__redis__:invalidate"

// l1Stream is the connection on which Redis reports which pages of l1 have changed: all of them, whoever has read them (CLIENT TRACKING in its broadcasting
// mode), redirected to the connection itself, which has subscribed to the channel. Redis keeps nothing for each page that way, and the
// connections of the pool need not track.
//
// Its life is counted in epochs: odd while it is up, even while it is not. A page is known to be what Redis has only in the epoch in which it was read or checked.
// When the stream ends for whatever reason, nothing that was kept until then is served unasked any more. It is not thrown away: Redis is asked, and
// in an outage it is all there is.
type l1Stream struct {
	now     func() time.Time
	silence time.Duration
	born    time.Time
	started atomic.Bool
	epoch   atomic.Uint64
	heard   atomic.Int64 // when the last ping was sent that was answered, after born
}

func newL1Stream() *l1Stream {
	return &l1Stream{now: time.Now, silence: streamSilence, born: time.Now()}
}

// tracks reports whether the stream is up in that epoch.
func tracks(epoch uint64) bool { return epoch%2 == 1 }

// vouches reports whether a page that was read in that epoch is known to be what Redis has, or had streamSilence ago.
func (s *l1Stream) vouches(epoch uint64, now time.Time) bool {
	return tracks(epoch) && epoch == s.epoch.Load() && s.since(now)-time.Duration(s.heard.Load()) < s.silence
}

func (s *l1Stream) since(now time.Time) time.Duration { return now.Sub(s.born) }

// followInvalidations opens the stream in the background and keeps it open until the cache is closed. The first request of l1 calls it: a cache that never
// has one needs no connection.
func (c *Cache) followInvalidations() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.l1.stream.started.CompareAndSwap(false, true) || c.closed {
		return
	}
	rdb, ok := c.rdb.(*redis.Client)
	if !ok {
		return // of a cluster each node would have to be listened to
	}
	c.background.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			select {
			case <-c.closing:
				cancel()
			case <-ctx.Done():
			}
		}()
		c.follow(ctx, rdb.Options())
	})
}

// follow opens the stream again and again until ctx ends.
func (c *Cache) follow(ctx context.Context, o *redis.Options) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := c.listen(ctx, o)
		if ctx.Err() != nil {
			return
		}
		wait := streamRetry
		if errors.As(err, new(redis.Error)) && resultOf(ctx, err) == outage.Answered {
			wait = streamRetryNone
		}
		// An outage has its own lines, and the counter l1_checks shows what it costs to have no stream.
		c.config.Load().Log.DebugContext(ctx, "no stream of invalidations: pages of l1 are checked", "error", err)
		timer.Reset(wait)
	}
}

// listen opens the stream and drops what it reports, until the connection ends, is silent for too long, or reports what cannot be read: a FLUSHALL has no keys,
// and is an error to the client.
func (c *Cache) listen(ctx context.Context, o *redis.Options) error {
	s := c.l1.stream
	client := redis.NewClient(streamOptions(o, pagePrefix(c.prefix)+"l1:"))
	defer client.Close() //nolint:errcheck // it has no connection but the subscription's
	sub := client.Subscribe(ctx)
	defer sub.Close() //nolint:errcheck // nothing is lost with it
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()

	began := s.since(s.now())
	if err := s.open(ctx, sub); err != nil {
		return err
	}
	s.heard.Store(int64(began))
	s.epoch.Add(1)
	defer s.epoch.Add(1)

	pinging, end := context.WithCancel(ctx)
	var pings sync.WaitGroup
	defer pings.Wait()
	defer end()
	pings.Go(func() { s.ping(pinging, sub) })
	for {
		message, err := s.receive(ctx, sub)
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *redis.Message:
			for _, key := range m.PayloadSlice {
				c.l1.drop(key)
			}
		case *redis.Pong: // what was invalidated before the ping was sent has been dropped
			if sent, err := strconv.ParseInt(m.Payload, 10, 64); err == nil {
				s.heard.Store(sent)
			}
		}
	}
}

// open subscribes to the invalidations, on a connection that is made for it. Once it is confirmed nothing is missed.
func (s *l1Stream) open(ctx context.Context, sub *redis.PubSub) error {
	connecting, cancel := context.WithTimeout(ctx, streamConnect)
	defer cancel()
	if err := sub.Subscribe(connecting, invalidations); err != nil {
		return err
	}
	_, err := sub.Receive(connecting)
	return err
}

// receive returns the next message. A connection that has none for so long is dead: there are pings.
func (s *l1Stream) receive(ctx context.Context, sub *redis.PubSub) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.silence)
	defer cancel()
	return sub.Receive(ctx)
}

// ping sends pings that hold when they were sent.
func (s *l1Stream) ping(ctx context.Context, sub *redis.PubSub) {
	ticker := time.NewTicker(streamPing)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := sub.Ping(ctx, strconv.FormatInt(int64(s.since(s.now())), 10)); err != nil {
			return // the connection is not what it was, as whoever receives from it finds out
		}
	}
}

// errStreamEnded is what go-redis gets when it would put a new connection in the place of one that has ended.
var errStreamEnded = errors.New("the stream of invalidations has ended")

// streamOptions returns the options of a client for one connection that tracks all keys with that prefix. It dials once: a subscription that go-redis has
// restored by itself does not tell that it has missed something.
func streamOptions(of *redis.Options, prefix string) *redis.Options {
	o := *of
	o.MaxRetries = -1 // as it is copied, none is what the default is
	o.PoolSize, o.MinIdleConns = 1, 0
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = streamConnect, streamConnect, streamConnect, streamConnect
	var dialled atomic.Bool
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errStreamEnded
		}
		return of.Dialer(ctx, network, addr)
	}
	o.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
		id, err := conn.ClientID(ctx).Result()
		if err != nil {
			return err
		}
		return conn.Do(ctx, "CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", prefix).Err()
	}
	return &o
}
