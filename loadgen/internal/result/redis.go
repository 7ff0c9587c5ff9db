package result

// Redis is what a cell cost the stack's Redis, by Redis' own account.
type Redis struct {
	CPU       Dur   `json:"cpu_ns,omitempty"`     // of its process, over the cell
	BytesOut  int64 `json:"bytes_out,omitempty"`  // sent to its clients over the cell
	Pages     int64 `json:"pages,omitempty"`      // cached when the cell ended
	PageBytes int64 `json:"page_bytes,omitempty"` // memory of one of them, overhead included: the mean of a sample
	Evicted   int64 `json:"evicted,omitempty"`    // over the cell
	MaxMemory int64 `json:"max_memory,omitempty"` // bytes; 0 is no limit
}
