package figure

import "loadlab/loadgen/internal/result"

// Stand is what a mode can stand by an objective: the phase with the most requests a second of those in which it keeps to it.
type Stand struct {
	Keeps bool // it does in some phase. Otherwise Phase is the one in which Bound is the least
	Phase result.PhaseInfo
	Total *Total
}

// Stand returns what a mode can stand while bound, a percentile, is at most so much and no more than the percentile leaves out failed. Phases that modes share are not looked at.
// It reports false for a mode that was in no phase of its own.
func (f *Figures) Stand(mode string, bound Figure, atMost float64) (best Stand, ok bool) {
	rate, _ := Named("rate")
	least := 0.0
	for _, p := range f.Run.Phases {
		t := f.Total(mode, p.Name)
		if t == nil || p.Mix {
			continue
		}
		v, known := bound.of(t)
		if !known {
			continue
		}
		failed, _ := Ratio(t.Ledger.Errors(), t.Ledger.Scheduled)
		_, marked := bound.Of(t)
		switch keeps := marked == nil && v <= atMost && failed <= bound.Beyond(); {
		case keeps && best.Keeps:
			a, _ := rate.of(t)
			if b, _ := rate.of(best.Total); a > b {
				best = Stand{true, p, t}
			}
		case keeps:
			best = Stand{true, p, t}
		case !best.Keeps && (!ok || v < least):
			best, least = Stand{false, p, t}, v
		}
		ok = true
	}
	return best, ok
}
