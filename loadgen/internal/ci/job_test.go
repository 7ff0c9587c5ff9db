package ci_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"loadlab/internal/testkit"
)

// workflow, job, step and action are what the files in .github have, as far as it is executed here.
type (
	workflow struct {
		Permissions map[string]string `yaml:"permissions"`
		Jobs        map[string]job    `yaml:"jobs"`
	}
	job struct {
		If          string            `yaml:"if"`
		Permissions map[string]string `yaml:"permissions"`
		Steps       []step            `yaml:"steps"`
	}
	step struct {
		ID       string         `yaml:"id"`
		If       string         `yaml:"if"`
		Uses     string         `yaml:"uses"`
		Run      string         `yaml:"run"`
		Shell    string         `yaml:"shell"`
		With     map[string]any `yaml:"with"`
		Env      map[string]any `yaml:"env"`
		Continue bool           `yaml:"continue-on-error"`
	}
	action struct {
		Inputs map[string]struct {
			Default string `yaml:"default"`
		} `yaml:"inputs"`
		Outputs map[string]struct {
			Value string `yaml:"value"`
		} `yaml:"outputs"`
		Runs struct {
			Steps []step `yaml:"steps"`
		} `yaml:"runs"`
	}
)

const abAction = ".github/actions/ab/action.yml"

// load reads a YAML file of the repository.
func load[T any](t *testing.T, path string) (v T) {
	t.Helper()
	if err := yaml.Unmarshal(testkit.ReadFile(t, path), &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// machine is a runner: a clone of the repository, as far as the steps need one, and the programs of this package on the PATH.
type machine struct {
	t                *testing.T
	dir, temp, state string
	artifacts        string            // folder of the artifacts of all runs
	context          map[string]string // github.event.pull_request.number and so on
	ran              map[string]bool   // the lines that were executed
	summaries        []string          // of steps
	outputs          map[string]string // of the action that ran last
	log              bytes.Buffer
}

func newMachine(t *testing.T, ran map[string]bool) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), temp: t.TempDir(), state: t.TempDir(), artifacts: t.TempDir(), ran: ran, context: map[string]string{}}
	for _, folder := range []string{".ci", ".github"} {
		if err := os.CopyFS(filepath.Join(m.dir, folder), os.DirFS(filepath.Join(testkit.Root(t), folder))); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(m.state, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name := range programs() {
		if name == "loadgen" {
			continue // it is built
		}
		if err := os.Symlink(self, filepath.Join(m.state, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// shell executes a line with that environment, in the clone, and returns its exit code.
func (m *machine) shell(line string, env map[string]string, bash ...string) int {
	m.t.Helper()
	m.ran[line] = true
	script := filepath.Join(m.state, "line.sh")
	if err := os.WriteFile(script, []byte(line), 0o600); err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(m.t.Context(), "bash", append(bash, script)...)
	cmd.Dir = m.dir
	cmd.Env = []string{"PATH=" + filepath.Join(m.state, "bin") + ":" + os.Getenv("PATH"), "HOME=" + m.temp, "TMPDIR=" + m.temp, "LANG=C.UTF-8", stateVar + "=" + m.state, "RUNNER_TEMP=" + m.temp,
		"GORACE=atexit_sleep_ms=0"} // a program with the race detector ends a second late otherwise
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = &m.log, &m.log
	err := cmd.Run()
	if x := new(exec.ExitError); err != nil && !errors.As(err, &x) {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// job executes a workflow's only job, and returns the exit code of the step that failed; 0 if none did.
func (m *machine) job(path string) int {
	m.t.Helper()
	for _, j := range load[workflow](m.t, path).Jobs {
		scope := maps.Clone(m.context)
		if j.If != "" && !m.holds(j.If, scope) {
			return 0
		}
		return m.steps(j.Steps, scope, "")
	}
	m.t.Fatalf("%s has no job", path)
	return 0
}

func (m *machine) steps(steps []step, scope map[string]string, actionPath string) int {
	m.t.Helper()
	for _, s := range steps {
		if s.If != "" && !m.holds(s.If, scope) {
			continue
		}
		var code int
		switch {
		case s.Run != "":
			code = m.run(s, scope, actionPath)
		case strings.HasPrefix(s.Uses, "./"):
			code = m.action(s.Uses, m.expanded(s.With, scope), scope)
		default:
			code = m.uses(s, scope)
		}
		scope["steps."+s.ID+".outcome"] = map[bool]string{true: "success", false: "failure"}[code == 0]
		if code != 0 && !s.Continue {
			return code
		}
	}
	return 0
}

// action executes a composite action with those inputs.
func (m *machine) action(path string, with, outer map[string]string) int {
	m.t.Helper()
	a := load[action](m.t, filepath.Join(path, "action.yml"))
	scope := map[string]string{}
	for name, value := range outer {
		if strings.HasPrefix(name, "github.") || strings.HasPrefix(name, "runner.") {
			scope[name] = value
		}
	}
	for name, input := range a.Inputs {
		scope["inputs."+name] = input.Default
	}
	for name, value := range with {
		if _, ok := a.Inputs[name]; !ok {
			m.t.Errorf("%s has no input %q", path, name)
		}
		scope["inputs."+name] = value
	}
	code := m.steps(a.Runs.Steps, scope, filepath.Join(m.dir, path))
	m.outputs = map[string]string{}
	for name, output := range a.Outputs {
		m.outputs[name] = m.expand(output.Value, scope)
	}
	return code
}

// run executes a step's line as GitHub does, with the files that it may write to.
func (m *machine) run(s step, scope map[string]string, actionPath string) int {
	m.t.Helper()
	bash := []string{"-e"}
	if s.Shell == "bash" {
		bash = []string{"--noprofile", "--norc", "-eo", "pipefail"}
	}
	env := m.expanded(s.Env, scope)
	env["GITHUB_REPOSITORY"], env["GITHUB_ACTION_PATH"] = "o/r", actionPath
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		env[name] = filepath.Join(m.state, name)
		set(m.t, m.state, name, "")
	}
	code := m.shell(s.Run, env, bash...)
	for _, line := range strings.Split(m.read(env["GITHUB_OUTPUT"]), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			scope["steps."+s.ID+".outputs."+name] = value
		}
	}
	m.summaries = append(m.summaries, m.read(env["GITHUB_STEP_SUMMARY"]))
	return code
}

// uses stands for the actions of others: artifacts are kept, all else is done already.
func (m *machine) uses(s step, scope map[string]string) int {
	m.t.Helper()
	name, _, _ := strings.Cut(s.Uses, "@")
	var from, to string
	switch name {
	case "actions/checkout", "actions/setup-go", "actions/cache":
		return 0
	case "actions/upload-artifact":
		with := m.expanded(s.With, scope)
		from, to = with["path"], filepath.Join(m.artifacts, with["name"])
	case "actions/download-artifact":
		with := m.expanded(s.With, scope)
		from, to = filepath.Join(m.artifacts, with["name"]), with["path"]
	default:
		m.t.Fatalf("nothing is known of %s", s.Uses)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return 1
	}
	return 0
}

func (m *machine) read(path string) string {
	m.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

func (m *machine) expanded(values map[string]any, scope map[string]string) map[string]string {
	m.t.Helper()
	all := map[string]string{}
	for name, value := range values {
		all[name] = m.expand(fmt.Sprint(value), scope)
	}
	return all
}

var expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

// expand replaces the expressions in a text.
func (m *machine) expand(text string, scope map[string]string) string {
	m.t.Helper()
	return expression.ReplaceAllStringFunc(text, func(s string) string { return m.value(expression.FindStringSubmatch(s)[1], scope) })
}

func (m *machine) holds(condition string, scope map[string]string) bool {
	m.t.Helper()
	return m.value(condition, scope) == "true"
}

// value is that of an expression of names, 'texts', ==, !=, && and ||.
func (m *machine) value(expr string, scope map[string]string) string {
	m.t.Helper()
	for _, op := range []string{"||", "&&", "==", "!="} {
		left, right, ok := strings.Cut(expr, op)
		if !ok {
			continue
		}
		l, r := m.value(left, scope), m.value(right, scope)
		empty := l == "" || l == "false"
		switch op {
		case "||":
			return map[bool]string{true: r, false: l}[empty]
		case "&&":
			return map[bool]string{true: l, false: r}[empty]
		}
		return strconv.FormatBool((l == r) == (op == "=="))
	}
	name := strings.TrimSpace(expr)
	if text, ok := strings.CutPrefix(name, "'"); ok {
		return strings.TrimSuffix(text, "'")
	}
	value, ok := scope[name]
	if !ok && !strings.HasPrefix(name, "steps.") {
		m.t.Fatalf("there is no %s; known are %v", name, slices.Sorted(maps.Keys(scope)))
	}
	return value
}
