package result

// Keys is how the keys that a mode asks for are drawn: what the laws of hit ratios need.
type Keys struct {
	Kind string  `json:"kind"`        // zipf, uniform, sequence, list, csv
	S    float64 `json:"s,omitempty"` // exponent of zipf
	Of   int     `json:"of"`          // how many different keys
}
