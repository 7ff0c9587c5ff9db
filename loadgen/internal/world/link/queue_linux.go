package link

// side is one end of a connection.
type side struct {
	*pair
	peer       *side
	fd         int // -1 if there is none
	gen        int32
	connecting bool
	events     uint32 // that are watched for
	readEnded  bool   // nothing more will be read from it
	broken     bool   // reset by its end: nothing more can be written to it
	out        queue  // what waits to be written to it
}

// pair is a connection: the side that a client made, and the one to the server.
type pair struct {
	near, far *side
	number    int64 // counts connections from 1
	tried     int   // targets that were not reached
	closed    bool

	held bool    // nothing is delivered
	slow bool    // the way back is longer
	dead *effect // if not nil, what is read is dropped, and counted there
}

// chunk is bytes that leave together, or the end of the stream, or a reset.
type chunk struct {
	due  int64 // ns since the link began
	data []byte
	mark mark
}

// mark is what a chunk without bytes is.
type mark uint8

const (
	markBytes mark = iota
	markEnd
	markReset
)

// queue is what waits to be written to one side, in the order in which it leaves.
type queue struct {
	chunks []chunk
	head   int // the first that waits
	bytes  int
	free   int64 // when the wire has taken what was given to it: bandwidth
	last   int64 // when what was given last leaves
	index  int   // in the heap, plus 1; 0 if it is not in it
	ended  bool  // the end of the stream has been written
}

func (q *queue) empty() bool   { return q.head == len(q.chunks) }
func (q *queue) first() *chunk { return &q.chunks[q.head] }

// pop removes the first chunk.
func (q *queue) pop() {
	q.chunks[q.head] = chunk{}
	q.head++
	if q.empty() {
		q.chunks, q.head = q.chunks[:0], 0
	} else if q.head >= 64 && q.head > len(q.chunks)/2 { // a queue that is never empty must not grow for ever
		n := copy(q.chunks, q.chunks[q.head:])
		clear(q.chunks[n:])
		q.chunks, q.head = q.chunks[:n], 0
	}
}

// dueHeap is the sides that have something to write, the first due first.
type dueHeap []*side

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].out.first().due < h[j].out.first().due }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].out.index, h[j].out.index = i+1, j+1
}

// Push appends a side.
func (h *dueHeap) Push(x any) {
	s := x.(*side)
	*h = append(*h, s)
	s.out.index = len(*h)
}

// Pop removes the last side.
func (h *dueHeap) Pop() any {
	old := *h
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	s.out.index = 0
	return s
}
