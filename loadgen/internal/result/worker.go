package result

// Worker is a process that sent a share of the load: of every n arrivals the one at its index.
type Worker struct {
	Index int    `json:"index"` // from 0
	UID   string `json:"uid"`   // that no other process has
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	// Offset is how much the coordinator's clock was ahead of its own when the last phase began, known to within Error.
	Offset Dur `json:"offset_ns"`
	Error  Dur `json:"offset_error_ns"`
}

// Requests are the arrivals that a seed determines: their numbers, due times, modes and requests. Their hash is the same for the same seed, however many workers sent them.
type Requests struct {
	Arrivals int64  `json:"arrivals"`
	Hash     string `json:"hash"`
	// Without are the phases that are not in it: which requests they have depends on the responses.
	Without []string `json:"without,omitempty"`
}
