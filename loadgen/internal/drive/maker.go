package drive

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/measure"
)

// Session is a mode whose arrivals are of several requests, one after the other.
type Session struct {
	Steps    []int         // the modes of its requests
	ThinkMin time.Duration // its user thinks between requests, for a time between these, uniformly drawn
	ThinkMax time.Duration
	Seed     uint64 // of the think times
}

// think returns how long the user of arrival k thinks before a step, counted from 0. It is a function of the seed, k and the step.
func (v *Session) think(k int64, step int) time.Duration {
	if v.ThinkMax <= 0 {
		return 0
	}
	rng := rand.NewPCG(v.Seed^uint64(step)<<56, uint64(k))
	return v.ThinkMin + time.Duration(rand.New(rng).Int64N(int64(v.ThinkMax-v.ThinkMin)+1))
}

// sessionOf returns the session of a mode; nil if its arrivals are single requests.
func (s *phase) sessionOf(mode int) *Session {
	if mode >= len(s.Sessions) {
		return nil
	}
	return s.Sessions[mode]
}

// thinking reports whether the user of any session thinks.
func (s *phase) thinking() bool {
	for _, v := range s.Sessions {
		if v != nil && v.ThinkMax > 0 {
			return true
		}
	}
	return false
}

// patience is how long what is under way may take to its end, with some grace.
func (s *phase) patience() time.Duration {
	longest := s.Timeout
	for _, v := range s.Sessions {
		if v != nil {
			longest = max(longest, time.Duration(len(v.Steps))*(s.Timeout+v.ThinkMax))
		}
	}
	return longest + s.Grace
}

// maker is what a goroutine makes arrivals' requests with, one at a time.
type maker struct {
	*phase
	caller Caller
	drawer Drawer   // nil if the requests take no data
	known  Digester // nil if the caller does not know its requests
	alarm  Alarm    // nil if nobody thinks

	out   measure.Outcome // of a request
	whole measure.Outcome // of a session

	digest   arrival.Digest
	quickest time.Duration
}

// newMaker returns a maker with a connection of its own, and with an alarm if it is to wait.
func (s *phase) newMaker(ctx context.Context, waits bool) *maker {
	m := &maker{phase: s, caller: s.NewCaller()}
	m.drawer, _ = m.caller.(Drawer)
	m.known, _ = m.caller.(Digester)
	if waits {
		m.alarm = s.alarm(ctx)
	}
	return m
}

func (m *maker) close() {
	m.mu.Lock()
	m.phase.digest.Merge(m.digest)
	m.phase.quickest = quicker(m.phase.quickest, m.quickest)
	m.mu.Unlock()
	m.caller.Close()
	if m.alarm != nil {
		m.alarm.Close()
	}
}

// serve makes the request or the session of an arrival, and returns when it ended. at is when it was due as far as the schedule says so.
func (m *maker) serve(mode int, k, user int64, due, at time.Duration) time.Time {
	if m.drawer != nil {
		m.drawer.Draw(k, user)
	}
	if v := m.sessionOf(mode); v != nil {
		m.visit(v, mode, k, due, at)
		m.count(&m.whole)
		m.Recorder.Record(mode, due, &m.whole)
		return m.whole.Done
	}
	m.request(m.caller, mode, due, &m.out)
	m.enter(k, at, mode, mode)
	m.count(&m.out)
	return m.out.Done
}

// count counts an arrival that has ended.
func (m *maker) count(out *measure.Outcome) {
	m.countSent(out.Sent)
	if out.Kind == measure.OK {
		m.quickest = quicker(m.quickest, out.Done.Sub(out.Sent))
	}
}

// quicker returns the lesser of two times, of which 0 is none.
func quicker(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// enter adds an arrival to the digest, right after its first request: what that request was is then known for less than before.
func (m *maker) enter(k int64, at time.Duration, mode, first int) {
	var request uint64
	if m.known != nil {
		request = m.known.Digest(first)
	}
	m.digest.Add(k, at, mode, request)
}

// visit makes the requests of a session, up to the first that fails. One that is stopped while its user thinks has not failed, but its time is
// a lower bound, as that of a request that is stopped: it is timed out.
func (m *maker) visit(v *Session, mode int, k int64, due, at time.Duration) {
	whole := &m.whole
	*whole = measure.Outcome{}
	for i, step := range v.Steps {
		if i > 0 {
			due = max(whole.Done.Sub(m.start), due) + v.think(k, i)
			if m.alarm != nil && !m.alarm.Wait(m.start.Add(due)) || m.aborted.Load() {
				whole.Kind, whole.Done = measure.Timeout, time.Now()
				return
			}
		}
		m.Recorder.Scheduled(step, due)
		m.request(m.caller, step, due, &m.out)
		if i == 0 {
			m.enter(k, at, mode, step)
			whole.Sent = m.out.Sent
		}
		whole.Kind, whole.Status, whole.Done, whole.Err, whole.Code = m.out.Kind, m.out.Status, m.out.Done, m.out.Err, m.out.Code
		whole.Bytes += m.out.Bytes
		if m.out.Kind != measure.OK {
			return
		}
	}
}

// rationed is a stream of arrivals for which there is a limited number of rows.
type rationed struct {
	arrival.Stream
	left   int64
	ranOut *atomic.Bool // there was an arrival without a row
}

func (s *rationed) Next() (time.Duration, bool) {
	due, ok := s.Stream.Next()
	if ok && s.left == 0 {
		s.ranOut.Store(true)
		return 0, false
	}
	s.left--
	return due, ok
}
