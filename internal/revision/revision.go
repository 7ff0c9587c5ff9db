// Package revision returns which commit a binary was built from.
package revision

import "runtime/debug"

// short is how many digits of a commit are shown.
const short = 12

// Get returns the commit's first digits, with "+changes" behind it if the tree was not clean, or "unknown" for a binary that was built
// outside a repository.
func Get() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	commit, changes := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(short, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	return commit + changes
}
