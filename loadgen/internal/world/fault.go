package world

import (
	"slices"
	"time"

	"loadlab/loadgen/internal/world/link"
)

// Servers that a fault can befall.
const (
	Database = "database"
	Redis    = "redis"
	App      = "app"
)

// ServerNames are all servers, in the order in which they are shown.
func ServerNames() []string { return []string{Redis, Database, App} }

// Wired are the servers that a wire leads to.
func Wired() []string { return []string{Database, Redis} }

// Fault is one line of the table of faults.
type Fault struct {
	Server string // Redis, Database or App
	Kind   string // as scenarios have it
	Doc    string // one line
	// Moment is whether it happens at a moment, and takes no length of time.
	Moment bool
	// Takes are the options that it has.
	Takes []Option
	// By are the means by which it can be done, the best first.
	By []Means
}

// Option is an option of a fault, as scenarios have it.
type Option string

// Options.
const (
	Share     Option = "share"     // of the connections that it befalls, from 0 to 1
	Delay     Option = "delay"     // of slow
	Keep      Option = "keep"      // Redis comes back with its data
	MaxMemory Option = "maxmemory" // of evict
	Replica   Option = "replica"   // which app, from 1
)

// Options are all options.
func Options() []Option { return []Option{Share, Delay, Keep, MaxMemory, Replica} }

// Means is what does a fault.
type Means string

// Means.
const (
	Process   Means = "process"   // signals to a process of the stack's own
	Wire      Means = "link"      // the link in the server's path
	Simulated Means = "simulated" // the app's own driver: SQLite has neither a process nor a wire
	Controls  Means = "controls"  // the app's lab controls
)

// Faults returns the table of faults. Those of a wire are what a link does.
func Faults() []Fault {
	table := []Fault{
		{Kind: "kill", Doc: "SIGKILL; it is started again when the fault ends", By: []Means{Process, Wire, Simulated}},
		{Kind: "stop", Doc: "SIGSTOP, and SIGCONT when the fault ends: connections are accepted and nothing answers", By: []Means{Process, Wire, Simulated}},
	}
	for _, k := range link.Faults() {
		f := Fault{Kind: k.Name, Doc: k.Doc, Takes: []Option{Share}, By: []Means{Wire, Simulated}}
		if k.Slow {
			f.Takes = append(f.Takes, Delay)
		}
		table = append(table, f)
	}
	var all []Fault
	for _, server := range Wired() {
		for _, f := range table {
			f.Server = server
			if f.Kind == "kill" && server == Redis {
				f.Takes = []Option{Keep}
			}
			all = append(all, f)
		}
	}
	return append(all,
		Fault{Server: Redis, Kind: "flush", Doc: "everything in it is deleted", Moment: true, By: []Means{Controls}},
		Fault{Server: Redis, Kind: "evict", Doc: "its memory is limited to maxmemory", Takes: []Option{MaxMemory}, By: []Means{Controls}},
		Fault{Server: Database, Kind: "lock", Doc: "a long transaction holds the table of properties", By: []Means{Controls}},
		Fault{Server: App, Kind: "kill", Doc: "SIGKILL; it is started again when the fault ends", Takes: []Option{Replica}, By: []Means{Process}},
		Fault{Server: App, Kind: "term", Doc: "SIGTERM: it drains and ends; it is started again when the fault ends", Takes: []Option{Replica}, By: []Means{Process}},
		Fault{Server: App, Kind: "restart", Doc: "SIGTERM, and it is started again as soon as it has ended", Takes: []Option{Replica}, Moment: true, By: []Means{Process}},
	)
}

// FaultNamed returns the fault of that kind of a server, and whether there is one.
func FaultNamed(server, kind string) (Fault, bool) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Server == server && f.Kind == kind })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}

// Kinds returns the kinds of faults that can befall a server.
func Kinds(server string) []string {
	var kinds []string
	for _, f := range Faults() {
		if f.Server == server {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// Has reports whether the fault takes the option.
func (f Fault) Has(o Option) bool { return slices.Contains(f.Takes, o) }

// Settings are the options of one fault. What the fault does not take is zero.
type Settings struct {
	Share     float64 // 0 is all connections
	Delay     time.Duration
	Keep      bool
	MaxMemory int64
	Replica   int // from 1; 0 is the first
}
