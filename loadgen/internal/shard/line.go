package shard

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// line is one end of what a worker and the coordinator have to say to each other, over one connection after another. What must arrive is numbered and kept until
// the other end has acknowledged it. What it has not, by the greeting of the next connection, is sent again there.
type line struct {
	silence time.Duration

	mu       sync.Mutex    // guards all below
	wire     *wire         // nil while it is cut off
	times    int           // that it was attached to a wire
	posted   int64         // the number of the last message
	kept     [][]byte      // the messages that are not acknowledged, in their order
	size     int           // of what is kept
	written  int           // how many of them this wire has
	received int64         // the number of the last message that came
	since    time.Time     // it is cut off; zero before the first wire
	cuts     Cuts          // that are over
	changed  chan struct{} // closed, and made anew, when wire, kept or written change
}

// Cuts are how often the connection of a worker broke and was made again.
type Cuts struct {
	N       int           `json:"n"`
	Longest time.Duration `json:"longest"`
}

const (
	// beats is how many signs of life there are in the time that an end may be silent.
	beats = 5
	// mostKept is how many bytes are kept at most: in the time that an end may be silent there are a few hundred kilobytes of figures, and more where each request is reported.
	mostKept = 2 * longest
)

func newLine(silence time.Duration) *line {
	return &line{silence: silence, changed: make(chan struct{})}
}

// change wakes who waits for a change. The caller holds mu.
func (l *line) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// state is what may be waited for: until changed is closed, nothing of it changes.
type state struct {
	connected bool
	times     int
	kept      int
	changed   <-chan struct{}
}

func (l *line) state() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return state{l.wire != nil, l.times, len(l.kept), l.changed}
}

// post sends a message that must arrive: now, or when there is a connection. It does not wait.
func (l *line) post(m message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.Number = l.posted + 1
	frame, err := m.frame()
	if err != nil {
		return err
	}
	if l.size+len(frame) > mostKept {
		return fmt.Errorf("more than %d MiB wait for the other end", mostKept>>20)
	}
	l.posted++
	l.kept = append(l.kept, frame)
	l.size += len(frame)
	l.change()
	return nil
}

// say sends a message that is of no use later. The error of a wire is noticed by who receives from it.
func (l *line) say(m message) {
	l.mu.Lock()
	w := l.wire
	l.mu.Unlock()
	if w != nil {
		_ = w.send(m)
	}
}

// has is the number of the last message that came.
func (l *line) has() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received
}

// acknowledge is a sign of life.
func (l *line) acknowledge() {
	received := l.has()
	l.say(message{Alive: &received})
}

// attach makes w the wire. The other end has had the messages up to a number, and may know for longer that there was no connection.
func (l *line) attach(w *wire, has int64, away time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times > 0 {
		l.cuts.N++
		l.cuts.Longest = max(l.cuts.Longest, time.Since(l.since), away)
	}
	l.times++
	l.wire, l.written = w, 0
	l.drop(has)
	l.change()
}

// drop forgets the messages up to a number. The caller holds mu.
func (l *line) drop(upto int64) {
	for first := l.posted - int64(len(l.kept)) + 1; len(l.kept) > 0 && first <= upto; first++ {
		l.size -= len(l.kept[0])
		l.kept[0] = nil
		l.kept = l.kept[1:]
		l.written = max(l.written-1, 0)
	}
}

// detach notes that the wire has ended, for a reason, and returns since when there is no connection: since something came last, if nothing did.
func (l *line) detach(err error) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = time.Now()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.since = l.wire.heard
	}
	l.wire = nil
	l.change()
	return l.since
}

// broken is how often it was cut off and came back.
func (l *line) broken() Cuts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts
}

// cut ends the wire, if there is one.
func (l *line) cut() {
	l.mu.Lock()
	w := l.wire
	l.mu.Unlock()
	if w != nil {
		w.close()
	}
}

// carry sends what is posted and signs of life, and passes on what comes, until the wire that is attached ends, or pass returns an error.
func (l *line) carry(w *wire, pass func(arrived) error) error {
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		if l.write(w, stop) != nil {
			w.close() // who reads notices
		}
	})
	err := l.read(w, pass)
	w.close()
	close(stop)
	writer.Wait()
	return err
}

func (l *line) write(w *wire, stop <-chan struct{}) error {
	tick := time.NewTicker(l.silence / beats)
	defer tick.Stop()
	for {
		frame, changed := l.next()
		if frame != nil {
			if err := w.write(frame); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-tick.C:
			l.acknowledge()
		case <-stop:
			return nil
		}
	}
}

// next takes the next message that this wire has not; nil if it has all.
func (l *line) next() (frame []byte, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written < len(l.kept) {
		frame = l.kept[l.written]
		l.written++
	}
	return frame, l.changed
}

func (l *line) read(w *wire, pass func(arrived) error) error {
	for {
		m, at, err := w.receive()
		if err != nil {
			return err
		}
		more, err := l.take(&m)
		if err == nil && more {
			err = pass(arrived{message: m, at: at})
		}
		if err != nil {
			return err
		}
	}
}

// take notes what a message acknowledges, and that it has come. It reports whether it is for more than this line.
func (l *line) take(m *message) (more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case m.Alive != nil:
		l.drop(*m.Alive)
		l.change()
		return false, nil
	case m.Number == 0:
		return true, nil
	case m.Number != l.received+1: // greetings name what has come: nothing is left out, or comes twice
		return false, fatal{fmt.Errorf("message %d came after message %d", m.Number, l.received)}
	}
	l.received = m.Number
	return true, nil
}
