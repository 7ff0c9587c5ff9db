package result

// Abort is a phase that was ended before its time, as its scenario wants it: there was no point in going on.
type Abort struct {
	Round  int    `json:"round"`
	Mode   string `json:"mode"` // "mix" for a phase that modes shared
	Phase  string `json:"phase"`
	Line   int    `json:"line"`            // of the phase, in its file
	When   string `json:"when"`            // the condition: "error_ratio > 0.5"
	Figure string `json:"figure"`          // that it is of
	Value  string `json:"value"`           // of the figure, for people
	Bound  string `json:"bound"`           // of it
	After  Dur    `json:"after_ns"`        // since the phase began
	Of     Dur    `json:"of_ns,omitempty"` // how long it was to last; 0 if that depended on the responses
}
