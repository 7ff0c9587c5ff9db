package main

import (
	"slices"
	"strings"
	"testing"
)

// What a shell is offered: __complete is what its script calls.
func TestCompletion(t *testing.T) {
	workplace(t)
	write(t, "mine/steady.yaml", strings.NewReplacer("%path", "/ok", "%gate", "errors() == 0").Replace(plainScenario))
	for _, tt := range []struct{ typed, want string }{
		{"run st", "steady"},
		{"history st", "steady"},
		{"validate st", "steady"},
		{"run steady --modes o", "ok"},
		{"run steady --modes x,o", "x,ok"},
		{"run --sta", "--stack"},
		{"run --stack em", "embedded"},
		{"report --format j", "junit"},
		{"hit --arrivals p", "poisson"},
		{"hit --transport n", "net/http"},
		{"hit --connect-t", "--connect-timeout"},
	} {
		args := append([]string{"__complete", "--scenarios", "mine"}, strings.Fields(tt.typed)...)
		r := loadgen(t, args...)
		offered := slices.ContainsFunc(strings.Split(r.stdout, "\n"), func(line string) bool { word, _, _ := strings.Cut(line, "\t"); return word == tt.want })
		if r.code != 0 || !offered {
			t.Errorf("%s: %q is not offered: %s", tt.typed, tt.want, r)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := loadgen(t, "completion", shell); r.code != 0 || !strings.Contains(r.stdout, "__complete") {
			t.Errorf("%s: %s", shell, r)
		}
	}
}
