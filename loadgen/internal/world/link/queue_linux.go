package link

// chunk is bytes that leave together. One without bytes is the end of the stream.
type chunk struct {
	due  int64 // ns since the link began
	data []byte
}

// queue is what waits to be written to one side, in the order in which it leaves.
type queue struct {
	chunks []chunk
	bytes  int
	free   int64 // when the wire has taken what was given to it: bandwidth
	last   int64 // when what was given last leaves
	index  int   // in the heap, plus 1; 0 if it is not in it
	ended  bool  // the end of the stream has been written
}

func (q *queue) empty() bool { return len(q.chunks) == 0 }

// dueHeap is the sides that have something to write, the first due first.
type dueHeap []*side

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].out.chunks[0].due < h[j].out.chunks[0].due }
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
	*h = old[:len(old)-1]
	s.out.index = 0
	return s
}
