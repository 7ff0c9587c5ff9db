package testkit

import (
	"bytes"
	"strings"
	"sync"
)

// Log is a buffer that can be read and watched while it is written. The zero value is empty.
type Log struct {
	mu      sync.Mutex // guards all below
	b       bytes.Buffer
	waiting map[string]chan struct{}
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	for text, written := range l.waiting {
		if strings.Contains(l.b.String(), text) {
			close(written)
			delete(l.waiting, text)
		}
	}
	return len(p), nil
}

// String returns what has been written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Written returns a channel that is closed as soon as the log contains text.
func (l *Log) Written(text string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	written, ok := l.waiting[text]
	switch {
	case ok:
		return written
	case strings.Contains(l.b.String(), text):
		written = make(chan struct{})
		close(written)
		return written
	}
	if l.waiting == nil {
		l.waiting = map[string]chan struct{}{}
	}
	written = make(chan struct{})
	l.waiting[text] = written
	return written
}
