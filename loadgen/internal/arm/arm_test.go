package arm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"loadlab/loadgen/internal/arm"

	"loadlab/internal/testkit"
)

// clone is a repository with a program in ./app.
type clone struct {
	t   *testing.T
	dir string
}

func newClone(t *testing.T) clone {
	t.Helper()
	c := clone{t, t.TempDir()}
	c.git("init", "--quiet", "--initial-branch=main")
	c.write("go.mod", "module example\n\ngo 1.26\n")
	c.write("app/main.go", "package main\n\nfunc main() { println(1) }\n")
	c.write("scenarios/warm.yaml", "one\n")
	c.commit("first", "2026-01-01T00:00:00Z")
	return c
}

func (c clone) git(args ...string) string { return c.gitAt("", args...) }

// gitAt is git at a time.
func (c clone) gitAt(at string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", c.dir, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
	if at != "" {
		cmd.Env = append(cmd.Environ(), "GIT_COMMITTER_DATE="+at)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c clone) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// commit commits everything, at a time, and returns the commit.
func (c clone) commit(message, at string) string {
	c.t.Helper()
	c.git("add", "--all")
	c.gitAt(at, "commit", "--quiet", "--message", message)
	return c.git("rev-parse", "HEAD")
}

func (c clone) open(a, b string) (*arm.Pair, error) {
	c.t.Helper()
	var log testkit.Log
	p, err := arm.Open(c.t.Context(), c.dir, [2]string{a, b}, &log)
	if err == nil {
		c.t.Cleanup(func() {
			if err := p.Close(); err != nil {
				c.t.Error(err)
			}
			for _, a := range p.Arms {
				if trees := c.git("worktree", "list"); a.Tree != "" && a.Tree != c.dir && strings.Contains(trees, a.Tree) {
					c.t.Errorf("%s is left behind:\n%s", a.Tree, trees)
				}
			}
		})
	}
	return p, err
}

func (c clone) mustOpen(a, b string) *arm.Pair {
	c.t.Helper()
	p, err := c.open(a, b)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func TestCommits(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.git("tag", "old")
	c.write("app/main.go", "package main\n\nfunc main() { println(2) }\n")
	second := c.commit("second", "2026-01-02T00:00:00Z")
	p := c.mustOpen("old", "HEAD")
	a, b := p.Arms[0], p.Arms[1]
	if b.Commit != second || a.Commit == second || a.SHA256 == b.SHA256 || a.Dirty || b.Dirty || len(p.Warnings) > 0 {
		t.Errorf("got %+v\n%+v\n%q", a, b, p.Warnings)
	}
	for i, want := range []string{"1\n", "2\n"} {
		out, err := exec.Command(p.Arms[i].Program).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%v: got %q, %v, want %q", p.Arms[i], out, err, want)
		}
	}
	if want := "HEAD, commit " + second[:10]; b.String() != want {
		t.Errorf("got %q, want %q", b, want)
	}
}

// What does not change the program makes it no other one: neither a commit nor the folder that it was built in is in it.
func TestSameSourceIsTheSameProgram(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("README.md", "words\n")
	c.commit("words", "2026-01-02T00:00:00Z")
	for _, names := range [][2]string{{"HEAD~1", "HEAD"}, {"HEAD~1", "."}} {
		if p := c.mustOpen(names[0], names[1]); p.Arms[0].SHA256 != p.Arms[1].SHA256 {
			t.Errorf("%q: two programs of one source", names)
		}
	}
}

// Changes that are in no commit are a label of the tree that has them, and a warning where they are left out.
func TestDirty(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	clean := c.mustOpen("HEAD", ".")
	if clean.Arms[1].Dirty || len(clean.Warnings) > 0 {
		t.Errorf("a clean tree: %+v, %q", clean.Arms[1], clean.Warnings)
	}
	c.write("app/main.go", "package main\n\nfunc main() { println(3) }\n")
	p := c.mustOpen("HEAD", ".")
	if a, b := p.Arms[0], p.Arms[1]; a.Dirty || !b.Dirty || a.SHA256 == b.SHA256 || !strings.Contains(b.String(), "with changes (dirty)") {
		t.Errorf("got %+v\n%+v", a, b)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "arm A is the commit ") {
		t.Errorf("warnings %q", p.Warnings)
	}
}

func TestProgramsAndServices(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("bin/old", "x")
	c.write("bin/new", "y")
	p := c.mustOpen("bin/old", "bin/new")
	if a, b := p.Arms[0], p.Arms[1]; a.Program != filepath.Join(c.dir, "bin/old") || a.SHA256 == b.SHA256 || a.Tree != "" || b.String() != "bin/new" {
		t.Errorf("got %+v\n%+v", a, b)
	}
	p = c.mustOpen("http://127.0.0.1:1", "https://example.com")
	if a, b := p.Arms[0], p.Arms[1]; a.URL != "http://127.0.0.1:1" || b.URL != "https://example.com" || a.Program != "" {
		t.Errorf("got %+v\n%+v", a, b)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.git("tag", "good")
	c.write("app/main.go", "package main\n\nfunc main() { undefined() }\n")
	broken := c.commit("broken", "2026-01-02T00:00:00Z")
	c.write("bin/app", "x")
	for name, test := range map[string]struct {
		a, b string
		want []string
	}{
		"nothing":         {"", "good", []string{"arm A has no name"}},
		"no such ref":     {"good", "origin/nope", []string{`"origin/nope" is no URL, no file, no folder written like ./origin/nope, and no commit`, "git fetch origin nope"}},
		"an option":       {"--help", "good", []string{`"--help" is no URL`}},
		"mixed":           {"http://127.0.0.1:1", "bin/app", []string{"http://127.0.0.1:1 is a service that runs already, and bin/app is none"}},
		"mixed, reversed": {"bin/app", "http://127.0.0.1:1", []string{"http://127.0.0.1:1 is a service that runs already, and bin/app is none"}},
		"no app in it":    {"./bin", "good", []string{"the folder ./bin has no ./app to build"}},
	} {
		_, err := c.open(test.a, test.b)
		if !errors.Is(err, arm.ErrName) {
			t.Errorf("%s: got %v, want ErrName", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", name, err, want)
			}
		}
	}
	_, err := c.open("good", "main")
	var build *arm.BuildError
	if !errors.As(err, &build) || build.Arm != "B" || build.Commit != broken || !strings.Contains(err.Error(), "arm B, main (commit "+broken[:10]+"), does not build") ||
		!strings.Contains(err.Error(), "main.go:3:15: undefined: undefined") {
		t.Errorf("got %v", err)
	}
	if trees := c.git("worktree", "list"); strings.Contains(trees, "\n") {
		t.Errorf("left behind:\n%s", trees)
	}
}

func TestScenario(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	first := c.git("rev-parse", "HEAD")
	c.write("scenarios/warm.yaml", "two\n")
	c.write("scenarios/new.yaml", "new\n")
	second := c.commit("second", "2020-01-01T00:00:00Z") // an older clock: what descends is newer all the same
	c.git("checkout", "--quiet", "-b", "side", first)
	c.write("scenarios/warm.yaml", "three\n")
	third := c.commit("third", "2026-01-03T00:00:00Z")
	c.write("scenarios/warm.yaml", "four\n")
	for name, test := range map[string]struct {
		a, b, file string
		text       string // of the file that is used; empty for none
		warning    string
	}{
		"the same":         {first, first, "warm.yaml", "one\n", ""},
		"A is newer":       {second, first, "warm.yaml", "two\n", "scenarios/warm.yaml differs between the arms: that of arm A, which is newer"},
		"B is newer":       {first, second, "warm.yaml", "two\n", "that of arm B, which is newer"},
		"neither descends": {second, third, "warm.yaml", "three\n", "that of arm B, which is newer"},
		"changes":          {".", second, "warm.yaml", "four\n", "that of arm A, which is newer"},
		"one has it":       {second, third, "new.yaml", "new\n", "scenarios/new.yaml is in arm A alone"},
		"none has it":      {first, second, "nope.yaml", "", ""},
	} {
		p := c.mustOpen(test.a, test.b)
		path, warning, ok, err := p.Scenario(t.Context(), "scenarios", test.file)
		if err != nil || ok != (test.text != "") || !strings.Contains(warning, test.warning) || test.warning == "" && warning != "" {
			t.Errorf("%s: got %q, %q, %t, %v", name, path, warning, ok, err)
			continue
		}
		if !ok {
			continue
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != test.text {
			t.Errorf("%s: got %q, %v, want %q", name, text, err, test.text)
		}
	}
	p := c.mustOpen(first, second)
	if _, _, ok, err := p.Scenario(t.Context(), "/elsewhere", "warm.yaml"); ok || err != nil {
		t.Errorf("a folder that is in no tree: %t, %v", ok, err)
	}
}
