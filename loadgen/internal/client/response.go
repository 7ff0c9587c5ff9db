package client

import (
	"bytes"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// Limits of what a response may put before and between its body: those of curl (MAX_HTTP_RESP_HEADER_SIZE and DYN_H1_TRAILER of lib/http.h).
const (
	maxLine = 100 << 10 // one line of it
	maxHead = 300 << 10 // all of it: interim responses, headers, trailers
)

// state is where in a response the parser is.
type state uint8

const (
	atStatus state = iota
	atHeader
	inBody     // of known length
	untilClose // in a body that ends with its connection
	atChunkSize
	inChunk
	afterChunk // before the line end that follows a chunk
	atTrailer
	complete
	broken
)

// response parses one response of HTTP/1.x that is fed to it in pieces. The result is the same however the bytes are cut into pieces,
// and no byte beyond the response's own framing is consumed. Only framing and the lab's headers are looked at.
type response struct {
	out    *measure.Outcome
	state  state
	why    string    // it is broken
	bodied bool      // false for an answer to HEAD
	keep   bool      // body is wanted
	ask    *question // of a conditional request
	answer *answer   // of a request whose checks look at headers

	interim, http10  bool
	chunked, sized   bool
	close, keepAlive bool
	left             int64  // of the body or chunk
	head             int    // bytes of lines so far, of one chunk if in the body
	part             []byte // of a line
	held             []byte // a header line that the next one may continue
	body             []byte
}

// begin readies r for the response to the next request.
func (r *response) begin(out *measure.Outcome, head, keep bool) {
	*r = response{out: out, bodied: !head, keep: keep, part: r.part[:0], held: r.held[:0], body: r.body[:0]}
}

// feed consumes bytes of the response and returns how many; fewer than all of them only if the response ended, well or badly.
func (r *response) feed(p []byte) int {
	n := 0
	for n < len(p) && r.state < complete {
		switch r.state {
		case inBody, inChunk, untilClose:
			n += r.take(p[n:])
		default:
			line, used, whole := r.line(p[n:])
			n += used
			if whole {
				r.onLine(line, p[n:])
			}
		}
	}
	return n
}

// line returns the next line without its end; what there is of a line that p does not complete is kept for the next piece.
func (r *response) line(p []byte) (line []byte, used int, whole bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		if len(r.part)+len(p) > maxLine {
			r.fail(longLine)
			return nil, 0, false
		}
		r.part = append(r.part, p...)
		return nil, len(p), false
	}
	line = p[:i]
	if len(r.part)+i > maxLine {
		r.fail(longLine)
		return nil, 0, false
	}
	if len(r.part) > 0 {
		line = append(r.part, line...)
		r.part = line[:0]
	}
	if r.head += len(line) + 1; r.head > maxHead {
		r.fail(longHead)
		return nil, 0, false
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, i + 1, true
}

// onLine takes a line. next are the bytes after it, as far as they are there.
func (r *response) onLine(line, next []byte) {
	switch r.state {
	case atStatus:
		r.onStatus(line)
	case atHeader, atTrailer:
		r.unfold(line, next)
	case atChunkSize:
		r.onChunkSize(line)
	default: // afterChunk: feed reads lines in no other state
		r.state, r.head = atChunkSize, 0
		if len(line) > 0 {
			r.fail(longChunk)
		}
	}
}

// unfold takes a line of a head or of trailers. A line that begins with a blank continues the one before (RFC 9112, section 5.2), so that a line waits until
// the first byte of the next is there. It usually is, and then nothing is copied.
func (r *response) unfold(line, next []byte) {
	if len(line) > 0 && isBlank(line[0]) {
		switch {
		case len(r.held) == 0:
			r.fail("the first header begins with a blank")
		case len(r.held)+len(line) > maxLine:
			r.fail(longLine)
		default:
			r.held = append(append(r.held, ' '), api.Trim(line)...)
		}
		return
	}
	if len(r.held) > 0 {
		r.onField(r.held)
		if r.held = r.held[:0]; r.state == broken {
			return
		}
	}
	switch {
	case len(line) == 0 && r.state == atTrailer:
		r.state = complete
	case len(line) == 0:
		r.onHeadEnd()
	case len(next) > 0 && !isBlank(next[0]):
		r.onField(line)
	default:
		r.held = append(r.held, line...)
	}
}

// onField takes a header or a trailer that is whole.
func (r *response) onField(line []byte) {
	name, value, ok := cutHeader(line)
	switch {
	case !ok:
		r.fail(noName)
	case bytes.IndexByte(value, 0) >= 0: // RFC 9110, section 5.5
		r.fail(nul)
	case r.state == atTrailer:
		r.onTrailer(name, value)
	case !r.interim:
		r.onHeader(name, value)
	}
}

func (r *response) onStatus(line []byte) {
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[7] < '0' || line[7] > '9' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		r.fail(noStatusLine)
		return
	}
	code, ok := api.Number(line[9:12])
	if !ok || code < 100 || code == 101 {
		r.fail(unasked)
		return
	}
	r.interim = code < 200
	r.http10 = line[7] == '0'
	r.out.Status = int(code)
	r.state = atHeader
}

func (r *response) onHeader(name, value []byte) {
	switch len(name) {
	case len("connection"):
		if equalFold(name, "connection") {
			r.onConnection(value)
		}
	case len("content-length"):
		if equalFold(name, "content-length") {
			r.onLength(value)
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			r.onCoding(value)
		}
	default:
		record(r.out, name, value)
		if r.ask != nil {
			r.ask.read(name, value)
		}
	}
	if r.answer != nil {
		r.answer.header(name, value)
	}
}

// onCoding takes a transfer coding. RFC 9112 has no "identity" any more; servers before it wrote it for none.
func (r *response) onCoding(value []byte) {
	switch {
	case equalFold(value, "identity"):
	case r.chunked || !equalFold(value, "chunked"):
		r.fail(otherCoding)
	default:
		r.chunked = true
	}
}

func (r *response) onTrailer(name, value []byte) {
	// The total is often known only at the end: Server-Timing is the one field of the lab's that may be a trailer.
	if equalFold(name, "server-timing") {
		recordTiming(r.out, value)
	}
}

func (r *response) onConnection(value []byte) {
	for len(value) > 0 {
		token, rest, _ := bytes.Cut(value, []byte{','})
		token = api.Trim(token)
		r.close = r.close || equalFold(token, "close")
		r.keepAlive = r.keepAlive || equalFold(token, "keep-alive")
		value = rest
	}
}

// onLength takes a Content-Length, which may be a list of the same number (RFC 9110, section 8.6).
func (r *response) onLength(value []byte) {
	for more := true; more; {
		var one []byte
		one, value, more = bytes.Cut(value, []byte{','})
		one = api.Trim(one)
		for len(one) > 1 && one[0] == '0' {
			one = one[1:]
		}
		n, ok := api.Number(one)
		if !ok || r.sized && n != r.left {
			r.fail(noLength)
			return
		}
		r.sized, r.left = true, n
	}
}

// onHeadEnd decides how the body is framed: RFC 9112, section 6.3.
func (r *response) onHeadEnd() {
	status := r.out.Status
	switch {
	case r.interim:
		r.state = atStatus
	case !r.bodied || status == 204 || status == 304:
		r.state = complete
	case r.chunked:
		// Both framings at once, or chunks in HTTP/1.0: something on the way is confused about where the response ends.
		r.close = r.close || r.sized || r.http10
		r.state, r.head = atChunkSize, 0
	case r.sized && r.left == 0:
		r.state = complete
	case r.sized:
		r.state = inBody
	default:
		r.state, r.close = untilClose, true
	}
}
