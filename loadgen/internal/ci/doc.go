// Package ci tests what a CI runs round loadgen ab: the workflows and the action in .github, the scripts that they call, the snippet of docs/ci.md for
// GitLab, and make gate. It has tests alone.
//
// Each line of shell is executed as the CI executes it. loadgen, git, go, gh, jq and curl are this test binary under other names: they record how they were
// called, and stand for a forge whose pull requests have comments. Neither GitHub nor GitLab is there: what their runners do with a file that these tests
// accept is theirs.
package ci
