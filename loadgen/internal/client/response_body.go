package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

func (r *response) onChunkSize(line []byte) {
	var size int64
	i := 0
	for ; i < len(line); i++ {
		d := unhex(line[i])
		if d < 0 {
			break
		}
		if i == 15 {
			r.fail(hugeChunk)
			return
		}
		size = size<<4 | int64(d)
	}
	if rest := api.Trim(line[i:]); i == 0 || len(rest) > 0 && rest[0] != ';' {
		r.fail(noChunkSize)
		return
	}
	r.left, r.state, r.head = size, inChunk, 0
	if size == 0 {
		r.state = atTrailer
	}
}

// take consumes bytes of the body.
func (r *response) take(p []byte) int {
	if r.state != untilClose {
		p = p[:min(int64(len(p)), r.left)]
	}
	if r.keep && int64(len(r.body)+len(p)) <= maxChecked {
		r.body = append(r.body, p...)
	}
	r.skipped(int64(len(p)))
	return len(p)
}

// unseen is how many bytes may be thrown away next without being looked at.
func (r *response) unseen() int64 {
	switch {
	case r.keep:
		return 0
	case r.state == untilClose:
		return 1 << 20
	case r.state == inBody || r.state == inChunk:
		return r.left
	}
	return 0
}

// skipped accounts for n bytes of the body.
func (r *response) skipped(n int64) {
	r.out.Bytes += n
	if r.state == untilClose {
		return
	}
	if r.left -= n; r.left > 0 {
		return
	}
	if r.state == inChunk {
		r.state = afterChunk
	} else {
		r.state = complete
	}
}

// end returns how the response ends if the connection does.
func (r *response) end() measure.Kind {
	switch r.state {
	case complete, untilClose:
		r.state = complete
		return measure.OK
	case broken:
		return measure.BadResponse
	case atStatus:
		if r.why = strange(r.part); r.why != "" {
			r.state = broken
			return measure.BadResponse
		}
		return measure.Reset
	case atHeader:
		return measure.Reset
	default:
		return measure.Truncated
	}
}

// length returns how long the body is to be, which has not ended; -1 if that was not announced.
func (r *response) length() int64 {
	if r.state == inBody {
		return r.out.Bytes + r.left
	}
	return -1
}

// cutOff is the error of a response that ended in its body, of which got bytes had come. A length below 0 was not announced.
func cutOff(got, length int64) error {
	if length < 0 {
		return fmt.Errorf("the response ended in its body, after %d bytes: %w", got, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("the response ended after %d of the %d bytes of its body: %w", got, length, io.ErrUnexpectedEOF)
}

// strange is what the bytes are that a response began with and ended before its first line did; empty if they may have been of a status line.
func strange(part []byte) string {
	const begin, alert = "HTTP/1.", "\x15\x03"
	switch {
	case bytes.HasPrefix(part, []byte(alert)):
		return speaksTLS
	case !bytes.HasPrefix(part, []byte(begin)) && !bytes.HasPrefix([]byte(begin), part):
		return noStatusLine
	}
	return ""
}

// reusable reports whether another request may follow on the same connection.
func (r *response) reusable() bool {
	return r.state == complete && !r.close && (!r.http10 || r.keepAlive)
}

func (r *response) fail(why string) {
	r.state, r.why = broken, why
}

// brokenBy is the error of a response that is broken.
func (r *response) brokenBy() error { return coded{errors.New("bad response: " + r.why), r.why} }
