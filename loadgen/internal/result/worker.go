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
	// Cuts are how many times its connection to the run broke and was made again, and CutMax how long that took at most.
	Cuts   int  `json:"cuts,omitempty"`
	CutMax Dur  `json:"cut_max_ns,omitempty"`
	Lost   bool `json:"lost,omitempty"` // it did not do its part: its figures are not complete
}

// Requests are the arrivals that a seed determines: their numbers, due times, modes and requests. Their hash is the same for the same seed, however many workers sent them.
type Requests struct {
	Arrivals int64  `json:"arrivals"`
	Hash     string `json:"hash"`
	// Without are the phases that are not in it: which requests they have depends on the responses.
	Without []string `json:"without,omitempty"`
}

// Spreads returns how far apart the workers of a run began each phase, in the order in which they ran. Each began when its clock said so: they are known to
// within twice the greatest Error.
func (r *Run) Spreads() []Spread {
	var all []Spread
	for _, d := range r.Drivers {
		if d.Worker == "" {
			continue
		}
		of := Spread{Round: d.Round, Mode: d.Mode, Phase: d.Phase, Warmup: d.Warmup, First: d.Late, Last: d.Late}
		if n := len(all); n > 0 && all[n-1].same(of) {
			of.First, of.Last = min(of.First, all[n-1].First), max(of.Last, all[n-1].Last)
			all = all[:n-1]
		}
		all = append(all, of)
	}
	return all
}

// Spread is how much after the common start of a phase its workers began.
type Spread struct {
	Round       int
	Mode, Phase string
	Warmup      bool
	First, Last Dur
}

// Width is how far apart the first and the last began.
func (s Spread) Width() Dur { return s.Last - s.First }

func (s Spread) same(o Spread) bool {
	return s.Round == o.Round && s.Mode == o.Mode && s.Phase == o.Phase
}
