package client

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// answer is what the checks of a request need of a response beside its status: its body, how that is encoded, and which of the headers that they ask for it has.
// It belongs to a caller, and its memory is used again.
type answer struct {
	want   []HeaderCheck
	met    uint64 // a bit for each of want
	other  uint64 // the header is there, with another value
	was    []byte // the first such value
	coding []byte // Content-Encoding, in the order in which it was applied
}

// begin readies a for the response to a request.
func (a *answer) begin(r *Request) {
	*a = answer{want: r.spec.Check.Headers, was: a.was[:0], coding: a.coding[:0]}
}

// header looks at a header of the response.
func (a *answer) header(name, value []byte) {
	if equalFold(name, "content-encoding") {
		if len(a.coding) > 0 {
			a.coding = append(a.coding, ',')
		}
		a.coding = append(a.coding, value...)
	}
	for i := range a.want {
		switch w := &a.want[i]; {
		case !equalFold(name, w.lower):
		case w.matches(value):
			a.met |= 1 << i
		default:
			if a.other == 0 {
				a.was = append(a.was, value...)
			}
			a.other |= 1 << i
		}
	}
}

func (w *HeaderCheck) matches(value []byte) bool {
	want, open := strings.CutSuffix(w.Value, "*")
	want, openAtStart := strings.CutPrefix(want, "*")
	switch got := view(value); {
	case open && openAtStart:
		return strings.Contains(got, want)
	case open:
		return strings.HasPrefix(got, want)
	case openAtStart:
		return strings.HasSuffix(got, want)
	default:
		return got == want
	}
}

// headers returns why the headers fail the check, or nil.
func (a *answer) headers() error {
	for i, w := range a.want {
		switch bit := uint64(1) << i; {
		case a.met&bit != 0:
		case a.other&-a.other == bit: // the first of them, whose value was kept
			return unmet("header "+w.Name, fmt.Errorf("header %s is %q, want %q", w.Name, a.was, w.Value))
		case a.other&bit != 0:
			return unmet("header "+w.Name, fmt.Errorf("header %s is not %q", w.Name, w.Value))
		default:
			return unmet("header "+w.Name, fmt.Errorf("there is no header %s", w.Name))
		}
	}
	return nil
}

// decoded returns a body of n bytes, of which so many were kept as fit, without its content coding.
func (a *answer) decoded(n int64, body []byte) ([]byte, error) {
	if n > maxChecked {
		return nil, unmet("the body is too long", fmt.Errorf("body of %d bytes is too long to be looked at", n))
	}
	for coding := string(a.coding); coding != ""; {
		i := strings.LastIndexByte(coding, ',')
		last := strings.ToLower(strings.TrimSpace(coding[i+1:]))
		coding = coding[:max(i, 0)]
		if last == "identity" || last == "" || n == 0 {
			continue
		}
		var err error
		if body, err = decode(last, body); err != nil {
			return nil, unmet("the body cannot be decoded as "+last, fmt.Errorf("body cannot be decoded as %s: %w", last, err))
		}
	}
	return body, nil
}

// decode decodes one content coding (RFC 9110, section 8.4.1).
func decode(coding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil { // some servers send it without zlib's frame
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	case "br":
		r = brotli.NewReader(bytes.NewReader(body))
	case "zstd":
		z, failed := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChecked))
		if err = failed; err == nil {
			defer z.Close()
		}
		r = z
	default:
		err = errors.New("checks know gzip, deflate, br and zstd")
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxChecked+1))
	if err == nil && len(text) > maxChecked {
		err = fmt.Errorf("it has more than %d bytes", maxChecked)
	}
	return text, err
}

// parsed reads a JSON body, which some servers begin with a byte order mark.
func parsed(body []byte) (doc any, err error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, unmet("the body is not JSON", fmt.Errorf("body is not JSON: %w: it begins %s", cmp.Or(jsonEOF(err), err), quoted(body)))
	}
	return doc, nil
}

// jsonEOF is io.ErrUnexpectedEOF for a body that is empty, of which package json returns io.EOF.
func jsonEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return nil
}
