package run

import (
	"cmp"
	"os"
	"runtime"
	"strings"

	"loadlab/loadgen/internal/result"
)

// machine describes the machine that the generator runs on. What Linux does not report is replaced by what Go knows.
func machine() result.Machine {
	return result.Machine{
		OS:    cmp.Or(prettyName(read("/etc/os-release")), runtime.GOOS),
		CPU:   cmp.Or(modelName(read("/proc/cpuinfo")), runtime.GOARCH),
		Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
}

// read returns the content of a file; empty if there is none, as on other systems than Linux.
func read(name string) string {
	text, _ := os.ReadFile(name)
	return string(text)
}

// modelName returns the first processor's name in a /proc/cpuinfo; empty if it has none, as on arm64.
func modelName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// prettyName returns the operating system's name in an os-release(5); empty if it has none.
func prettyName(release string) string {
	for line := range strings.Lines(release) {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}
