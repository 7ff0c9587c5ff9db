package scenario

import (
	"time"
)

// World is how far away the servers are that the app needs, and how large its cache may grow. In the zero value nothing stands between them.
type World struct {
	Database, Redis Distance
	MaxMemory       int64 // of Redis, in bytes, beyond which it evicts the pages that were used least recently; 0 is no limit
}

// Distance is how far away a server is.
type Distance struct {
	RTT    time.Duration // of a round trip
	Jitter time.Duration // the most that is added to each direction
	// Bandwidth is how many bytes a second pass in each direction of a connection; 0 is no limit.
	Bandwidth int64
}

// Overrides are distances that a run has instead of the scenario's; nil leaves the scenario's.
type Overrides struct{ DatabaseRTT, RedisRTT *time.Duration }

// Over returns the scenario in another world: its own distances, and those of phases that have none of their own, are the overrides.
func (s *Scenario) Over(o Overrides) *Scenario {
	moved := *s
	moved.Phases = append([]Phase(nil), s.Phases...)
	set := func(w *World, of *World) {
		if o.DatabaseRTT != nil && w.Database == of.Database {
			w.Database.RTT = *o.DatabaseRTT
		}
		if o.RedisRTT != nil && w.Redis == of.Redis {
			w.Redis.RTT = *o.RedisRTT
		}
	}
	for i := range moved.Phases {
		set(&moved.Phases[i].World, &s.World)
	}
	set(&moved.World, &s.World)
	return &moved
}
