package browsertest

import (
	_ "embed"
	"strings"
)

//go:embed axe/axe.min.js
var axe string

// Accessible fails the test for what axe-core objects to in the page as it is now.
func (p *Page) Accessible() {
	p.t.Helper()
	Eval[bool](p, axe+"; true")
	found := Eval[[]string](p, `axe.run().then(r => r.violations.map(v => v.id + ": " + v.help + " at " + v.nodes.slice(0, 3).map(n => n.target.join(" ") + " (" + n.any.map(a => a.message).join("; ") + ")").join(", ")))`)
	if len(found) > 0 {
		p.t.Errorf("axe-core:\n%s", strings.Join(found, "\n"))
	}
}
