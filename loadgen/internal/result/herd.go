package result

// Herd is one page that had to be recomputed, as the responses that recomputed it show it: those whose recomputes ran at the same time. A
// recompute that no response reports, such as a refresh in the background, is in none.
type Herd struct {
	At     Dur   `json:"at_ns"`               // when its first recompute began, since the cell's start
	First  Dur   `json:"first_ns"`            // from then until the first of them had stored the page: whoever asked meanwhile found none
	Spread Dur   `json:"spread_ns,omitempty"` // from then until the last of them had: each starts the page's TTL anew
	Last   Dur   `json:"last_ns"`             // how long the recompute took whose page was stored last, and stayed
	Mean   Dur   `json:"mean_ns,omitempty"`   // how long each of them took until it had stored its page: with many pages, a herd is of several
	Size   int64 `json:"size"`                // responses

	// Of the page that it replaced: how long before At it was stored, and how long that had taken. 0 for the first herd of a cell.
	Age  Dur `json:"age_ns,omitempty"`
	Took Dur `json:"took_ns,omitempty"`
}
