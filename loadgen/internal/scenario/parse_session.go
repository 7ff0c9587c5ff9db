package scenario

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/keys"
)

// maxSteps of a session: each is a mode of its own.
const maxSteps = 50

// sessionSteps reads the steps of the session that is the last of modes, and returns modes with a mode more for each.
func (r *reader) sessionSteps(n ast.Node, modes []Mode) []Mode {
	at := len(modes) - 1
	session := modes[at].Name
	r.list(n, "steps", func(n ast.Node) {
		m, d := Mode{Session: session, Expect: []int{http.StatusOK}}, draft{}
		m.Line, _ = position(n)
		name := ""
		has := r.object(n, "a step", append(append([]key{{"name", func(n ast.Node) { name = r.name(n, "a step's name") }}}, r.requestKeys(&m, &d)...),
			key{"take", func(n ast.Node) { m.Take, d.taken = r.take(n) }},
		)...)
		if _, ok := n.(*ast.MappingNode); ok && (has["name"] == nil || has["request"] == nil) {
			r.errorf(n, "a step wants a name and a request: {name: list, request: GET /path}")
		}
		m.Name = session + "/" + name
		if name != "" && slices.ContainsFunc(modes[at:], func(o Mode) bool { return o.Name == m.Name }) {
			r.errorf(has["name"], "a step named %q is there already", name)
		}
		r.revalidates(&m, &d)
		m.complete()
		modes, r.drafts = append(modes, m), append(r.drafts, d)
	})
	steps := len(modes) - 1 - at
	modes[at].Steps = steps
	if steps > maxSteps {
		r.errorf(n, "a session has at most %d steps, got %d", maxSteps, steps)
	} else if thinks := modes[at].Think.Max * time.Duration(max(0, steps-1)); thinks >= hist.Highest || modes[at].Think.Max >= hist.Highest {
		r.errorf(n, "a session whose user thinks for up to %s is longer than the greatest time that is recorded, which is %s", length(thinks), length(hist.Highest))
	}
	return modes
}

// take reads what a step takes from its response: names and paths into its JSON.
func (r *reader) take(n ast.Node) (list []Taking, at []ast.Node) {
	r.mapping(n, "take", func(name string, key, value ast.Node) {
		path := r.text(value, "take "+name)
		switch {
		case !keys.IsName(name):
			r.errorf(key, "a variable's name %s, and no number, got %q", nameRule, name)
		case path != "" && slices.Contains(strings.Split(path, "."), ""):
			r.errorf(value, "%s", notAPath(path))
		}
		list, at = append(list, Taking{name, path}), append(at, key)
	})
	return list, at
}

// crowds returns why an open phase has too few connections for its sessions, each of which keeps one while its user thinks; empty if it has
// enough. It counts thinking alone, by Little's law: how long a response takes is not known.
func (s *Scenario) crowds(p Phase) string {
	if p.Kind != Open {
		return ""
	}
	var most, thinking, weights float64 // requests a second; seconds of an average arrival, by weight
	for _, step := range p.Steps {
		most = max(most, step.From, step.To)
	}
	for _, m := range s.Compared() {
		weight := 1.0
		for _, share := range p.Mix {
			if share.Mode == m.Name {
				weight = float64(share.Weight)
			}
		}
		if !p.Has(m) {
			continue
		}
		thinks := m.Think.Mean().Seconds() * float64(max(0, m.Steps-1))
		if len(p.Mix) > 0 {
			thinking, weights = thinking+weight*thinks, weights+weight
		} else {
			thinking, weights = max(thinking, thinks), 1
		}
	}
	connections := p.Connections
	if s.MaxInFlight > 0 {
		connections = min(connections, s.MaxInFlight)
	}
	if need := most * thinking / max(weights, 1); need > float64(connections) {
		return fmt.Sprintf("up to %s sessions that think for %s keep %.0f connections busy, and there are %d: set connections",
			rate(most), length(time.Duration(thinking/weights*float64(time.Second)).Round(time.Millisecond)), need, connections)
	}
	return ""
}
