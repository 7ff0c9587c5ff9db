package shard

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// message is what is sent, either way: the length of its JSON in 4 bytes, and the JSON. One of its fields is set.
type message struct {
	// Of a worker.
	Hello  *Identity `json:"hello,omitempty"`
	Ask    *stamps   `json:"ask,omitempty"` // what time is it?
	Ready  *ready    `json:"ready,omitempty"`
	Report *Report   `json:"report,omitempty"`
	Failed string    `json:"failed,omitempty"` // it cannot do its part

	// Of the coordinator.
	Welcome json.RawMessage `json:"welcome,omitempty"` // the job
	Refused string          `json:"refused,omitempty"`
	Time    *stamps         `json:"time,omitempty"` // the answer
	Prepare *Phase          `json:"prepare,omitempty"`
	Start   *begin          `json:"start,omitempty"`
	Stop    bool            `json:"stop,omitempty"` // end the phase
	End     bool            `json:"end,omitempty"`  // of the run

	// Of both: they live.
	Alive bool `json:"alive,omitempty"`
}

// stamps are readings of two clocks, in nanoseconds of Unix time.
type stamps struct {
	Asked    int64 `json:"asked"`    // the worker's clock
	Received int64 `json:"received"` // the coordinator's
	Answered int64 `json:"answered"`
}

// ready is a worker that waits for the begin of a phase.
type ready struct {
	Phase int   `json:"phase"`
	Clock Clock `json:"clock"`
}

// begin is when a phase begins by the coordinator's clock, in nanoseconds of Unix time.
type begin struct {
	Phase int   `json:"phase"`
	At    int64 `json:"at"`
}

// longest is the greatest length of a message: a second of outcomes at a high rate has some megabytes.
const longest = 64 << 20

// wire sends and receives messages over a connection. Its send may be called concurrently.
type wire struct {
	conn    net.Conn
	silence time.Duration

	mu sync.Mutex // guards writes
}

// send sends a message. It gives up after the time that the other end may be silent.
func (w *wire) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text))) //nolint:gosec // below longest, or refused there
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.silence)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if _, err := w.conn.Write(append(frame, text...)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

var errLong = errors.New("a message is too long")

// receive waits for the next message, and returns when it came: before it was read further than its length.
func (w *wire) receive() (m message, at time.Time, err error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(w.silence)); err != nil {
		return m, at, err
	}
	var head [4]byte
	if _, err := io.ReadFull(w.conn, head[:]); err != nil {
		return m, at, err
	}
	at = time.Now()
	n := binary.BigEndian.Uint32(head[:])
	if n > longest {
		return m, at, errLong
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(w.conn, text); err != nil {
		return m, at, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, at, fmt.Errorf("read a message: %w", err)
	}
	return m, at, nil
}

// beat keeps the other end from taking this one for dead, until stop is closed or it cannot be reached.
func (w *wire) beat(stop <-chan struct{}) {
	tick := time.NewTicker(w.silence / beats)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if w.send(message{Alive: true}) != nil {
				return
			}
		case <-stop:
			return
		}
	}
}

// beats is how many signs of life there are in the time that an end may be silent.
const beats = 5
