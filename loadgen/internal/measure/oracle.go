package measure

import (
	"slices"
	"sort"
	"sync"
	"time"

	"loadlab/loadgen/internal/result"
)

// Oracle judges from outside how stale the pages are that a mode's readers get. It gets the times at which price changes were known to be
// committed and which version each read carried. A read is stale if its version is below the last one committed before the read was
// sent; it is stale by the time from the first commit that its version lacks to its sending. It never counts a read as stale that may
// have been fresh: a commit counts from when it was known, which is later than when it was made.
//
// The zero value is ready. Its methods may be called concurrently.
type Oracle struct {
	mu            sync.Mutex // guards all below
	commits       []commit   // versions and times both ascending
	writes, reads int64
	stale         int64
	max           time.Duration
}

type commit struct {
	version int64
	at      time.Time
}

// maxCommits bounds the memory of an Oracle: 2 MB.
const maxCommits = 1 << 16

// Committed records that a price change was known to be committed as version at the time at.
func (o *Oracle) Committed(version int64, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	// Versions are handed out in commit order, but answers to concurrent changes arrive in any. So a change that is heard of late was
	// committed no later than any greater version that was heard of before.
	i := sort.Search(len(o.commits), func(i int) bool { return o.commits[i].version >= version })
	if i < len(o.commits) && o.commits[i].at.Before(at) {
		at = o.commits[i].at
	}
	for j := i; j > 0 && o.commits[j-1].at.After(at); j-- {
		o.commits[j-1].at = at
	}
	if i == len(o.commits) || o.commits[i].version != version {
		o.commits = slices.Insert(o.commits, i, commit{version: version, at: at})
	} else {
		o.commits[i].at = at
	}
	if len(o.commits) > maxCommits {
		o.thin()
	}
}

// thin forgets every other commit of the older half. A very old page may then seem younger than it is, by the time between two of
// them; which reads are stale stays exact but for pages between two forgotten versions.
func (o *Oracle) thin() {
	half := len(o.commits) / 2
	kept := o.commits[:0]
	for i, c := range o.commits {
		if i >= half || i%2 == 0 {
			kept = append(kept, c)
		}
	}
	o.commits = kept
}

// Read records that a read that was sent at sent got version.
func (o *Oracle) Read(version int64, sent time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads++
	if age := o.age(version, sent); age > 0 {
		o.stale++
		o.max = max(o.max, age)
	}
}

// Age returns how stale a read of version is that was sent at sent, without recording it; 0 if it is not.
func (o *Oracle) Age(version int64, sent time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.age(version, sent)
}

// age is above 0 for a read that is stale. The caller holds mu.
func (o *Oracle) age(version int64, sent time.Time) time.Duration {
	known := sort.Search(len(o.commits), func(i int) bool { return !o.commits[i].at.Before(sent) })
	if known == 0 || version >= o.commits[known-1].version {
		return 0
	}
	lacks := sort.Search(known, func(i int) bool { return o.commits[i].version > version })
	return sent.Sub(o.commits[lacks].at)
}

// Stale returns what was seen; start is what the times of the changes are measured from.
func (o *Oracle) Stale(start time.Time) result.Stale {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := result.Stale{Writes: o.writes, Reads: o.reads, Stale: o.stale, Max: o.max, Changes: make([]time.Duration, len(o.commits))}
	for i, c := range o.commits {
		s.Changes[i] = c.at.Sub(start)
	}
	return s
}
