package redisproc

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Policies of maxmemory.
const (
	policyNone = "noeviction"
	policyLRU  = "allkeys-lru"
)

// purgeEvery is how often, at most, keys are looked for that have expired. Until then they pass for resident.
const purgeEvery = 100 * time.Millisecond

// memory keeps the strings of database 0 below maxmemory, as a real Redis does: before a command is executed, while the memory is above the
// limit, it evicts the key that was used the longest ago, or refuses the command if it may not evict and the command needs memory. A real
// Redis takes the oldest of a sample of five, by a clock of seconds; this is the LRU that it approximates. Keys of other types and in other
// databases are not counted.
//
// Without a limit it costs a command one look-up of its connection. With one, it follows which keys commands name. What a command has made
// of them is read after it: when its connection sends the next one, and before every other that writes.
type memory struct {
	db      *miniredis.RedisDB
	clients sync.Map // *server.Peer to *client, of the connections; a script's commands come from peers of their own
	limit   atomic.Int64
	evicted atomic.Int64

	mu      sync.Mutex // guards the rest; never held by a script's commands, which run under miniredis' own lock
	policy  string
	used    int64
	keys    map[string]*list.Element
	order   *list.List // of *resident, the last used first
	writing map[*client]bool
	purged  time.Time
}

// resident is a key and what it takes.
type resident struct {
	key  string
	size int64
}

// client is a connection.
type client struct {
	written []string // keys that its last command may have changed; all since MULTI in a transaction
	multi   bool
}

func newMemory(m *miniredis.Miniredis) *memory {
	return &memory{db: m.DB(0), policy: policyNone, keys: map[string]*list.Element{}, order: list.New(), writing: map[*client]bool{}}
}

// client returns the connection of a peer. It is not ok for a peer that is a script's: those have a context from the start, and a connection gets
// its own with its first command, which is known here before it is executed.
func (m *memory) client(peer *server.Peer) (*client, bool) {
	if known, ok := m.clients.Load(peer); ok {
		return known.(*client), true
	}
	if peer.Ctx != nil {
		return nil, false
	}
	c := &client{}
	m.clients.Store(peer, c)
	peer.OnDisconnect(func() {
		m.clients.Delete(peer)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.executed(c)
	})
	return c, true
}

// limits returns maxmemory and its policy.
func (m *memory) limits() (limit int64, policy string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.limit.Load(), m.policy
}

// setLimits changes both. Keys that were there before there was a limit count as used in the order of their names.
func (m *memory) setLimits(limit int64, policy string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	followed := m.limit.Swap(limit) > 0
	m.policy = policy
	switch {
	case limit == 0:
		m.used = 0
		clear(m.keys)
		m.order.Init()
	case !followed:
		for _, key := range m.db.Keys() {
			m.measure(key)
		}
	}
}

// total returns the memory that is used, whether it is limited or not.
func (m *memory) total() int64 {
	sum := int64(emptySize)
	for _, key := range m.db.Keys() {
		if value, err := m.db.Get(key); err == nil {
			sum += residentSize(key, value)
		}
	}
	return sum
}

// before makes room for a command, or answers it with an error if there is none.
func (m *memory) before(c *client, peer *server.Peer, cmd string, args []string) (answered bool) {
	if m.limit.Load() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !c.multi { // else its commands are queued
		m.executed(c)
	}
	writes := !reads(cmd)
	if writes {
		for other := range m.writing {
			m.measureAll(other.written)
		}
	}
	c.multi = cmd == "MULTI" || c.multi && cmd != "EXEC" && cmd != "DISCARD"
	if m.over() {
		m.evict()
		if m.over() && needsMemory(cmd) {
			peer.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
			return true
		}
	}
	for _, key := range keysOf(cmd, args) {
		if at, ok := m.keys[key]; ok && touches(cmd) {
			m.order.MoveToFront(at)
		}
		if writes {
			c.written = append(c.written, key)
			m.writing[c] = true
		}
	}
	return false
}

// executed measures what a connection's commands have written, when it is sure that they have been executed.
func (m *memory) executed(c *client) {
	m.measureAll(c.written)
	c.written = c.written[:0]
	delete(m.writing, c)
}

func (m *memory) measureAll(keys []string) {
	for _, key := range keys {
		m.measure(key)
	}
}

func (m *memory) over() bool { return m.used+emptySize > m.limit.Load() }

// evict evicts keys until the memory is below the limit.
func (m *memory) evict() {
	if now := time.Now(); now.Sub(m.purged) >= purgeEvery {
		m.purged = now
		for key := range m.keys {
			m.measure(key)
		}
	}
	for m.policy == policyLRU && m.over() && m.order.Len() > 0 {
		key := m.order.Back().Value.(*resident).key
		if m.db.Del(key) { // else it had expired
			m.evicted.Add(1)
		}
		m.measure(key)
	}
}

// measure reads how much memory a key takes as it is.
func (m *memory) measure(key string) {
	var size int64
	if value, err := m.db.Get(key); err == nil {
		size = residentSize(key, value)
	}
	at, known := m.keys[key]
	switch {
	case size == 0 && known:
		m.used -= at.Value.(*resident).size
		m.order.Remove(at)
		delete(m.keys, key)
	case size > 0 && known:
		r := at.Value.(*resident)
		m.used += size - r.size
		r.size = size
	case size > 0:
		m.used += size
		m.keys[key] = m.order.PushFront(&resident{key, size})
	}
}
