package run

import (
	"fmt"
	"strconv"
	"sync"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/scenario"
)

// load is what requests are made of: the target, one prepared request a mode, and the connections, which are kept from phase to phase.
// A phase that opened its own would have as many connects in its figures as it has connections.
type load struct {
	target   *client.Target
	requests []*client.Request // by mode
	seed     uint64

	mu   sync.Mutex // guards idle and made
	idle []client.Caller
	made uint64
}

func newLoad(base string, s *scenario.Scenario, seed uint64, options client.Options) (*load, error) {
	target, err := client.NewTarget(base, options)
	if err != nil {
		return nil, err
	}
	l := &load{target: target, seed: derive(seed, callerStream, 0, 0)}
	for _, m := range s.Modes {
		spec := client.Spec{Name: m.Name, Method: m.Method, Path: m.Path, Header: map[string]string{}, Body: []byte(m.Body), Expect: m.Expect}
		for _, h := range m.Header {
			spec.Header[h.Name] = h.Value
		}
		spec.Check.MinLength = int64(m.Check.MinBytes)
		for _, f := range m.Check.JSON {
			spec.Check.Fields = append(spec.Check.Fields, client.Field{Path: f.Path, Equals: literal(f.Want)})
		}
		request, err := target.Prepare(spec)
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", m.Name, err)
		}
		l.requests = append(l.requests, request)
	}
	return l, nil
}

// literal is a value of a JSON body as client.Field wants it.
func literal(want any) string {
	switch v := want.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64) // 1000000 and not 1e+06
	}
	return fmt.Sprint(want)
}

// caller takes a connection that is not in use, or makes one.
func (l *load) caller() drive.Caller {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return borrowed{c, l}
	}
	l.made++
	return borrowed{client.New(l.target, l.seed+l.made, l.requests), l}
}

// close closes the connections.
func (l *load) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.idle {
		_ = c.Close() // nothing is under way on it
	}
	l.idle = nil
}

// borrowed is a connection that goes back to where it came from.
type borrowed struct {
	client.Caller
	load *load
}

// Close gives the connection back.
func (b borrowed) Close() error {
	b.load.mu.Lock()
	defer b.load.mu.Unlock()
	b.load.idle = append(b.load.idle, b.Caller)
	return nil
}
