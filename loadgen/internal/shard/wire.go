package shard

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// wire sends and receives messages over one connection. Its send may be called concurrently.
type wire struct {
	conn  *tls.Conn
	quiet time.Duration // it is broken when for so long nothing moved
	heard time.Time     // when anything came last, for the goroutine that receives

	mu sync.Mutex // guards writes
}

func newWire(conn *tls.Conn, silence time.Duration) *wire {
	return &wire{conn: conn, quiet: silence / 2, heard: time.Now()}
}

// send sends a message.
func (w *wire) send(m message) error {
	frame, err := m.frame()
	if err != nil {
		return err
	}
	return w.write(frame)
}

// piece is how much of a message is to be written before the wire counts as quiet: a long message may take longer than that.
const piece = 64 << 10

func (w *wire) write(frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(frame) > 0 {
		n := min(len(frame), piece)
		if err := w.conn.SetWriteDeadline(time.Now().Add(w.quiet)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if _, err := w.conn.Write(frame[:n]); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		frame = frame[n:]
	}
	return nil
}

// Read reads what comes before the wire counts as quiet.
func (w *wire) Read(b []byte) (int, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(w.quiet)); err != nil {
		return 0, err
	}
	n, err := w.conn.Read(b)
	if n > 0 {
		w.heard = time.Now()
	}
	return n, err
}

// close ends the connection at once: without a word to the other end, which may not be there to hear it.
func (w *wire) close() { _ = w.conn.NetConn().Close() }

// fatal is an error that no other connection helps against.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// receive waits for the next message, and returns when it came: before it was read further than its length.
func (w *wire) receive() (m message, at time.Time, err error) {
	var head [4]byte
	if _, err := io.ReadFull(w, head[:]); err != nil {
		return m, at, err
	}
	at = time.Now()
	n := binary.BigEndian.Uint32(head[:])
	if n > longest {
		return m, at, fatal{errLong}
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(w, text); err != nil {
		return m, at, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, at, fatal{fmt.Errorf("read a message: %w", err)}
	}
	return m, at, nil
}
