package otlp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"loadlab/loadgen/internal/trace"
)

// Limits of one span: what is beyond is left out.
const (
	maxAttributes = 32
	maxEvents     = 64
	maxLinks      = 16
	maxNames      = 1024 // that a decoder remembers
	maxName       = 256  // bytes
)

// ErrBody is what errors.Is finds when a request is no ExportTraceServiceRequest.
var ErrBody = errors.New("not an ExportTraceServiceRequest")

// Decoder reads export requests. It reads the wire format itself, because the generator shares its machine with what it measures. On an
// export of eight naive pages (BenchmarkDecode; CPU time on one core of an AMD EPYC that had other work to do, 12 rounds) a span costs a
// median of 2.5 µs (1.7 to 3.0) and 2.1 allocations, and 8.2 µs (5.8 to 9.8) and 36 allocations with the generated types. With everything
// traced, 2,000 naive pages a second are 126,000 spans a second: 31 % of a core, instead of all of one. One goroutine at a time uses a
// Decoder.
type Decoder struct {
	names map[string]string // the same few names come again and again
	span  Span
	attrs [maxAttributes]Attribute
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder { return &Decoder{names: map[string]string{}} }

// Decode calls visit with each span of a request, and returns how many it did not call it with because their ids are invalid. The span
// is visit's to copy until it returns. An error is ErrBody; the spans before the place of the error have been visited.
func (d *Decoder) Decode(body []byte, visit func(*Span)) (invalid int, err error) {
	err = within(body, 1, func(resourceSpans []byte) error {
		n, err := d.resourceSpans(resourceSpans, visit)
		invalid += n
		return err
	})
	if err != nil {
		return invalid, fmt.Errorf("%w: %w", ErrBody, err)
	}
	return invalid, nil
}

// resourceSpans reads a ResourceSpans twice, because its resource may stand behind its spans.
func (d *Decoder) resourceSpans(body []byte, visit func(*Span)) (invalid int, err error) {
	service := ""
	err = within(body, 1, func(resource []byte) error {
		return fields(resource, func(num protowire.Number, f field) error {
			if num != 1 { // attributes
				return nil
			}
			key, value, err := f.keyValue()
			if err == nil && string(key) == "service.name" {
				service, err = d.value(value, 0)
			}
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	err = within(body, 2, func(scopeSpans []byte) error {
		return within(scopeSpans, 2, func(span []byte) error {
			ok, err := d.decodeSpan(span, service)
			switch {
			case err != nil:
				return err
			case ok:
				visit(&d.span)
			default:
				invalid++
			}
			return nil
		})
	})
	return invalid, err
}

// decodeSpan reads a Span into d.span. It is not ok if its ids are not valid.
func (d *Decoder) decodeSpan(body []byte, service string) (ok bool, err error) {
	d.span = Span{Service: service}
	attrs := d.attrs[:0]
	err = fields(body, func(num protowire.Number, f field) (err error) {
		s := &d.span
		switch num {
		case 1:
			id(s.TraceID[:], f)
		case 2:
			id(s.ID[:], f)
		case 4:
			id(s.Parent[:], f)
		case 5:
			if name, ok := f.bytes(); ok {
				s.Name = d.intern(name)
			}
		case 6:
			if n, ok := f.varint(); ok {
				s.Kind = kind(int32(n))
			}
		case 7:
			s.Start = nanoseconds(s.Start, f)
		case 8:
			s.End = nanoseconds(s.End, f)
		case 9:
			attrs, err = d.attribute(attrs, f)
		case 11:
			err = d.event(f)
		case 13:
			err = d.link(f)
		case 15:
			err = d.status(f)
		}
		return err
	})
	d.span.Attributes = slices.Clone(attrs)
	return d.span.TraceID != [16]byte{} && d.span.ID != [8]byte{}, err
}

// id reads an id, which is of zeros, and so invalid, if it has not the right length.
func id(dst []byte, f field) {
	b, ok := f.bytes()
	if !ok {
		return
	}
	clear(dst)
	if len(b) == len(dst) {
		copy(dst, b)
	}
}

func kind(n int32) string {
	switch n {
	case 1:
		return "internal"
	case 2:
		return "server"
	case 3:
		return "client"
	case 4:
		return "producer"
	case 5:
		return "consumer"
	}
	return ""
}

// nanoseconds reads a time; before is what it was if f is none.
func nanoseconds(before int64, f field) int64 {
	if n, ok := f.fixed64(); ok {
		return int64(min(n, math.MaxInt64))
	}
	return before
}

func (d *Decoder) attribute(attrs []Attribute, f field) ([]Attribute, error) {
	key, value, err := f.keyValue()
	if err != nil || len(attrs) == maxAttributes {
		return attrs, err
	}
	name, ok := trace.Kept(key)
	if !ok {
		return attrs, nil
	}
	text, err := d.value(value, 0)
	if err != nil || text == "" {
		return attrs, err
	}
	return append(attrs, Attribute{Name: name, Value: text}), nil
}

// value renders an AnyValue: an array as its elements with commas between them, and nothing that is nested deeper.
func (d *Decoder) value(body []byte, depth int) (text string, err error) {
	err = fields(body, func(num protowire.Number, f field) (err error) {
		b, isBytes := f.bytes()
		n, isVarint := f.varint()
		switch {
		case num == 1 && isBytes:
			text = d.text(b)
		case num == 2 && isVarint:
			text = strconv.FormatBool(n != 0)
		case num == 3 && isVarint:
			text = strconv.FormatInt(int64(n), 10)
		case num == 4 && f.typ == protowire.Fixed64Type:
			text = strconv.FormatFloat(math.Float64frombits(f.value), 'g', -1, 64)
		case num == 5 && isBytes && depth == 0:
			text, err = d.array(b)
		}
		return err
	})
	return text, err
}

func (d *Decoder) array(body []byte) (string, error) {
	var b strings.Builder
	err := within(body, 1, func(value []byte) error {
		if b.Len() > trace.MaxText {
			return nil
		}
		text, err := d.value(value, 1)
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text)
		return err
	})
	return trace.Cut(b.String()), err
}

func (d *Decoder) event(f field) error {
	body, _ := f.bytes()
	if len(d.span.Events) == maxEvents {
		return nil
	}
	var e Event
	err := fields(body, func(num protowire.Number, f field) (err error) {
		switch num {
		case 1:
			e.At = nanoseconds(e.At, f)
		case 2:
			if name, ok := f.bytes(); ok {
				e.Name = d.intern(name)
			}
		case 3:
			e.Attributes, err = d.attribute(e.Attributes, f)
		}
		return err
	})
	d.span.Events = append(d.span.Events, e)
	return err
}

func (d *Decoder) link(f field) error {
	body, _ := f.bytes()
	var l Link
	err := fields(body, func(num protowire.Number, f field) error {
		switch num {
		case 1:
			id(l.TraceID[:], f)
		case 2:
			id(l.SpanID[:], f)
		}
		return nil
	})
	if l.TraceID != [16]byte{} && l.SpanID != [8]byte{} && len(d.span.Links) < maxLinks {
		d.span.Links = append(d.span.Links, l)
	}
	return err
}

func (d *Decoder) status(f field) error {
	body, _ := f.bytes()
	return fields(body, func(num protowire.Number, f field) error {
		b, isBytes := f.bytes()
		n, isVarint := f.varint()
		switch {
		case num == 2 && isBytes:
			d.span.Error = d.text(b)
		case num == 3 && isVarint:
			d.span.Failed = int32(n) == 2
		}
		return nil
	})
}

// text returns a value of bounded length, remembered if it is short.
func (d *Decoder) text(b []byte) string {
	if len(b) <= 32 {
		return d.intern(b)
	}
	return trace.Cut(strings.ToValidUTF8(string(b[:min(len(b), trace.MaxText+4)]), "\uFFFD"))
}

// intern returns b as a string, the same one for the same bytes.
func (d *Decoder) intern(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := strings.ToValidUTF8(string(b[:min(len(b), maxName)]), "\uFFFD")
	if len(b) <= maxName && len(d.names) < maxNames {
		d.names[string(b)] = s
	}
	return s
}
