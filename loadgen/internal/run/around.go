package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
	"loadlab/loadgen/internal/unit"
	"loadlab/loadgen/internal/world"
	"loadlab/loadgen/internal/world/link"
)

// linked returns the servers that a link has to stand before: those that are at a distance in any phase, and those that have a fault of a wire.
// Where nothing is asked of a wire, nothing stands in the path.
func linked(s *scenario.Scenario) []string {
	var names []string
	for _, server := range world.Wired() {
		if slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool {
			return far(distanceOf(p.World.Surroundings, server)) || wireFault(p, server)
		}) {
			names = append(names, server)
		}
	}
	return names
}

func far(d scenario.Distance) bool { return d != scenario.Distance{} }

// notMade returns a warning of distances that the scenario has in all phases and the stack does not make, if there are any.
func (s *subject) notMade() []string {
	if stack.Own(s.config.Kind) || s.config.LinksAddr != "" {
		return nil
	}
	var missed []string
	for _, server := range world.Wired() {
		d := distanceOf(s.scenario.Phases[0].World.Surroundings, server)
		if far(d) && (!s.simulated || server != world.Database) {
			missed = append(missed, fmt.Sprintf("%s to %s", d.RTT, server))
		}
	}
	if len(missed) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the target's servers are where they are: the scenario's distances (%s), for which its gates were made, take links (--links)", strings.Join(missed, ", "))}
}

func wireFault(p scenario.Phase, server string) bool {
	return slices.ContainsFunc(p.Faults, func(f scenario.Fault) bool { return f.Fault.Server == server && f.Fault.By[0] == world.Wire })
}

func distanceOf(w scenario.Surroundings, server string) scenario.Distance {
	if server == world.Redis {
		return w.Redis
	}
	return w.Database
}

// around keeps the world around a subject: how far its servers are, and how much Redis may hold. It remembers what has been measured.
type around struct {
	subject *subject
	now     scenario.Surroundings
	set     bool // now has been set
	seen    []seenWorld
}

// seenWorld is a world that was measured.
type seenWorld struct {
	scenario.Surroundings
	distances []result.Distance
}

// isAsFarAs reports whether the servers of the other world are at the same distances.
func (s seenWorld) isAsFarAs(o scenario.Surroundings) bool {
	return s.Database == o.Database && s.Redis == o.Redis
}

// enter makes the world that of a phase, and measures it when it is new. The pings of the first phase are those of the whole run if its world
// never changes.
func (a *around) enter(ctx context.Context, p scenario.Phase) error {
	w := p.World.Surroundings
	if a.set && a.now == w {
		a.note(p)
		return nil
	}
	if err := a.move(ctx, w); err != nil {
		return fmt.Errorf("enter the world of phase %s: %w", p.Name, err)
	}
	a.now, a.set = w, true
	if !slices.ContainsFunc(a.seen, func(s seenWorld) bool { return s.isAsFarAs(w) }) {
		distances, err := a.measure(ctx)
		if err != nil {
			return fmt.Errorf("measure how far the servers are: %w", err)
		}
		a.seen = append(a.seen, seenWorld{w, distances})
	}
	a.note(p)
	return nil
}

// current returns the distances that hold now, as they were measured.
func (a *around) current() []result.Distance {
	for _, s := range a.seen {
		if s.isAsFarAs(a.now) {
			return s.distances
		}
	}
	return nil
}

// note adds a phase to those of its world.
func (a *around) note(p scenario.Phase) {
	for _, s := range a.seen {
		if !s.isAsFarAs(p.World.Surroundings) {
			continue
		}
		for i := range s.distances {
			if d := &s.distances[i]; !slices.Contains(d.Phases, p.Name) {
				d.Phases = append(d.Phases, p.Name)
			}
		}
	}
}

// move sets distances and limits.
func (a *around) move(ctx context.Context, w scenario.Surroundings) error {
	s := a.subject
	for _, name := range s.links {
		d := distanceOf(w, name)
		if _, err := s.stack.Links.Set(ctx, name, link.Wire{RTT: d.RTT, Jitter: d.Jitter, Bandwidth: d.Bandwidth}); err != nil {
			return err
		}
	}
	if s.simulated && (a.set || far(w.Database)) {
		if _, err := s.lab.PutConfig(ctx, driverKnobs(w.Database)); err != nil {
			return err
		}
	}
	if w.MaxMemory != a.now.MaxMemory {
		if _, err := s.lab.LimitMemory(ctx, api.RedisMemory{MaxMemory: w.MaxMemory}); err != nil {
			return err
		}
	}
	return nil
}

// driverKnobs are the knobs of the app's driver that keep a distance where there is no wire.
func driverKnobs(d scenario.Distance) api.Config {
	return api.Config{"sqlite_rtt": d.RTT.String(), "sqlite_jitter": d.Jitter.String()}
}

// measure pings every server as the app reaches it.
func (a *around) measure(ctx context.Context) ([]result.Distance, error) {
	pings, err := a.subject.lab.Ping(ctx, 0)
	if unknown := (*lab.StatusError)(nil); errors.Is(err, lab.ErrNoLab) || errors.As(err, &unknown) && unknown.Status == http.StatusNotFound {
		return nil, nil // nobody to ask, or an app that has no such control
	}
	if err != nil {
		return nil, err
	}
	var all []result.Distance
	for _, server := range world.Wired() {
		d, p, linked := distanceOf(a.now, server), pingsOf(pings, server), slices.Contains(a.subject.links, server)
		if !linked && !p.Simulated {
			d = scenario.Distance{} // it is where it is
		}
		all = append(all, result.Distance{
			Server: server, RTT: d.RTT, Jitter: d.Jitter, Bandwidth: d.Bandwidth, Pings: p.N, Median: p.Median, P99: p.P99, Simulated: p.Simulated,
			Link: linked, Problem: p.Error,
		})
	}
	return all, nil
}

func pingsOf(d api.Distances, server string) api.Pings {
	if server == world.Redis {
		return d.Redis
	}
	return d.Database
}

// distances returns what was measured. A distance that held in every phase names none.
func (a *around) distances(phases int) []result.Distance {
	var all []result.Distance
	for _, s := range a.seen {
		for _, d := range s.distances {
			if len(d.Phases) == phases {
				d.Phases = nil
			}
			all = append(all, d)
		}
	}
	return all
}

// pingDuring returns what a ping of the app to the server of a fault comes to, if it shows the fault, and nothing otherwise: there may be no
// lab controls to ask, or no app to answer them.
func (s *subject) pingDuring(ctx context.Context, f world.Fault, lasts time.Duration) string {
	if f.Server == world.App {
		return ""
	}
	const longest = 300 * time.Millisecond
	limit := min(longest, lasts/2)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	pings, err := s.lab.Ping(ctx, 1)
	p := pingsOf(pings, f.Server)
	switch {
	case errors.Is(err, lab.ErrNoLab):
		return ""
	case err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return "a ping of the app had no answer after " + unit.Length(limit)
	case err != nil:
		return ""
	case p.Error != "":
		return "a ping of the app failed: " + strings.TrimPrefix(p.Error, "after 0 of 1: ")
	}
	return ""
}
