package result

import "loadlab/app/api"

// Replica is what one mode's requests came to at one of several replicas, in one cell.
type Replica struct {
	Requests int64 `json:"requests"` // that ended there, whatever became of them
	Failed   int64 `json:"failed,omitempty"`
	// Response is the histogram of their response times, as in Second.
	Response string `json:"response,omitempty"`
	// Counters is the change of the replica's own counters over the cell; nil when they are unknown.
	Counters api.Counts `json:"counters,omitzero"`
	// Out is how long the replica was out of service meanwhile: it did not answer, or reported that it was not ready.
	Out Dur `json:"out_ns,omitempty"`
}
