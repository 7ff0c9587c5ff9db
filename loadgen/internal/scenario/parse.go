package scenario

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"loadlab/app/api"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/gate"
	"loadlab/loadgen/internal/hist"
)

// Bounds beyond which a figure is taken for a mistake.
const (
	maxFile        = 1 << 20 // bytes
	maxRounds      = 1000
	maxUsers       = 100_000
	maxConnections = 65_535 // ports
	maxRequests    = 1_000_000_000
	maxRate        = 1_000_000.0 // a second
	shortest       = time.Millisecond
	longest        = 24 * time.Hour
)

// Parse reads a scenario from data, in an environment; nil is an empty one. file is its name in errors, which are of type Errors: all that is wrong, with
// positions.
func Parse(file string, data []byte, env Env) (*Scenario, error) {
	return ParseIn(os.DirFS(filepath.Dir(file)), file, data, env)
}

// ParseIn is Parse of a scenario whose folder is files: the files that its data and its bodies are in are read from there.
func ParseIn(files fs.FS, file string, data []byte, env Env) (*Scenario, error) {
	r := &reader{file: file, files: files, env: env, sum: [][]byte{data}}
	root, err := r.document(data)
	if err != nil {
		return nil, err
	}
	s, err := r.read(root, &Scenario{File: file, Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bytes.Join(r.sum, nil))
	s.SHA256 = hex.EncodeToString(sum[:])
	return s, nil
}

// read reads the scenario's keys at root into s, which has what is known without them.
func (r *reader) read(root ast.Node, s *Scenario) (*Scenario, error) {
	r.scenario(root, s)
	if err := r.sorted(); err != nil {
		return nil, err
	}
	slices.Sort(r.secrets)
	s.Secrets = slices.Compact(r.secrets)
	return s, nil
}

// document returns the one document of a file.
func (r *reader) document(data []byte) (ast.Node, error) {
	fail := func(line, col int, msg string) (ast.Node, error) { return nil, Errors{{r.file, line, col, msg}} }
	if len(data) > maxFile || !utf8.Valid(data) {
		return fail(1, 1, fmt.Sprintf("a scenario is UTF-8 text of at most %d bytes", maxFile))
	}
	// Keys that come twice are let through here, so that they are reported with everything else. Editors on Windows write a byte order
	// mark, which YAML allows (1.2.2, 5.2) and the parser takes for a part of the first key.
	f, err := parser.ParseBytes(bytes.TrimPrefix(data, []byte("\ufeff")), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var e yaml.Error
		if errors.As(err, &e) && e.GetToken() != nil {
			p := e.GetToken().Position
			return fail(max(p.Line, 1), max(p.Column, 1), e.GetMessage())
		}
		return fail(1, 1, err.Error())
	}
	var root ast.Node
	for _, d := range f.Docs {
		switch {
		case d.Body == nil:
		case root != nil:
			line, col := position(d.Body)
			return fail(line, col, "a file holds one scenario: a second document begins here")
		default:
			root = d.Body
		}
	}
	if root == nil {
		return fail(1, 1, "the file is empty")
	}
	return root, nil
}

// scenario reads the file's keys. Phases come after all that they depend on, and gates last, wherever the file has them.
func (r *reader) scenario(n ast.Node, s *Scenario) {
	var phases, gates, defaults ast.Node
	var data variables
	s.Rounds = DefaultRounds
	s.World.Replication = Replication{Replicas: 1, Balancing: balance.Policies()[0]}
	base := Phase{Timeout: DefaultTimeout, Connections: DefaultConnections}
	has := r.object(n, "a scenario",
		key{"name", func(n ast.Node) { s.Name = r.name(n, "name") }},
		key{"why", func(n ast.Node) { s.Why = r.line(n, "why") }},
		key{"target", func(n ast.Node) { s.Target = r.target(n) }},
		key{"app", func(n ast.Node) { s.App = r.app(n, false) }},
		key{"world", func(n ast.Node) { s.World = r.world(n, s.World) }},
		key{"modes", func(n ast.Node) { s.Modes = r.modes(n) }},
		key{"default_modes", func(n ast.Node) { defaults = n }},
		key{"objective", func(n ast.Node) { s.Objective = r.objective(n) }},
		key{"data", func(n ast.Node) { data = r.data(n) }},
		key{"rounds", func(n ast.Node) { s.Rounds = r.count(n, "rounds", 1, maxRounds) }},
		key{"seed", func(n ast.Node) { s.Seed, s.Seeded = r.seed(n), true }},
		key{"timeout", func(n ast.Node) { base.Timeout = r.timeout(n, "timeout") }},
		key{"connections", func(n ast.Node) { base.Connections = r.count(n, "connections", 1, maxConnections) }},
		key{"abort_when", func(n ast.Node) { base.AbortWhen = r.abortWhen(n) }},
		key{"max_in_flight", func(n ast.Node) { s.MaxInFlight = r.count(n, "max_in_flight", 1, maxConnections) }},
		key{"phases", func(n ast.Node) { phases = n }},
		key{"gates", func(n ast.Node) { gates = n }},
	)
	if _, ok := n.(*ast.MappingNode); ok {
		r.complete(n, s, has)
	}
	if !r.literal {
		r.bind(s.Modes, data)
	}
	if phases != nil {
		base.World = s.World
		s.Phases = r.phases(phases, s.Compared(), base)
		r.measured(s, phases)
		r.supplies(s)
	}
	if defaults != nil {
		r.defaultModes(defaults, s)
	}
	if gates != nil {
		s.Gates = r.gates(gates, s)
	}
}

// defaultModes reads the names of modes that run by default, which must be a choice that can be made.
func (r *reader) defaultModes(n ast.Node, s *Scenario) {
	r.list(n, "default_modes", func(n ast.Node) { s.DefaultModes = append(s.DefaultModes, r.text(n, "a mode")) })
	if len(r.errs) > 0 {
		return
	}
	if _, err := s.Only(s.DefaultModes); err != nil {
		r.errorf(n, "default_modes: %s", strings.TrimPrefix(err.Error(), s.File+": "))
	}
}

// complete refuses a scenario without a key that it must have. A name may come from the file's.
func (r *reader) complete(n ast.Node, s *Scenario, has map[string]ast.Node) {
	must := []string{"why", "modes", "phases"}
	switch {
	case has["name"] != nil:
	case s.Name == "":
		must = slices.Insert(must, 0, "name")
	case !isName(s.Name):
		r.errorf(n, "the scenario's name, which is its file's, %s, got %q: write name: to give it another", nameRule, s.Name)
	}
	for _, key := range must {
		if has[key] == nil {
			r.errorf(n, "key %q is missing", key)
		}
	}
}

func (r *reader) seed(n ast.Node) uint64 {
	s, _ := text(n)
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		r.errorf(n, "seed wants a whole number from 0 to %d, got %s", uint64(math.MaxUint64), describe(n))
	}
	return v
}

// objective reads the one percentile that capacity is measured by. What is beyond the greatest time that is recorded bounds nothing.
func (r *reader) objective(n ast.Node) *Objective {
	o := &Objective{}
	var keys []key
	for _, name := range []string{"p50", "p90", "p95", "p99"} {
		keys = append(keys, key{name, func(n ast.Node) {
			o.Figure, o.AtMost = name, r.durationUpTo(n, name, shortest, hist.Highest)
		}})
	}
	before := len(r.errs)
	if has := r.object(n, "objective", keys...); len(has) != 1 && len(r.errs) == before {
		r.errorf(n, "objective wants one percentile and its bound, such as {p99: 50ms}")
	}
	return o
}

// app reads the app's configuration, or what a phase sets of it, which the app must be able to change while it runs. A key is a knob of the app.
func (r *reader) app(n ast.Node, running bool) api.Config {
	config := api.Config{}
	var keys []key
	for _, k := range api.Knobs() {
		if k.Scenario {
			keys = append(keys, key{k.Name, func(n ast.Node) { r.knob(n, k, config) }})
		}
	}
	has := r.object(n, "app", keys...)
	for _, k := range api.Knobs() {
		if at := has[k.Name]; at != nil && running && !k.RunTime {
			r.errorf(at, "%s cannot be changed while the app runs: set it in the scenario's app", k.Name)
		}
	}
	return config
}

// knob reads a value of a knob into config.
func (r *reader) knob(n ast.Node, k api.Knob, config api.Config) {
	before := len(r.errs)
	least, most := k.Bounds()
	switch k.Kind {
	case api.KindDuration:
		r.durationUpTo(n, k.Name, time.Duration(least), time.Duration(most))
	case api.KindCount:
		r.count(n, k.Name, int(least), int(most))
	case api.KindNumber:
		r.number(n, k.Name, least, most)
	case api.KindBoolean:
		r.boolean(n, k.Name)
	default: // a choice, of which Parse knows all
	}
	if len(r.errs) > before {
		return
	}
	s, _ := text(n)
	value, err := k.Parse(k.Name, s)
	if err != nil {
		r.errorf(n, "%v", err)
		return
	}
	config[k.Name] = value
}

// measured refuses a mode that could never have a figure, and a file without any.
func (r *reader) measured(s *Scenario, phases ast.Node) {
	if len(s.Phases) == 0 {
		return
	}
	in := map[string]bool{}
	var something, everyone bool
	for _, p := range s.Phases {
		if p.Warmup {
			continue
		}
		something = true
		everyone = everyone || len(p.Mix) == 0
		for _, share := range p.Mix {
			in[share.Mode] = true
		}
	}
	if !something {
		r.errorf(phases, "every phase is warm-up: nothing would be measured")
		return
	}
	for _, m := range s.Compared() {
		if !everyone && !in[m.Name] {
			r.errs = append(r.errs, Error{r.file, m.Line, 1, fmt.Sprintf("mode %q has no part in any phase that is measured", m.Name)})
		}
	}
}

// gates compiles the gates, if what they refer to could be read.
func (r *reader) gates(n ast.Node, s *Scenario) []*gate.Gate {
	sound := len(r.errs) == 0
	var gates []*gate.Gate
	r.list(n, "gates", func(n ast.Node) {
		src := r.text(n, "a gate")
		if src == "" || !sound {
			return
		}
		line, col := position(n)
		g, err := gate.Compile(strings.TrimSpace(src), line, s.scope())
		var es gate.Errors
		switch {
		case err == nil:
			gates = append(gates, g)
		case errors.As(err, &es):
			for _, e := range es {
				r.errs = append(r.errs, Error{r.file, line, col + offset(n, e.Offset), e.Msg})
			}
		default:
			r.errorf(n, "%v", err)
		}
	})
	return gates
}

// offset is how far into a scalar of one line a character of its text stands. It is 0 for a scalar of several lines.
func offset(n ast.Node, of int) int {
	s, ok := n.(*ast.StringNode)
	if !ok || strings.Contains(strings.TrimSpace(s.Token.Origin), "\n") {
		return 0
	}
	if written := strings.TrimSpace(s.Token.Origin); strings.HasPrefix(written, `"`) || strings.HasPrefix(written, "'") {
		of++
	}
	return of
}
