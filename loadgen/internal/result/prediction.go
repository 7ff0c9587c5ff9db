package result

// Prediction is what a law predicted of a mode in a phase, for gates to compare with what was measured. Reports evaluate the laws themselves.
type Prediction struct {
	Mode      string  `json:"mode"`
	Phase     string  `json:"phase"`
	Figure    string  `json:"figure"`
	Predicted float64 `json:"predicted"` // the mean; of StaleMax the most that agrees, in milliseconds
}

// Figures that are predicted.
const (
	Recomputes = "recomputes"
	HitRatio   = "hit ratio"
	StaleMax   = "staleness"
)
