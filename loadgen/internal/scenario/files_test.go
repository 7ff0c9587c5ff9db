package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/scenario"
)

// shipped is the folder of the scenarios that come with the lab.
const shipped = "../../../scenarios"

// Every scenario of the lab is valid, explains how to read its table, has gates, and takes less than 90 s.
func TestShipped(t *testing.T) {
	list, err := scenario.List(shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, l := range list {
		found[l.Name] = true
		if l.Err != nil {
			t.Errorf("%v", l.Err)
			continue
		}
		if l.Why == "" || l.Estimate <= 0 || l.Estimate > 75*time.Second { // the rest of 90 s is for what a phase needs around it
			t.Errorf("%s takes %s: %q", l.Name, l.Estimate, l.Why)
		}
		s, err := scenario.Find(shipped, l.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name != l.Name || len(s.Gates) == 0 {
			t.Errorf("%s.yaml is named %q and has %d gates", l.Name, s.Name, len(s.Gates))
		}
		text, err := os.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "#") || !strings.Contains(string(text), "# What to look for\n") {
			t.Errorf("%s does not begin with a comment that says what to look for", s.File)
		}
	}
	for _, name := range []string{"cold", "warm", "stampede", "mixed", "stale"} {
		if !found[name] {
			t.Errorf("no scenario %q", name)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("burst.yaml", file("burst: 5"))
	write("bad.yaml", file("brust: 5"))
	write("notes.txt", "")
	odd := write("=1+1,x.yml", file("requests: 5"))
	broken := write("bad\xff.yml", file("requests: 5"))
	write("=1+2,x.yml", "name: three\n"+file("requests: 5"))
	write(".hidden.yaml", "")
	other := write("other.yml", file("requests: 5"))

	for _, name := range []string{"burst", filepath.Join(dir, "burst.yaml"), other} {
		if s, err := scenario.Find(dir, name, nil); err != nil || len(s.Phases) != 1 {
			t.Errorf("Find(%s): %v", name, err)
		}
	}
	if s, err := scenario.Find(dir, other, nil); err != nil || s.Name != "other" {
		t.Errorf("Find(%s): %+v, %v", other, s, err)
	}
	if s, err := scenario.Find(dir, filepath.Join(dir, "=1+2,x.yml"), nil); err != nil || s.Name != "three" {
		t.Errorf("a name in a file of an odd name: %+v, %v", s, err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	for name, want := range map[string]string{
		"brst":                            `unknown scenario "brst", did you mean "burst"? (allowed: bad, burst)`,
		"bad":                             bad + ":3:20: unknown key \"brust\", did you mean \"burst\"? " + phaseKeys,
		odd:                               odd + `:1:1: the scenario's name, which is its file's, must be 1 to 40 of a-z, 0-9, _ and -, got "=1+1,x": write name: to give it another`,
		broken:                            broken + `:1:1: the scenario's name, which is its file's, must be 1 to 40 of a-z, 0-9, _ and -, got "bad\xff": write name: to give it another`,
		filepath.Join(dir, "absent.yaml"): "read scenario: open " + filepath.Join(dir, "absent.yaml") + ": no such file or directory",
	} {
		if _, err := scenario.Find(dir, name, nil); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Find(%s)\n got %v\nwant %s", name, err, want)
		}
	}
	if _, err := scenario.Find(filepath.Join(dir, "absent"), "burst", nil); err == nil || !strings.HasPrefix(err.Error(), "list scenarios: ") {
		t.Errorf("in a folder that is not there: %v", err)
	}

	list, err := scenario.List(dir, nil)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if l := list[0]; l.Name != "bad" || l.Err == nil {
		t.Errorf("got %+v", l)
	}
	if l := list[1]; l.Name != "burst" || l.Err != nil || l.Why != "x" || l.Estimate != 300*time.Millisecond {
		t.Errorf("got %+v", l)
	}
}
