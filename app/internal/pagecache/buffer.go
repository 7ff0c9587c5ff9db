package pagecache

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// firstBuffer fits the lab's usual page of 48 KB.
const firstBuffer = 64 << 10

// bufferPool lends the buffers that entries are read into. Without it, a hit allocates, clears and copies a page's worth of memory, and
// takes nearly twice as long. The zero value is ready.
type bufferPool struct {
	pool sync.Pool
	size atomic.Int64 // of the largest entry met, once it was larger than firstBuffer
}

type buffer struct {
	b    []byte
	pool *bufferPool
}

func (p *bufferPool) wanted() int { return max(firstBuffer, int(p.size.Load())) }

func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, p.wanted()), pool: p}
}

// put takes a buffer back, but not one that has become too small: it would only have to be grown again.
func (p *bufferPool) put(b *buffer) {
	if len(b.b) >= p.wanted() {
		p.pool.Put(b)
	}
}

// grow makes the buffers from now on larger if err is go-redis' about a buffer that is too small, and reports whether it was. The client
// has no error value for it.
func (p *bufferPool) grow(err error) bool {
	const text = "redis: buffer too small: need "
	_, rest, found := strings.Cut(err.Error(), text)
	if !found {
		return false
	}
	var need int64
	if _, err := fmt.Sscanf(rest, "%d bytes", &need); err != nil {
		return false
	}
	need += need/8 + 2 // pages differ a little in size; 2 for the end of line, which the client reads along
	for {
		size := p.size.Load()
		if size >= need || p.size.CompareAndSwap(size, need) {
			return true
		}
	}
}
