package ci_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"loadlab/internal/testkit"
)

// pipeline is the snippet of docs/ci.md for GitLab; an unknown key is an error.
type pipeline struct {
	Gate struct {
		Image        string              `yaml:"image"`
		Timeout      string              `yaml:"timeout"`
		Rules        []map[string]string `yaml:"rules"`
		Variables    map[string]string   `yaml:"variables"`
		Script       []string            `yaml:"script"`
		AfterScript  []string            `yaml:"after_script"`
		AllowFailure struct {
			ExitCodes []int `yaml:"exit_codes"`
		} `yaml:"allow_failure"`
		Artifacts struct {
			When    string   `yaml:"when"`
			Paths   []string `yaml:"paths"`
			Reports struct {
				JUnit string `yaml:"junit"`
			} `yaml:"reports"`
		} `yaml:"artifacts"`
	} `yaml:"gate"`
}

// snippet is the block of docs/ci.md that begins with the line.
func snippet(t *testing.T, first string) string {
	t.Helper()
	var lines []string
	for _, line := range strings.Split(string(testkit.ReadFile(t, "docs/ci.md")), "\n") {
		text, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && (len(lines) > 0 || text == first):
			lines = append(lines, text)
		case len(lines) > 0:
			return strings.Join(lines, "\n") + "\n"
		}
	}
	t.Fatalf("docs/ci.md has no block %q", first)
	return ""
}

// The pipeline in docs/ci.md, line by line, for every verdict; the note is made once, and updated.
func TestGitLab(t *testing.T) {
	var p pipeline
	if err := yaml.UnmarshalWithOptions([]byte(snippet(t, "# .gitlab-ci.yml")), &p, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	g := p.Gate
	if g.Artifacts.When != "always" || len(g.Artifacts.Paths) != 1 || g.Variables["GIT_DEPTH"] != "0" || !cmp.Equal(g.AllowFailure.ExitCodes, []int{3}) || len(g.Rules) != 1 {
		t.Errorf("got %+v", g)
	}
	for test, want := range map[string]int{"same": 0, "slower": 1, "no build": 2, "noise": 3, "broken": 4} {
		t.Run(test, func(t *testing.T) {
			m := newMachine(t, map[string]bool{})
			set(t, m.state, "test", test)
			if err := built(m); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"CI_MERGE_REQUEST_DIFF_BASE_SHA": mergeBase, "CI_API_V4_URL": "https://gitlab/api/v4", "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7"}
			maps.Copy(env, g.Variables)
			if code := m.shell(strings.Join(g.Script, "\n"), env, "-eo", "pipefail"); code != want {
				t.Fatalf("got %d, want %d\n%s", code, want, m.log.String())
			}
			out := filepath.Join(m.dir, g.Artifacts.Paths[0])
			for _, file := range []string{filepath.Join(out, "comment.md"), filepath.Join(m.dir, g.Artifacts.Reports.JUnit)} {
				if _, err := os.Stat(file); err != nil {
					t.Error(err)
				}
			}
			call := calls(t, m.state, "loadgen")[0]
			if diff := cmp.Diff([]string{"warm", "--a", mergeBase, "--b", "HEAD", "--mode", "naive", "--phase", "near"}, call[3:]); diff != "" {
				t.Errorf("called with (-want +got):\n%s", diff)
			}
			checkNotes(t, m, g.AfterScript, env)
		})
	}
}

// built makes bin/loadgen, as make build does.
func built(m *machine) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(m.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	return os.Symlink(self, filepath.Join(bin, "loadgen"))
}

func checkNotes(t *testing.T, m *machine, lines []string, env map[string]string) {
	t.Helper()
	f := forge{Number: 7}
	for i := range 120 { // more than a page
		f.Comments = append(f.Comments, by("mallory", 6, i+1, "<!-- loadlab-gate -->\nmine"))
	}
	if err := f.write(m.state); err != nil {
		t.Fatal(err)
	}
	line := strings.Join(lines, "\n")
	if code := m.shell(line, env, "-eo", "pipefail"); code != 0 || len(comments(t, m.state)) != 120 || len(calls(t, m.state, "curl")) > 0 {
		t.Fatalf("without a token: %d\n%s", code, m.log.String())
	}
	env["GITLAB_TOKEN"] = "secret"
	for range 2 {
		if code := m.shell(line, env, "-eo", "pipefail"); code != 0 {
			t.Fatalf("%d\n%s", code, m.log.String())
		}
		all := comments(t, m.state)
		if want := "<!-- loadlab-gate -->\n" + m.read(filepath.Join(m.dir, "gate/comment.md")); len(all) != 121 || all[120].Body != want || all[0].Body != "<!-- loadlab-gate -->\nmine" {
			t.Errorf("%d notes, the last %.200q", len(all), all[len(all)-1].Body)
		}
	}
	for _, call := range calls(t, m.state, "curl") {
		if strings.Contains(strings.Join(call, " "), "secret") {
			t.Errorf("the token is among the arguments, where other processes see it: %q", call)
		}
	}
}

// The other blocks of docs/ci.md: the workflow is the project's own, and the lines for any CI are executed.
func TestDocumentedLines(t *testing.T) {
	var documented, own workflow
	if err := yaml.Unmarshal([]byte(snippet(t, "# .github/workflows/gate.yml")), &documented); err != nil {
		t.Fatal(err)
	}
	own = load[workflow](t, gateFlow)
	if diff := cmp.Diff(own, documented); diff != "" {
		t.Errorf("%s and docs/ci.md (-file +documented):\n%s", gateFlow, diff)
	}
	m := newMachine(t, map[string]bool{})
	set(t, m.state, "test", "slower")
	if err := built(m); err != nil {
		t.Fatal(err)
	}
	if code := m.shell(strings.ReplaceAll(snippet(t, "make build"), "FOLDER", "here"), nil, "-eo", "pipefail"); code != 1 || m.read(filepath.Join(m.dir, "here/verdict")) != "FAIL\n" {
		t.Errorf("%d\n%s", code, m.log.String())
	}
}

// Every input and output of the action is documented.
func TestDocumentedInputs(t *testing.T) {
	text := string(testkit.ReadFile(t, "docs/ci.md"))
	a := load[action](t, abAction)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(a.Inputs)), slices.Collect(maps.Keys(a.Outputs))) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/ci.md does not have %s", name)
		}
	}
}
