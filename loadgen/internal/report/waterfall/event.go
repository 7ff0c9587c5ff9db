package waterfall

import (
	"strings"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
	"loadlab/otel/signal"
)

// sentences say what happened at an event of a span of the cache: # stands for how long it lasted, and a reason follows after a colon if it is not
// in the sentence, as %.
func sentences() map[string]string {
	return map[string]string{
		signal.EventLockTaken:       "it took the page's lock, for # at most",
		signal.EventLockBusy:        "another request held the page's lock or lease",
		signal.EventLeaseTaken:      "it took the page's lease, for # at most",
		signal.EventLeaseExtended:   "it extended the page's lease, by # at most",
		signal.EventLockLost:        "it lost the page's lock or lease",
		signal.EventWaited:          "it had waited # for %",
		signal.EventLeaderUnsampled: "another request computed the page for it, and was not traced",
		signal.EventFillStored:      "it stored the page for #",
		signal.EventFillRejected:    "Redis rejected its page",
		signal.EventFillFailed:      "Redis did not store its page",
		signal.EventPageDropped:     "it dropped the page before its TTL was over",
		signal.EventServedStale:     "it served a page whose TTL had been over for #",
		signal.EventRedisSkipped:    "it did without Redis",
		signal.EventBudgetSpent:     "it had waited # for Redis, as long as it may, and did without",
	}
}

// happened renders an event: when it happened, and what. One of another service has its name, for how long and why.
func happened(e *result.Event) string {
	lasted, reason := "", e.Attributes[signal.AttrCacheReason]
	if d := millis(e.Attributes[signal.AttrCacheFor]); d > 0 {
		lasted = unit.Latency(d)
	}
	at := unit.Latency(max(e.At, 0)) + "  "
	text, known := sentences()[e.Name]
	if wants := strings.Contains(text, "#"); !known || wants != (lasted != "") || strings.Contains(text, "%") && reason == "" {
		text = e.Name
		if lasted != "" {
			text += " for #"
		}
	}
	if reason != "" && !strings.Contains(text, "%") {
		text += ": %"
	}
	return at + strings.NewReplacer("#", lasted, "%", reason).Replace(text)
}
