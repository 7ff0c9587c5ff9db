package result

// Distance is how far away a server was, as asked for and as measured by pings of the app before the first phase in which it was so.
type Distance struct {
	Server    string   `json:"server"`              // database or redis
	RTT       Dur      `json:"rtt_ns"`              // asked for
	Jitter    Dur      `json:"jitter_ns,omitempty"` // asked for, of each direction
	Bandwidth int64    `json:"bandwidth,omitempty"` // asked for, bytes a second; 0 is no limit
	Pings     int      `json:"pings,omitempty"`     // 0 if it could not be measured
	Median    Dur      `json:"median_ns,omitempty"` // of the pings
	P99       Dur      `json:"p99_ns,omitempty"`    // of the pings
	Simulated bool     `json:"simulated,omitempty"` // the app's driver waits: there is no wire
	Link      bool     `json:"link,omitempty"`      // a link stands between the app and the server
	Phases    []string `json:"phases,omitempty"`    // in which it was so; empty for all
	Problem   string   `json:"problem,omitempty"`   // why it could not be measured
}
