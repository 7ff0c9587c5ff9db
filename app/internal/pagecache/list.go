package pagecache

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// List is a page without its objects: their ids, and what stands before and after them in its body, which has a comma between two.
type List struct {
	IDs        []int64
	Head, Tail []byte
}

var errMalformedList = errors.New("malformed list")

// maxListed bounds what a list that is read may ask for.
const maxListed = 1 << 16

// encodeList makes the body of a list's entry: the epoch that it was read in, the ids, and the head, each after its length, and then the tail.
func encodeList(l List, epoch string) []byte {
	b := make([]byte, 0, 4*binary.MaxVarintLen64+len(epoch)+len(l.IDs)*binary.MaxVarintLen64+len(l.Head)+len(l.Tail))
	b = append(binary.AppendUvarint(b, uint64(len(epoch))), epoch...)
	b = binary.AppendUvarint(b, uint64(len(l.IDs)))
	for _, id := range l.IDs {
		b = binary.AppendVarint(b, id)
	}
	b = append(binary.AppendUvarint(b, uint64(len(l.Head))), l.Head...)
	return append(b, l.Tail...)
}

// decodeList reads what follows the epoch in the body of a list's entry. The list's head and tail are parts of b.
func decodeList(b []byte) (List, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > maxListed {
		return List{}, errMalformedList
	}
	b = b[size:]
	l := List{IDs: make([]int64, n)}
	for i := range l.IDs {
		id, size := binary.Varint(b)
		if size <= 0 {
			return List{}, errMalformedList
		}
		l.IDs[i], b = id, b[size:]
	}
	var ok bool
	if l.Head, l.Tail, ok = cutCounted(b); !ok {
		return List{}, errMalformedList
	}
	return l, nil
}

// cutCounted cuts off as many bytes as the number before them says.
func cutCounted(b []byte) (cut, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return b[:n:n], b[n:], true
}

// knownList is a list that this process has read, and what it asks Redis for with it.
type knownList struct {
	List
	generation uint64
	mget       []any // the command for all of its objects
}

// known returns the list of an entry, whose body has it after the epoch. It is decoded once for each generation.
func (r *request) known(e *entry, body []byte) (*knownList, error) {
	if k := r.slot.list.Load(); k != nil && k.generation == e.generation {
		return k, nil
	}
	l, err := decodeList(body)
	if err != nil {
		return nil, err
	}
	k := r.newKnownList(List{IDs: l.IDs, Head: bytes.Clone(l.Head), Tail: bytes.Clone(l.Tail)}, e.generation)
	r.slot.list.Store(k)
	return k, nil
}

func (r *request) newKnownList(l List, generation uint64) *knownList {
	k := &knownList{List: l, generation: generation, mget: []any{"mget"}}
	for _, id := range l.IDs {
		k.mget = append(k.mget, r.objectSlot(id).pageKey)
	}
	return k
}
