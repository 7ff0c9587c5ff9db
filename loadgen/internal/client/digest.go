package client

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"loadlab/loadgen/internal/keys"
)

// row returns the row that the arrival takes of a source, and adds it to the digest of what is being written.
func (d *draw) row(s *keys.Source) int64 {
	row := s.Row(d.seed, d.k, d.user)
	d.rows = mix(d.rows ^ uint64(row))
	return row
}

// fixedDigest is a hash of what is the same in every request of a spec: its text, with the names of its variables.
func (s *Spec) fixedDigest() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q %q", s.Method, s.Path, s.Body)
	for _, name := range slices.Sorted(maps.Keys(s.Header)) {
		fmt.Fprintf(h, " %q %q", name, s.Header[name])
	}
	return mix(h.Sum64())
}

// digest returns a hash of the request with the data of an arrival. That of a request which has just been written is known.
func (r *Request) digest(d *draw) uint64 {
	t := r.template
	if t == nil {
		return r.fixed
	}
	if d.written != t {
		d.rows = 0
		for _, text := range []pieces{t.start, t.fields, t.body} {
			for _, p := range text {
				if p.source != nil {
					d.row(p.source)
				}
			}
		}
	}
	return mix(r.fixed ^ d.rows)
}

// Digest implements Caller.
func (c *Conn) Digest(mode int) uint64 { return c.jobs[mode].digest(c.draw) }

// Digest implements Caller.
func (c *HTTPCaller) Digest(mode int) uint64 { return c.reqs[mode].digest(c.draw) }

// Digest implements Caller. It is the same at all replicas.
func (b *Balanced) Digest(mode int) uint64 { return b.caller(0).Digest(mode) }
