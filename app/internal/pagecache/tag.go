package pagecache

import "github.com/cespare/xxhash/v2"

// tagOf returns the tag of a body. It is no cryptographic hash: of two bodies of one page a body that was not made to collide has the other's tag once in
// 2^64.
func tagOf(body []byte) uint64 { return max(xxhash.Sum64(body), 1) }
