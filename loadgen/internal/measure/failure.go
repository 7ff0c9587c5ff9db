package measure

import (
	"time"

	"loadlab/loadgen/internal/result"
)

// failure is a way for a request to fail. There are few of them, however many requests fail: it is what failures are counted by.
type failure struct {
	kind   Kind
	status int // of the kind Status
	code   string
}

// failures counts the requests that failed, by how they did. The zero value is ready.
type failures map[failure]*result.Failure

// add enters an outcome that is a failure and came at that time of the phase.
func (f *failures) add(o *Outcome, at time.Duration) {
	key := failure{kind: o.Kind, code: o.Code}
	if o.Kind == Status {
		key.status = o.Status
	}
	x := (*f)[key]
	if x == nil {
		x = &result.Failure{Kind: key.kind.String(), Status: key.status, Code: key.code, First: at, Last: at}
		if o.Err != nil {
			x.Example = o.Err.Error()
		}
		if *f == nil {
			*f = failures{}
		}
		(*f)[key] = x
	}
	x.Count++
	x.First, x.Last = min(x.First, at), max(x.Last, at)
}

// list returns them, the most frequent first.
func (f failures) list() []result.Failure {
	var all []result.Failure
	for _, x := range f {
		all = append(all, *x)
	}
	result.SortFailures(all)
	return all
}
