package client

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// MaxCopies is how many URLs Copies has at most. With one more, the one that has been there for the longest time is forgotten.
const MaxCopies = 1 << 14

// Copies are what a browser keeps of the responses to one request, whose URL may vary: of each URL the validator and the length of the last body that was as
// expected, not the body itself. They are one browser's, however many callers make the request, and whichever replicas answer. What is kept is never used without
// asking whether it is current, as by a user who reloads the page. The zero value has nothing.
type Copies struct {
	mu   sync.RWMutex
	of   map[string]*kept
	urls []string // in the order in which they came, from next on; then those before it
	next int
	most int // MaxCopies if it is 0
}

// kept is what Copies has of a URL. It does not change.
type kept struct {
	etag   string
	line   []byte // the header that asks whether it is current
	length int64  // of the body
}

// Forget drops everything, as a browser whose cache is emptied.
func (c *Copies) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of, c.urls, c.next = nil, nil, 0
}

// find returns what there is of a URL, or nil.
func (c *Copies) find(url []byte) *kept {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.of[string(url)]
}

// keep replaces what there is of a URL; with an empty etag, by nothing.
func (c *Copies) keep(url, etag []byte, length int64) {
	if old := c.find(url); old != nil && old.etag == string(etag) && old.length == length || old == nil && len(etag) == 0 {
		return // the usual case: it writes nothing
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string]*kept{}
	}
	name := string(url)
	if _, known := c.of[name]; !known {
		if len(c.urls) < cmp.Or(c.most, MaxCopies) {
			c.urls = append(c.urls, name)
		} else {
			delete(c.of, c.urls[c.next])
			c.urls[c.next] = name
			c.next = (c.next + 1) % len(c.urls)
		}
	}
	if len(etag) == 0 {
		c.of[name] = nil // its place in urls stays
		return
	}
	c.of[name] = &kept{etag: string(etag), line: fmt.Appendf(nil, "%s: %s\r\n", api.HeaderIfNoneMatch, etag), length: length}
}

// conditional returns why a request cannot be conditional, or nil.
func (r *Request) conditional() error {
	switch {
	case r.spec.Copies == nil:
		return nil
	case r.method != http.MethodGet:
		return errors.New("conditional: only GET can be")
	case len(r.spec.Take) > 0:
		return errors.New("conditional: a response without a body has nothing to take")
	case r.header.Get(api.HeaderIfNoneMatch) != "":
		return fmt.Errorf("conditional: header %s is the client's own", api.HeaderIfNoneMatch)
	}
	return nil
}

// question is one conditional request, and what its response says of the copy. It belongs to a caller, and its memory is used again.
type question struct {
	url     []byte
	copy    *kept  // that the request asked about; nil if there was none
	etag    []byte // of the response
	noStore bool
}

// begin begins a question about a URL, and returns the copy that there is.
func (q *question) begin(copies *Copies, url []byte) *kept {
	q.url = append(q.url[:0], url...)
	q.copy = copies.find(url)
	return q.copy
}

// answer forgets what an earlier response, or an attempt at one, has said.
func (q *question) answer() { q.etag, q.noStore = q.etag[:0], false }

// read keeps what a header says of the copy.
func (q *question) read(name, value []byte) {
	switch {
	case equalFold(name, "etag"):
		q.etag = q.etag[:0]
		if api.IsETag(value) {
			q.etag = append(q.etag, value...)
		}
	case equalFold(name, "cache-control"):
		q.noStore = q.noStore || hasFold(value, "no-store")
	}
}

// hasFold reports whether a string in lower case, ASCII only, is a part of b.
func hasFold(b []byte, lower string) bool {
	for ; len(b) >= len(lower); b = b[1:] {
		if equalFold(b[:len(lower)], lower) {
			return true
		}
	}
	return false
}

// conclude is verdict for a request that may be conditional, in which case q is its question. A 304 stands for the body that is kept, which was checked when it came.
func conclude(req *Request, q *question, out *measure.Outcome, a *answer, body []byte, d *draw) (measure.Kind, error) {
	copies := req.spec.Copies
	if copies == nil {
		return verdict(req, out, a, body, d)
	}
	out.Conditional = q.copy != nil
	if out.Status == http.StatusNotModified {
		return q.notModified(out)
	}
	kind, err := verdict(req, out, a, body, d)
	if kind == measure.OK && out.Status == http.StatusOK {
		if q.noStore {
			q.etag = q.etag[:0]
		}
		copies.keep(q.url, q.etag, out.Bytes)
	}
	return kind, err
}

// notModified judges a 304.
func (q *question) notModified(out *measure.Outcome) (measure.Kind, error) {
	switch {
	case q.copy == nil:
		return measure.Status, fmt.Errorf("status 304 to a request without %s", api.HeaderIfNoneMatch)
	case len(q.etag) > 0 && !sameETag(q.etag, q.copy.etag):
		return measure.Check, fmt.Errorf("status 304 with the ETag %s to a request that has %s", q.etag, q.copy.etag)
	}
	out.NotModified, out.Saved = true, q.copy.length
	return measure.OK, nil
}

// sameETag compares two entity tags, weakly.
func sameETag(a []byte, b string) bool {
	return string(bytes.TrimPrefix(a, []byte("W/"))) == strings.TrimPrefix(b, "W/")
}

// revalidate writes the request anew for the copy that there is of its URL.
func (j *job) revalidate(q *question) {
	if j.template == nil {
		j.wire, j.trace = append(j.wire[:0], j.Request.wire...), j.Request.trace
	}
	const version = " HTTP/1.1"
	end := bytes.IndexByte(j.wire, '\r') // of the request line
	k := q.begin(j.spec.Copies, j.wire[len(j.method)+1:end-len(version)])
	if k == nil {
		return
	}
	j.wire = slices.Insert(j.wire, end+2, k.line...)
	if j.trace > 0 {
		j.trace += len(k.line)
	}
}
