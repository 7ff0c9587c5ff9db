package result

import (
	"cmp"
	"slices"
	"strconv"
)

// Failure is the requests of a cell that failed in one way: Kind is that of the ledger, Status and Code tell failures of a kind apart.
type Failure struct {
	Kind   string `json:"kind"`
	Status int    `json:"status,omitempty"` // of the kind status: 404, 500
	Code   string `json:"code,omitempty"`   // why, in one of few words: "connection refused", "certificate expired"
	Count  int64  `json:"count"`
	// Example is the error of the first of them, in full.
	Example string `json:"example,omitempty"`
	First   Dur    `json:"first_ns"` // when the first and the last failed, since the cell's start
	Last    Dur    `json:"last_ns"`
}

// Cause is the status and the code in one text: "404", "connection refused", empty if nothing more than the kind is known.
func (f Failure) Cause() string {
	switch {
	case f.Status == 0:
		return f.Code
	case f.Code == "":
		return strconv.Itoa(f.Status)
	}
	return strconv.Itoa(f.Status) + ", " + f.Code
}

// String is the kind and the cause in one text: "status 404", "refused (no such host)", "timeout".
func (f Failure) String() string {
	switch cause := f.Cause(); {
	case cause == "":
		return f.Kind
	case f.Status > 0:
		return f.Kind + " " + cause
	default:
		return f.Kind + " (" + cause + ")"
	}
}

// SortFailures sorts failures, the most frequent first.
func SortFailures(all []Failure) {
	slices.SortFunc(all, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
}

// AddFailures adds more, whose cell began that much after the time of which all counts, to all, and returns the sum in the order of the first example.
func AddFailures(all, more []Failure, after Dur) []Failure {
	for _, f := range more {
		f.First, f.Last = f.First+after, f.Last+after
		i := slices.IndexFunc(all, func(x Failure) bool { return x.Kind == f.Kind && x.Status == f.Status && x.Code == f.Code })
		if i < 0 {
			all = append(all, f)
			continue
		}
		x := &all[i]
		x.Count += f.Count
		if f.First < x.First || x.Example == "" {
			x.Example = cmp.Or(f.Example, x.Example)
		}
		x.First, x.Last = min(x.First, f.First), max(x.Last, f.Last)
	}
	return all
}
