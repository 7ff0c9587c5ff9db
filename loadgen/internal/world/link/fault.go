package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is one line of the table of faults: its name, and what it does to a connection that it strikes.
type Kind struct {
	Name string
	Doc  string // one line
	// Slow is whether it takes a delay, or a jitter.
	Slow bool

	closes bool // the listener, if the fault strikes all connections
	resets bool
	holds  bool
	drops  bool
}

// Faults returns the table of kinds.
func Faults() []Kind {
	return []Kind{
		{Name: "refuse", closes: true, resets: true,
			Doc: "as a killed server: open connections are reset, and connecting is refused (with a share below 1: accepted and reset)"},
		{Name: "hang", holds: true,
			Doc: "as a stopped server: connecting works, nothing arrives either way, nothing is closed; all of it arrives when the fault ends"},
		{Name: "slow", Slow: true,
			Doc: "what the server sends comes later by delay, and by up to jitter"},
		{Name: "cut", resets: true,
			Doc: "open connections are reset, and those that are made are accepted and reset at once"},
		{Name: "half-open", drops: true,
			Doc: "as a lost entry of a NAT: what is sent is dropped, also after the fault has ended, and neither side hears of the other's end"},
	}
}

// KindNamed returns the kind of that name, and whether there is one.
func KindNamed(name string) (Kind, bool) {
	kinds := Faults()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// KindNames returns the names of the kinds, in the table's order.
func KindNames() []string {
	var names []string
	for _, k := range Faults() {
		names = append(names, k.Name)
	}
	return names
}

// ErrFault and ErrNoFault are the errors of a fault that begins while one lasts, and of the end of none.
var (
	ErrFault   = errors.New("a fault lasts already")
	ErrNoFault = errors.New("there is no fault to end")
)

// Fault is what to break.
type Fault struct {
	Kind string // the name of one of Faults
	// Share is the share of connections that are struck, above 0 to 1; 0 is all of them. Which they are follows from the link's seed and the
	// numbers of the connections, spread evenly: of ten that were made one after the other, Share 0.5 strikes four to six.
	Share  float64
	Delay  time.Duration // of slow: what is added to the way back from the server
	Jitter time.Duration // of slow: the most that is added to it, uniformly drawn
}

// Validate returns an error that names what makes no sense, and what would.
func (f Fault) Validate() error {
	k, ok := KindNamed(f.Kind)
	switch {
	case !ok:
		return fmt.Errorf("there is no fault %q: there are %s", f.Kind, strings.Join(KindNames(), ", "))
	case !(f.Share >= 0 && f.Share <= 1):
		return fmt.Errorf("fault %s: share %g must be above 0 and at most 1", f.Kind, f.Share)
	case f.Delay < 0 || f.Delay > Longest || f.Jitter < 0 || f.Jitter > Longest:
		return fmt.Errorf("fault %s: delay %s and jitter %s must be from 0 to %s", f.Kind, f.Delay, f.Jitter, Longest)
	case k.Slow && f.Delay == 0 && f.Jitter == 0:
		return fmt.Errorf("fault %s: give it a delay, or a jitter", f.Kind)
	case !k.Slow && (f.Delay != 0 || f.Jitter != 0):
		return fmt.Errorf("fault %s takes neither delay nor jitter", f.Kind)
	}
	return nil
}

// strikes reports whether the connection of that number is struck. The numbers' multiples of the golden ratio are spread evenly over the unit
// circle however many of them there are (Weyl 1916): with few connections a hash of each would often strike all of them, or none.
func (f Fault) strikes(seed uint64, number int64) bool {
	if f.Share == 0 || f.Share >= 1 {
		return true
	}
	const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	offset := (seed ^ seed>>31) * 0xbf58476d1ce4e5b9
	u := offset + uint64(number)*golden //nolint:gosec // wraps round the circle
	return float64(u>>11)/(1<<53) < f.Share
}

// faultJSON is a Fault as {"kind": "slow", "share": 0.5, "delay": "200ms", "jitter": "20ms"}.
type faultJSON struct {
	Kind   string   `json:"kind"`
	Share  *float64 `json:"share,omitempty"`
	Delay  duration `json:"delay,omitzero"`
	Jitter duration `json:"jitter,omitzero"`
}

// MarshalJSON writes {"kind": "slow", "share": 0.5, "delay": "200ms", "jitter": "20ms"}, without what is 0.
func (f Fault) MarshalJSON() ([]byte, error) {
	j := faultJSON{Kind: f.Kind, Delay: duration(f.Delay), Jitter: duration(f.Jitter)}
	if f.Share != 0 {
		j.Share = &f.Share
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes, and refuses any other field, and a share of 0, which would strike nothing.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var j faultJSON
	if err := strictly(data, &j); err != nil {
		return err
	}
	*f = Fault{Kind: j.Kind, Delay: time.Duration(j.Delay), Jitter: time.Duration(j.Jitter)}
	if j.Share != nil {
		if *j.Share == 0 {
			return fmt.Errorf("fault %s: share 0 strikes nothing: leave it out for all connections", j.Kind)
		}
		f.Share = *j.Share
	}
	return nil
}
