package measure

// Kind is how a request ended. The zero value is a completed request.
type Kind uint8

// Ways for a request to end.
const (
	OK          Kind = iota
	Refused          // no connection could be made
	Reset            // the connection broke before or while the response was read
	Timeout          // no complete response within the request's timeout
	Truncated        // the body ended before its announced length
	BadResponse      // not HTTP/1.x
	Status           // the status was not the expected one
	Check            // the body was not what the scenario asked for
	Limit            // the generator's own machine refused it: see package limits
	Unsent           // it never left: it outwaited its timeout, or the phase was interrupted
	Kinds            // how many there are
)

func (k Kind) String() string {
	return [Kinds]string{"ok", "refused", "reset", "timeout", "truncated", "bad response", "status", "check", "generator limit", "unsent"}[k]
}

// Failures are the names of all kinds but OK.
func Failures() (names []string) {
	for k := OK + 1; k < Kinds; k++ {
		names = append(names, k.String())
	}
	return names
}
