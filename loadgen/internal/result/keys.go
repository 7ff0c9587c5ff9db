package result

// Keys is how the keys that a mode asks for are drawn: what the laws of hit ratios need.
type Keys struct {
	Kind string  `json:"kind"`        // zipf, uniform, sequence, list, csv
	S    float64 `json:"s,omitempty"` // exponent of zipf
	Of   int     `json:"of"`          // how many different keys
}

// Many reports whether more than one page is asked for; nil is the keys of a mode that always asks for the same.
func (k *Keys) Many() bool { return k != nil && k.Of > 1 }
