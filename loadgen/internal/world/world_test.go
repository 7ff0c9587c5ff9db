package world_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/loadgen/internal/world"
)

// recorded is a subject that writes down what is done to it.
type recorded []string

func (r *recorded) Flush(context.Context) error       { *r = append(*r, "flush"); return nil }
func (r *recorded) Expire(context.Context) error      { *r = append(*r, "expire"); return nil }
func (r *recorded) ChangePrice(context.Context) error { *r = append(*r, "price_change"); return nil }

// Names are unique and documented, every action does what it is called, and what may go on during load takes no time of its own.
func TestActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		for _, a := range world.Actions() {
			if a.Name == "" || a.Doc == "" || seen[a.Name] || a.Timed && a.During {
				t.Errorf("%+v: without name or documentation, there twice, or timed and repeated", a)
			}
			seen[a.Name] = true
			var done recorded
			begun := time.Now()
			if err := a.Do(t.Context(), &done, time.Second); err != nil {
				t.Errorf("%s: %v", a.Name, err)
			}
			took := time.Since(begun)
			if a.Timed && took != time.Second || !a.Timed && (took != 0 || len(done) != 1 || done[0] != a.Name) {
				t.Errorf("%s: did %v in %v", a.Name, done, took)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wait, ok := world.Named("wait")
		if err := wait.Do(ctx, nil, time.Hour); !ok || !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that is interrupted: got %v, want context.Canceled", err)
		}
	})
}
