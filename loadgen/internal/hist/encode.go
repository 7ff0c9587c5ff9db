package hist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Encoder encodes histograms one after the other. It writes what hdrhistogram-go writes, but for the level of compression, and keeps
// its buffers: the library's own allocates 840 kB for each and takes several times as long, which a load generator would notice. The
// zero value is ready; it has no lock.
type Encoder struct {
	plain, packed bytes.Buffer
	zlib          *zlib.Writer
}

// V2 cookies, with the word size that HdrHistogram's readers expect in their second nibble.
const (
	cookiePlain  = uint32(hdr.V2EncodingCookieBase) | 0x10
	cookiePacked = uint32(hdr.V2CompressedEncodingCookieBase) | 0x10
)

// Encode returns h in HdrHistogram's V2 compressed encoding, base64. An empty histogram is the empty string.
func (e *Encoder) Encode(h *Histogram) (string, error) {
	if h.Count() == 0 {
		return "", nil
	}
	e.plain.Reset()
	return e.pack(AppendPlain(e.plain.AvailableBuffer(), h))
}

// pack compresses what the plain encoding is.
func (e *Encoder) pack(plain []byte) (string, error) {
	e.plain.Reset()
	e.plain.Write(plain)
	e.packed.Reset()
	e.packed.Write(make([]byte, 8)) // cookie and length, when that is known
	if e.zlib == nil {
		w, err := zlib.NewWriterLevel(&e.packed, zlib.BestSpeed)
		if err != nil {
			return "", fmt.Errorf("encode histogram: %w", err)
		}
		e.zlib = w
	} else {
		e.zlib.Reset(&e.packed)
	}
	if _, err := e.zlib.Write(e.plain.Bytes()); err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	if err := e.zlib.Close(); err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	b := e.packed.Bytes()
	binary.BigEndian.PutUint32(b, cookiePacked)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-8)) //nolint:gosec // at most 200 kB
	return base64.StdEncoding.EncodeToString(b), nil
}

// AppendPlain appends a histogram in HdrHistogram's V2 encoding without compression, for who reads it at once: see Sum.
func AppendPlain(b []byte, h *Histogram) []byte { return appendPlain(b, 0, h.h.Export().Counts) }

// appendPlain appends the uncompressed encoding: a header of 40 bytes, then the counts up to the last that is not zero, zigzag and
// LEB128 (Go's varint, as no count here needs its tenth byte), with a run of zeros written as minus its length. So many zeros come before counts.
func appendPlain(b []byte, zeros int64, counts []int64) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, cookiePlain)
	b = binary.BigEndian.AppendUint32(b, 0) // the length of the counts
	b = binary.BigEndian.AppendUint32(b, 0) // normalizing index offset
	b = binary.BigEndian.AppendUint32(b, Digits)
	b = binary.BigEndian.AppendUint64(b, uint64(Lowest/unit))
	b = binary.BigEndian.AppendUint64(b, uint64(Highest/unit))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(1)) // integer to double conversion ratio
	for _, n := range counts {
		if n == 0 {
			zeros++
			continue
		}
		switch {
		case zeros == 1:
			b = binary.AppendVarint(b, 0)
		case zeros > 1:
			b = binary.AppendVarint(b, -zeros)
		}
		zeros = 0
		b = binary.AppendVarint(b, n)
	}
	binary.BigEndian.PutUint32(b[start+4:], uint32(len(b)-start-40)) //nolint:gosec // at most 200 kB
	return b
}

// Encode is Encoder.Encode for a single histogram.
func (h *Histogram) Encode() (string, error) { return new(Encoder).Encode(h) }

// errGeometry is what Decode finds in a histogram that this package did not write.
var errGeometry = errors.New("decode histogram: not of 1 us to 60 s with 3 digits")

// Decode reads what Encode wrote. It fails on anything malformed and on any other geometry.
func Decode(s string) (*Histogram, error) {
	if s == "" {
		return New(), nil
	}
	h, err := hdr.Decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	if h.LowestTrackableValue() != int64(Lowest/unit) || h.HighestTrackableValue() != int64(Highest/unit) || h.SignificantFigures() != Digits {
		return nil, errGeometry
	}
	return &Histogram{h: h}, nil
}

// Merge decodes every one of encoded and adds them up.
func Merge(encoded []string) (*Histogram, error) {
	all := New()
	for _, s := range encoded {
		if s == "" {
			continue
		}
		h, err := Decode(s)
		if err != nil {
			return nil, err
		}
		if err := all.Add(h); err != nil {
			return nil, err
		}
	}
	return all, nil
}
