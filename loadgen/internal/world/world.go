// Package world is what can be done to the app around and during load: actions, such as emptying its cache. Each is one file, and one line
// in Actions; scenarios name them, and runs do them.
//
// It knows neither scenarios nor load, and of the app only what a Subject can do.
package world

import (
	"context"
	"slices"
	"time"
)

// Subject is what actions are done to.
type Subject interface {
	Flush(ctx context.Context) error       // empties the cache
	Expire(ctx context.Context) error      // makes every cached page reach its expiry now
	ChangePrice(ctx context.Context) error // commits another price of a property on the page that is read
}

// Action is one line of the table.
type Action struct {
	Name string // as scenarios have it
	Doc  string // one line
	// Timed is whether the action takes a length of time: {wait: 500ms}.
	Timed bool
	// During is whether it may be done again and again while load runs.
	During bool
	// Lab is whether it takes the app's lab controls, which a service of one's own does not have.
	Lab bool
	Do  func(ctx context.Context, s Subject, d time.Duration) error
}

// Actions returns the table of actions.
func Actions() []Action {
	return []Action{flush(), expire(), priceChange(), wait()}
}

// Named returns the action of that name, and whether there is one.
func Named(name string) (Action, bool) {
	all := Actions()
	i := slices.IndexFunc(all, func(a Action) bool { return a.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return all[i], true
}

// Names returns the names of the actions for which keep reports true.
func Names(keep func(Action) bool) []string {
	var names []string
	for _, a := range Actions() {
		if keep(a) {
			names = append(names, a.Name)
		}
	}
	return names
}
