package redisproc

import "math/bits"

// What a real Redis 7 on 64 bits takes for a key and its value, by the formula of its own MEMORY USAGE: the two strings, each with its header
// and a zero byte at its end, in blocks of jemalloc's sizes, the value's object and the entry of the table of keys. A value of up to 44
// bytes is in one block with its object.
const (
	objectSize  = 16
	entrySize   = 24
	embedLimit  = 44
	embedHeader = 3
)

// usageOf returns what MEMORY USAGE answers for a string.
func usageOf(key, value string) int64 {
	n := entrySize + block(stringSize(len(key)))
	if len(value) <= embedLimit {
		return n + block(objectSize+embedHeader+int64(len(value))+1)
	}
	return n + objectSize + block(stringSize(len(value)))
}

// Beyond what MEMORY USAGE counts, a key takes these: the rest of its entry's block, an entry in the table of expiries, and its places in both
// tables. An empty Redis with a few clients takes emptySize.
const (
	restSize  = 64
	emptySize = 1 << 20
)

// residentSize returns by how much a string makes used_memory grow.
func residentSize(key, value string) int64 { return usageOf(key, value) + restSize }

// stringSize is a string of so many bytes with its header, whose length grows with the string's, and a zero byte.
func stringSize(n int) int64 {
	header := 1
	switch {
	case n < 1<<5:
	case n < 1<<8:
		header = 3
	case n < 1<<16:
		header = 5
	default:
		header = 9
		if n >= 1<<32 {
			header = 17
		}
	}
	return int64(header + n + 1)
}

// block returns the size of jemalloc's block for n bytes: a multiple of 16 up to 128, and then four sizes to each doubling.
func block(n int64) int64 {
	const quantum, linear = 16, 128
	if n <= 8 {
		return 8
	}
	step := int64(quantum)
	if n > linear {
		step = int64(1) << (bits.Len64(uint64(n-1)) - 3)
	}
	return (n + step - 1) / step * step
}
