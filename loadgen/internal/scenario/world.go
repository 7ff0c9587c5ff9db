package scenario

import (
	"cmp"
	"slices"
	"time"

	"loadlab/loadgen/internal/balance"
)

// World is what stands around the app: how far away its servers are and how large its cache may grow, and how many replicas of it there are. In
// the zero value nothing stands between one app and its servers.
type World struct {
	Surroundings
	Replication
}

// Surroundings are how far away the servers are that the app needs, and how large its cache may grow.
type Surroundings struct {
	Database, Redis Distance
	MaxMemory       int64 // of Redis, in bytes, beyond which it evicts the pages that were used least recently; 0 is no limit
}

// Replication is how many replicas of the app requests are spread over, and how.
type Replication struct {
	Replicas     int            // at least 1
	Balancing    balance.Policy // also where there is but one
	ReplicasLine int            // in the file; 0 if it does not say how many
}

// Replicas returns how many replicas of the app the scenario takes: the most of any phase.
func (s *Scenario) Replicas() int {
	most := slices.MaxFunc(s.Phases, func(a, b Phase) int { return cmp.Compare(a.World.Replicas, b.World.Replicas) })
	return most.World.Replicas
}

// Distance is how far away a server is.
type Distance struct {
	RTT    time.Duration // of a round trip
	Jitter time.Duration // the most that is added to each direction
	// Bandwidth is how many bytes a second pass in each direction of a connection; 0 is no limit.
	Bandwidth int64
}

// Overrides are what a run has instead of the scenario's; nil, or 0 replicas, leaves the scenario's.
type Overrides struct {
	DatabaseRTT, RedisRTT *time.Duration
	Replicas              int
}

// Over returns the scenario in another world: its own distances, and those of phases that have none of their own, are the overrides, and so is
// their number of replicas.
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
		if o.Replicas > 0 && w.Replicas == of.Replicas {
			w.Replicas = o.Replicas
		}
	}
	own := s.World
	for i := range moved.Phases {
		set(&moved.Phases[i].World, &own)
	}
	set(&moved.World, &own)
	return &moved
}
