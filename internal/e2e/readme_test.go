package e2e_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"loadlab/internal/testkit"
)

// What README has under "Look by hand" can be typed as it stands, one command after the other, and its comments are true.
func TestReadmeByHand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the app")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: curl not found")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	ready := serveApp(ctx, t, filepath.Join(programs, "app"), 5000)
	_, section, _ := strings.Cut(string(testkit.ReadFile(t, "README.md")), "\n## Look by hand\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := regexp.MustCompile(`(?m)^    \$ (curl .*)$`).FindAllStringSubmatch(section, -1)

	folder := t.TempDir() // with what one command leaves for another
	want := expectations()
	for _, c := range commands {
		line := strings.NewReplacer("localhost:8000", ready.API, "localhost:8001", ready.Lab, "curl ", "curl --silent --show-error ").Replace(c[1])
		cmd := exec.CommandContext(ctx, "bash", "-c", line)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", c[1], err, out)
		}
		for i, w := range want {
			if w.command == "" || !strings.Contains(c[1], w.command) {
				continue
			}
			if !regexp.MustCompile(w.answer).Match(out) {
				t.Errorf("%s: got %s\nwant %s", c[1], out, w.answer)
			}
			want[i].command = "" // it is for the first one
			break
		}
		if regexp.MustCompile(`"status":[45]\d\d`).Match(out) && !strings.Contains(c[1], "a 404") {
			t.Errorf("%s: got a problem: %s", c[1], out)
		}
	}
	for _, w := range want {
		if w.command != "" {
			t.Errorf("README has no command with %s", w.command)
		}
	}
}

// expectation is what a command of README has to answer.
type expectation struct{ command, answer string }

// expectations are what README's comments promise, in the order of its commands.
func expectations() []expectation {
	return []expectation{
		{"live/naive/", `sql;desc="62"`},
		{"live/optimized/ ", `sql;desc="2"`},
		{"/cached/ ", `fwd=miss; stored`},
		{"/cached/ ", `hit; ttl=[\s\S]*sql;desc="0"`},
		{"cached/swr/?loader=optimized", `sql;desc="2"`},
		{"--etag-save", `Cache-Control: public, max-age=60,[\s\S]*Etag: "`},
		{"--etag-compare", `^HTTP/1.1 304 [\s\S]*\r\n\r\n$`},
		{"cached/negative/999999/", `^HTTP/1.1 404 [\s\S]*detail=absent`},
		{"-X PATCH", `"id":2906,[\s\S]*"price":"450000.00"`},
		{"/cached/ |", `^"price":"303000.00"\n$`},
		{"live/optimized/ |", `^"price":"450000.00"\n$`},
		{"lab/usage?", `"page_bytes":[1-9]`},
		{"lab/explain/optimized", `"plan":"`},
		{"lab/ping?n=200", `"n":200`},
		{"/metrics", `(?m)^http_server_request_duration_seconds_count`},
		{"/lab/cache/expire", `"expired"`},
		{"/lab/config", `"ttl":"5s"`},
		{"/lab/redis/memory", `16777216`},
	}
}
