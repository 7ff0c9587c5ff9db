package api

import "time"

// Dependencies of the app whose outages it keeps account of.
const (
	DependencyRedis    = "redis"
	DependencyDatabase = "database"
)

// Outages are the outages that the app has met since it started, in the order in which they began: GET /lab/outages.
type Outages struct {
	Outages []Outage `json:"outages"`
	Dropped int64    `json:"dropped"` // the oldest ones, for which there was no room
}

// Outage is one outage of one dependency, as the app met it: from the begin of the first call that failed until it was known to answer
// again. An outage that no call meets is none.
type Outage struct {
	Dependency string    `json:"dependency"` // DependencyRedis or DependencyDatabase
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended,omitzero"` // zero while it lasts
	Failed     int64     `json:"failed"`         // calls that failed
	Skipped    int64     `json:"skipped"`        // calls that the breaker spared
	Probes     int64     `json:"probes"`         // questions in the background whether it answers
	Attempts   int64     `json:"attempts"`       // all that was sent to it in vain: the calls that failed, and the probes
}

// Ongoing reports whether the outage lasts.
func (o Outage) Ongoing() bool { return o.Ended.IsZero() }

// Lasted returns how long the outage lasted, or has lasted at now.
func (o Outage) Lasted(now time.Time) time.Duration {
	if !o.Ongoing() {
		now = o.Ended
	}
	return now.Sub(o.Began)
}

// Of returns the outages of one dependency that lasted at any moment from begin to end: those that a phase met.
func (o Outages) Of(dependency string, begin, end time.Time) []Outage {
	var met []Outage
	for _, one := range o.Outages {
		if one.Dependency == dependency && !one.Began.After(end) && (one.Ongoing() || !one.Ended.Before(begin)) {
			met = append(met, one)
		}
	}
	return met
}
