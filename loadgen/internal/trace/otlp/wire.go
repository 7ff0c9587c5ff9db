package otlp

import "google.golang.org/protobuf/encoding/protowire"

// field is the value of a field. Asked for another type than it has, it is as if it were not there: so protobuf treats a field whose
// type has changed.
type field struct {
	typ   protowire.Type
	body  []byte
	value uint64
}

// bytes returns the bytes of a string or message.
func (f field) bytes() (b []byte, ok bool) { return f.body, f.typ == protowire.BytesType }

// varint returns an integer, truth value or enumeration.
func (f field) varint() (n uint64, ok bool) { return f.value, f.typ == protowire.VarintType }

// fixed64 returns a number of eight bytes.
func (f field) fixed64() (n uint64, ok bool) { return f.value, f.typ == protowire.Fixed64Type }

// keyValue reads a KeyValue.
func (f field) keyValue() (key, value []byte, err error) {
	body, _ := f.bytes()
	err = fields(body, func(num protowire.Number, f field) error {
		b, ok := f.bytes()
		switch {
		case !ok:
		case num == 1:
			key = b
		case num == 2 && value == nil:
			value = b
		case num == 2: // a message that comes in parts is those parts one after the other
			value = append(value[:len(value):len(value)], b...)
		}
		return nil
	})
	return key, value, err
}

// fields calls visit with every field of a message.
func fields(b []byte, visit func(protowire.Number, field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := field{typ: typ}
		switch typ {
		case protowire.BytesType:
			f.body, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := visit(num, f); err != nil {
			return err
		}
	}
	return nil
}

// within calls visit with every field of the messages that are field num of a message.
func within(b []byte, num protowire.Number, visit func(body []byte) error) error {
	return fields(b, func(n protowire.Number, f field) error {
		if body, ok := f.bytes(); ok && n == num {
			return visit(body)
		}
		return nil
	})
}
