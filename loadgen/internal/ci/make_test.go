package ci_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"loadlab/internal/testkit"
)

// make gate compares the working tree with its merge base, in a scenario of its own unless one is given.
func TestMakeGate(t *testing.T) {
	for args, want := range map[string]string{
		"":                               `base=$(git merge-base origin/main HEAD) && bin/loadgen ab warm --a "$base" --b . --stack embedded --mode naive --phase near`,
		"BASE=v1 STACK=local":            `base=$(git merge-base v1 HEAD) && bin/loadgen ab warm --a "$base" --b . --stack local --mode naive --phase near`,
		"NAME=zipf":                      `base=$(git merge-base origin/main HEAD) && bin/loadgen ab zipf --a "$base" --b . --stack embedded`,
		"MODE=naive+ttl PHASE=far":       `base=$(git merge-base origin/main HEAD) && bin/loadgen ab warm --a "$base" --b . --stack embedded --mode naive --mode ttl --phase far`,
		"NAME=zipf MODE=x ARGS=--seed=7": `base=$(git merge-base origin/main HEAD) && bin/loadgen ab zipf --a "$base" --b . --stack embedded --mode x --seed=7`,
	} {
		words := []string{"--dry-run", "--directory=" + testkit.Root(t), "gate"}
		for _, word := range strings.Fields(args) {
			words = append(words, strings.ReplaceAll(word, "+", " "))
		}
		cmd := exec.CommandContext(t.Context(), "make", words...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()} // whatever NAME is here
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := strings.Join(strings.Fields(string(out)), " "); !strings.Contains(got+" ", want+" ") {
			t.Errorf("%s: got %s\nwant %s", args, got, want)
		}
	}
}
