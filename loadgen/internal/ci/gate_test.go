package ci_test

import (
	"encoding/xml"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/ab"
)

const (
	ciFlow      = ".github/workflows/ci.yml"
	gateFlow    = ".github/workflows/gate.yml"
	commentFlow = ".github/workflows/gate-comment.yml"
	artifact    = "loadlab-ab"
	summaryMost = 1 << 20 // bytes, of a step on GitHub
	commentMost = 65_536  // characters, on GitHub
)

// forkRun is what GitHub knows of a run of gate for pull request 7, which is of a fork.
func forkRun(m *machine) {
	maps.Copy(m.context, map[string]string{
		"github.event.pull_request.number": "7", "github.event.pull_request.head.sha": "beef", "github.base_ref": "main", "github.event.repository.default_branch": "trunk",
		"github.token": "secret", "runner.temp": m.temp,
	})
}

// commented is what GitHub knows in the run of gate-comment that comes after it.
func commented(m *machine) {
	run := "github.event.workflow_run."
	maps.Copy(m.context, map[string]string{
		run + "event": "pull_request", run + "conclusion": "success", run + "id": "99", run + "html_url": "https://forge/run/99", run + "head_sha": "beef",
		run + "head_branch": "$(touch pwned)`touch pwned`", run + "head_repository.full_name": "evil/fork", "github.token": "secret", "runner.temp": m.temp,
	})
	f := forge{Number: 7, Head: head{SHA: "beef", Ref: "$(touch pwned)`touch pwned`"}, Comments: []comment{by("mallory", 6, 1, "<!-- loadlab-gate -->\nmine"), by(bot, botID, 2, "of another workflow")}}
	f.Head.Repo.Name = "evil/fork"
	if err := f.write(m.state); err != nil {
		m.t.Fatal(err)
	}
}

// TestEveryLine executes each line of shell in .github: those of the gate for every verdict, and a comment for each of them.
func TestEveryLine(t *testing.T) {
	ran := map[string]bool{}
	for _, x := range []struct {
		test, verdict, code string
		job                 int
		annotation          string
	}{
		{"same", "PASS", "0", 0, ""},
		{"slower", "FAIL", "1", 1, "::error title=loadlab ab: FAIL::B is slower: ttl warm p50, ttl warm p95\n"},
		{"work", "FAIL", "1", 1, "::error title=loadlab ab: FAIL::A/A, both arms are the same build: B does more work for the same requests: ttl warm: sql\n"},
		{"noise", "INCONCLUSIVE", "3", 0, "::warning title=loadlab ab: INCONCLUSIVE::A/A, both arms are the same build: B is neither shown"},
		{"broken", "INVALID", "4", 4, "::error title=loadlab ab: INVALID::"},
		{"interrupted", "INTERRUPTED", "130", 130, "::error title=loadlab ab: INTERRUPTED::"},
		{"no build", "ERROR", "2", 2, "::error title=loadlab ab: ERROR::loadgen ab ended with exit code 2 before it had measured anything\n"},
		{"long", "FAIL", "1", 1, "::error title=loadlab ab: FAIL::"},
		{"longer", "FAIL", "1", 1, "::error title=loadlab ab: FAIL::"},
	} {
		t.Run(x.test, func(t *testing.T) {
			m := newMachine(t, ran)
			forkRun(m)
			set(t, m.state, "test", x.test)
			if got := m.job(gateFlow); got != x.job {
				t.Errorf("the job ends with %d, want %d\n%s", got, x.job, m.log.String())
			}
			want := map[string]string{"verdict": x.verdict, "exit-code": x.code, "ab-json": filepath.Join(m.temp, artifact, "ab.json")}
			if x.verdict == "ERROR" {
				want["ab-json"] = ""
			}
			if diff := cmp.Diff(want, m.outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if log := m.log.String(); x.annotation != "" && !strings.Contains(log, x.annotation) || x.annotation == "" && strings.Contains(log, "::") {
				t.Errorf("no %q, or another annotation, in\n%.2000s", x.annotation, log)
			}
			call := calls(t, m.state, "loadgen")[0]
			out := filepath.Join(m.temp, artifact, "runs")
			if diff := cmp.Diff([]string{"ab", "--out", out, "--a", mergeBase, "--b", "HEAD", "--stack", "embedded", "--mode", "naive", "--phase", "near", "--", "warm"}, call); diff != "" {
				t.Errorf("called with (-want +got):\n%s", diff)
			}
			checkSummary(t, m, x.verdict)
			checkArtifact(t, m, x.verdict)
			checkComment(t, m, x.verdict)
		})
	}
	t.Run("ci", func(t *testing.T) {
		m := newMachine(t, ran)
		if got := m.job(ciFlow); got != 0 {
			t.Error(m.log.String())
		}
		if diff := cmp.Diff([][]string{{"lint"}, {"test"}}, calls(t, m.state, "make")); diff != "" {
			t.Errorf("make (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([][]string{{".ci/servers"}}, calls(t, m.state, "sudo")); diff != "" {
			t.Errorf("sudo (-want +got):\n%s", diff)
		}
	})
	for _, s := range allSteps(t) {
		if s.Run != "" && !ran[s.Run] {
			t.Errorf("no test executes %q", s.Run)
		}
	}
}

func checkSummary(t *testing.T, m *machine, verdict string) {
	t.Helper()
	all := strings.Join(m.summaries, "")
	if !strings.HasPrefix(all, "### "+verdict) || !utf8.ValidString(all) || !strings.HasSuffix(all, "The artifact **loadlab-ab** of this run has what was measured, and the log.\n") {
		t.Errorf("the summary of %d bytes:\n%.1000s", len(all), all)
	}
	for _, s := range m.summaries {
		if len(s) > summaryMost {
			t.Errorf("a summary has %d bytes", len(s))
		}
	}
}

func checkArtifact(t *testing.T, m *machine, verdict string) {
	t.Helper()
	folder := filepath.Join(m.artifacts, artifact)
	want := []string{"comment.md", "junit.xml", "log.txt", "pull-request", "summary.md", "verdict"}
	if verdict != "ERROR" {
		want = append([]string{"ab.json"}, want...)
		if test, err := ab.Read(filepath.Join(folder, "ab.json")); err != nil || test.Verdict != verdict {
			t.Error(test, err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifact (-want +got):\n%s", diff)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
	}
	if err := xml.Unmarshal([]byte(m.read(filepath.Join(folder, "junit.xml"))), &suites); err != nil || suites.Tests == 0 ||
		(suites.Failures > 0) != (verdict == "FAIL") || (suites.Errors > 0) != slices.Contains([]string{"ERROR", "INVALID", "INTERRUPTED"}, verdict) {
		t.Errorf("JUnit %+v, %v", suites, err)
	}
}

// checkComment runs gate-comment twice after the gate: the comment is made, and then updated.
func checkComment(t *testing.T, m *machine, verdict string) {
	t.Helper()
	commented(m)
	for range 2 {
		if err := os.RemoveAll(filepath.Join(m.temp, "gate")); err != nil {
			t.Fatal(err)
		}
		if got := m.job(commentFlow); got != 0 {
			t.Fatalf("%d\n%s", got, m.log.String())
		}
		all := comments(t, m.state)
		if len(all) != 3 || !strings.HasSuffix(all[0].Body, "\nmine") || all[1].Body != "of another workflow" {
			t.Fatalf("%d comments: %+v", len(all), all)
		}
		body := all[2].Body
		if !strings.HasPrefix(body, "<!-- loadlab-gate -->\n### "+verdict) || utf8.RuneCountInString(body) > commentMost || !utf8.ValidString(body) ||
			!strings.Contains(body, "[The run](https://forge/run/99) measured beef.") {
			t.Errorf("a comment of %d characters:\n%.1000s", utf8.RuneCountInString(body), body)
		}
	}
	if _, err := os.Stat(filepath.Join(m.dir, "pwned")); err == nil {
		t.Error("a branch's name was executed")
	}
}

// What does not come from the gate's run is not written anywhere.
func TestForgedArtifacts(t *testing.T) {
	for name, x := range map[string]struct {
		number string
		change func(m *machine, f *forge)
		code   int
		says   string
	}{
		"a line of shell":      {"7; touch pwned", nil, 1, "is no number"},
		"a substitution":       {"$(touch pwned)", nil, 1, "is no number"},
		"a path":               {"../issues/7", nil, 1, "is no number"},
		"two lines":            {"7\n8\n", nil, 1, "is no number"},
		"nothing":              {"", nil, 1, "is no number"},
		"zero":                 {"0", nil, 1, "is no number"},
		"a zero byte":          {"7\x00", nil, 1, "is no number"},
		"too long":             {"7000000000000", nil, 1, "is no number"},
		"digits of others":     {"７", nil, 1, "is no number"},
		"another pull request": {"8", nil, 1, "HTTP 404"},
		"of another branch":    {"7", func(_ *machine, f *forge) { f.Head.Ref = "main" }, 1, "of another branch"},
		"of another fork":      {"7", func(_ *machine, f *forge) { f.Head.Repo.Name = "o/r" }, 1, "of another repository"},
		"of an old commit":     {"7", func(_ *machine, f *forge) { f.Head.SHA = "cafe" }, 0, "has moved on"},
		"after a push":         {"7", func(m *machine, _ *forge) { m.context["github.event.workflow_run.event"] = "push" }, 0, ""},
		"of a cancelled run":   {"7", func(m *machine, _ *forge) { m.context["github.event.workflow_run.conclusion"] = "cancelled" }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, map[string]bool{})
			commented(m)
			forged(t, m, x.number, "### PASS\n")
			f, err := readForge(m.state)
			if err != nil {
				t.Fatal(err)
			}
			if x.change != nil {
				x.change(m, &f)
			}
			if err := f.write(m.state); err != nil {
				t.Fatal(err)
			}
			if got := m.job(commentFlow); got != x.code || !strings.Contains(m.log.String(), x.says) {
				t.Errorf("%d, want %d and %q\n%s", got, x.code, x.says, m.log.String())
			}
			if diff := cmp.Diff(f.Comments, comments(t, m.state)); diff != "" {
				t.Errorf("comments (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(filepath.Join(m.dir, "pwned")); err == nil {
				t.Error("it was executed")
			}
		})
	}
}

// A text mentions nobody, one that is too long is replaced, and where there is none nothing is written.
func TestForgedText(t *testing.T) {
	m := newMachine(t, map[string]bool{})
	commented(m)
	forged(t, m, "7\n", "### PASS\n\n@everybody and\n<!-- loadlab-gate -->\n$(touch pwned)\n")
	if got := m.job(commentFlow); got != 0 {
		t.Fatal(m.log.String())
	}
	want := "<!-- loadlab-gate -->\n### PASS\n\n@<!-- -->everybody and\n<!-- loadlab-gate -->\n$(touch pwned)\n\n[The run](https://forge/run/99) measured beef.\n"
	all := comments(t, m.state)
	if len(all) != 3 || all[2].Body != want {
		t.Errorf("%d comments, the last %q\nwant %q", len(all), all[len(all)-1].Body, want)
	}
	forged(t, m, "7\n", strings.Repeat("@ä\x00", 100_000))
	if err := os.RemoveAll(filepath.Join(m.temp, "gate")); err != nil {
		t.Fatal(err)
	}
	if got := m.job(commentFlow); got != 0 {
		t.Fatal(m.log.String())
	}
	all = comments(t, m.state)
	if len(all) != 3 || !strings.HasPrefix(all[2].Body, "<!-- loadlab-gate -->\nThe report is too long for a comment: [the run](https://forge/run/99)") {
		t.Errorf("%d comments, the last %.200q", len(all), all[len(all)-1].Body)
	}
	if err := os.RemoveAll(m.artifacts); err != nil {
		t.Fatal(err)
	}
	if got := m.job(commentFlow); got != 0 || len(comments(t, m.state)) != 3 {
		t.Errorf("without an artifact: %d\n%s", got, m.log.String())
	}
}

// forged leaves an artifact of the pull request's own making.
func forged(t *testing.T, m *machine, number, text string) {
	t.Helper()
	folder := filepath.Join(m.artifacts, artifact)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	set(t, folder, "pull-request", number)
	set(t, folder, "comment.md", text)
}

// Inputs of the action: lists, more arguments, arms of one's own, and whether INCONCLUSIVE fails.
func TestActionInputs(t *testing.T) {
	for name, x := range map[string]struct {
		with map[string]string
		base string
		code int
		call []string
	}{
		"lists": {map[string]string{"scenario": "my.yaml", "modes": "a, b\nc", "phases": "p q", "args": "--b-arg\n--slow=a b=+20%\n\n--seed=7\n", "stack": "local", "name": "mine"}, "main", 0,
			[]string{"--a", mergeBase, "--b", "HEAD", "--stack", "local", "--mode", "a", "--mode", "b", "--mode", "c", "--phase", "p", "--phase", "q", "--b-arg", "--slow=a b=+20%", "--seed=7", "--", "my.yaml"}},
		"arms":         {map[string]string{"scenario": "x", "a": "http://a", "b": "bin/$(touch pwned)"}, "main", 0, []string{"--a", "http://a", "--b", "bin/$(touch pwned)", "--stack", "embedded", "--", "x"}},
		"inconclusive": {map[string]string{"scenario": "--help", "fail-on-inconclusive": "true"}, "main", 3, []string{"--a", mergeBase, "--b", "HEAD", "--stack", "embedded", "--", "--help"}},
		"no base":      {map[string]string{"scenario": "x"}, "elsewhere", 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, map[string]bool{})
			forkRun(m)
			m.context["github.event.pull_request.number"], m.context["github.base_ref"] = "", x.base
			set(t, m.state, "test", "noise")
			if got := m.action("./"+filepath.Dir(abAction), x.with, m.context); got != x.code {
				t.Errorf("got %d, want %d\n%s", got, x.code, m.log.String())
			}
			all := calls(t, m.state, "loadgen")
			if x.call == nil {
				if len(all) > 0 || !strings.Contains(m.log.String(), "::error title=loadlab ab::HEAD has no merge base with origin/elsewhere in this clone: check out with fetch-depth 0") {
					t.Errorf("%q\n%s", all, m.log.String())
				}
				return
			}
			if diff := cmp.Diff(x.call, all[0][3:]); diff != "" {
				t.Errorf("called with (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(filepath.Join(m.dir, "pwned")); err == nil {
				t.Error("an input was executed")
			}
			if _, err := os.Stat(filepath.Join(m.temp, artifact, "pull-request")); err == nil {
				t.Error("there is a pull request's number where there is no pull request")
			}
		})
	}
}

// A folder with something in it is refused: results that lie there already are not of this test.
func TestABScriptRefusesAFolderInUse(t *testing.T) {
	m := newMachine(t, map[string]bool{})
	set(t, m.temp, "ab.json", "{}")
	if code := m.shell(".ci/ab "+m.temp+" warm --a x --b y", map[string]string{"LOADGEN": "loadgen"}, "-e"); code != 2 || !strings.Contains(m.log.String(), "is not empty") {
		t.Errorf("%d %s", code, m.log.String())
	}
}

// allSteps are those of all workflows and of the action.
func allSteps(t *testing.T) (all []step) {
	t.Helper()
	for _, path := range workflows(t) {
		for _, j := range load[workflow](t, path).Jobs {
			all = append(all, j.Steps...)
		}
	}
	return append(all, load[action](t, abAction).Runs.Steps...)
}

// workflows are the paths of all, relative to the root.
func workflows(t *testing.T) (all []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testkit.Root(t), ".github/workflows/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		all = append(all, ".github/workflows/"+filepath.Base(path))
	}
	if want := []string{ciFlow, commentFlow, gateFlow}; !slices.Equal(all, want) {
		t.Fatalf("workflows %q, these tests know %q", all, want)
	}
	return all
}

// What no step may do, and who may write.
func TestWhoMayWhat(t *testing.T) {
	pinned := regexp.MustCompile(`^(\./|actions/[a-z-]+@v[0-9]+$)`)
	for _, s := range allSteps(t) {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression in a line of shell: %s", s.Run)
		}
		if s.Uses != "" && !pinned.MatchString(s.Uses) {
			t.Errorf("%s is not of the major version of an action of GitHub's own", s.Uses)
		}
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
			t.Error("a checkout leaves its token behind")
		}
	}
	for _, path := range workflows(t) {
		flow := load[workflow](t, path)
		if flow.Permissions == nil {
			t.Errorf("%s has whatever permissions the repository gives", path)
		}
		for name, permission := range flow.Permissions {
			if permission != "read" {
				t.Errorf("%s: %s: %s", path, name, permission)
			}
		}
		if strings.Contains(string(testkit.ReadFile(t, path)), "pull_request_target") {
			t.Errorf("%s runs with the base's token on pull_request_target", path)
		}
		for name, j := range flow.Jobs {
			want := map[string]string(nil)
			if path == commentFlow {
				want = map[string]string{"actions": "read", "contents": "read", "pull-requests": "write"}
			}
			if diff := cmp.Diff(want, j.Permissions); diff != "" {
				t.Errorf("%s: %s: permissions (-want +got):\n%s", path, name, diff)
			}
			for _, s := range j.Steps {
				if path == commentFlow && (strings.HasPrefix(s.Uses, "./") || s.With["ref"] != nil || s.With["repository"] != nil) {
					t.Errorf("%s uses %s with %v: it may have nothing of a pull request", path, s.Uses, s.With)
				}
			}
		}
	}
}
