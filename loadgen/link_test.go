package main

import (
	"strings"
	"testing"
)

// What makes no sense is a usage error of one line, and -h lists the flags.
func TestLinkUsage(t *testing.T) {
	workplace(t)
	for line, want := range map[string]string{
		"link": `":" is neither tcp:HOST:PORT nor unix:PATH`,
		"link --listen tcp:127.0.0.1:0 --to tcp:x":             "missing port",
		"link --listen tcp:127.0.0.1:0 --to unix:/x --rtt -1s": "must be from 0 to 10s",
		"link --nope": "flag provided but not defined: -nope",
	} {
		if r := loadgen(t, strings.Fields(line)...); r.code != exitUsage || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %s\nwant exit code 2 and %q", line, r, want)
		}
	}
	if r := loadgen(t, "link", "-h"); r.code != 0 || !strings.Contains(r.stdout, "-rtt") {
		t.Error(r)
	}
}
