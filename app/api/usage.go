package api

import (
	"strings"
	"time"
)

// Usage is what the app and its Redis have used since they started, and what is cached: GET /lab/usage. With ?strategy=ttl it also looks at
// the pages of that strategy.
type Usage struct {
	// CPU is the CPU time of the app's process; 0 where the system keeps no account of it.
	CPU time.Duration `json:"cpu_ns"`
	// GC is the part of it that the app's garbage collector took, by the runtime's estimate, which is of the end of its last cycle. Allocations are the
	// objects that the app has allocated. Both are of the app of which CPU is.
	GC          time.Duration `json:"gc_cpu_ns"`
	Allocations int64         `json:"allocations"`
	// RedisCPU is the CPU time of Redis' process, by its own account (INFO cpu).
	RedisCPU time.Duration `json:"redis_cpu_ns"`
	// DatabaseCPU is the CPU time of the database's processes, by the account of its machine; 0 if it is in the app's, or does not say.
	DatabaseCPU time.Duration `json:"database_cpu_ns"`
	// RedisBytesOut is what Redis has sent to its clients (INFO stats), but for what it took to answer GET /lab/usage.
	RedisBytesOut int64 `json:"redis_bytes_out"`
	Evicted       int64 `json:"evicted"`    // keys that Redis has evicted
	MaxMemory     int64 `json:"max_memory"` // bytes; 0 is no limit

	Pages     int64 `json:"pages,omitempty"`      // cached pages of the strategy
	PageBytes int64 `json:"page_bytes,omitempty"` // memory that one of them takes, overhead included: the mean of a sample
}

// RedisMemory is the body of PUT /lab/redis/memory, and its answer. MaxMemory 0 in a PUT puts back the limit and the policy that Redis had
// before the first change.
type RedisMemory struct {
	MaxMemory int64  `json:"maxmemory"` // bytes
	Policy    string `json:"policy,omitempty"`
}

// Bounds of RedisMemory: an empty Redis takes about the least.
const (
	LeastMaxMemory = 1 << 20
	MostMaxMemory  = 1 << 40
)

// Policies are those of RedisMemory; the first holds where none is given. The embedded Redis has the first two.
func Policies() []string {
	return []string{"allkeys-lru", "noeviction", "allkeys-lfu", "allkeys-random"}
}

// DatabaseInApp reports whether a database of that name (Info.Database) runs inside the app's process, so that what it uses the app uses.
func DatabaseInApp(name string) bool { return strings.HasPrefix(name, "SQLite") }
