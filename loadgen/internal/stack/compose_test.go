package stack_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/stack"
)

// On compose the first replica is the service app, and the others are containers of the service replica; each has lab controls.
func TestOnCompose(t *testing.T) {
	t.Parallel()
	got := stack.Config{Kind: stack.Embedded, Properties: 7}.OnCompose(3)
	want := stack.Config{
		Kind: stack.Compose, Properties: 7, LinksAddr: "links:8474",
		Targets: []string{"http://app:8000", "http://loadlab-replica-1:8000", "http://loadlab-replica-2:8000"},
		Labs:    []string{"http://app:8001", "http://loadlab-replica-1:8001", "http://loadlab-replica-2:8001"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
