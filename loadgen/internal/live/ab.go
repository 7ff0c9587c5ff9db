package live

import (
	"loadlab/loadgen/internal/ab"
)

// Test shows an A/B test while it goes on: its page is made anew when there is something to show, which is once an epoch. The methods of a nil Test do nothing.
type Test struct {
	server *Server
	draw   ABPage
	log    func(error) // that the page could not be made
}

// ABPage makes the page of an A/B test under way, and the event that makes a page that one.
type ABPage func(t *ab.Test, doing, token string) (page, event []byte, err error)

// Test has the server show an A/B test. What the page could not show is passed to log, and the test goes on.
func (s *Server) Test(draw ABPage, log func(error)) *Test {
	return &Test{server: s, draw: draw, log: log}
}

// Now shows what has come of the test, and what it does now.
func (t *Test) Now(test *ab.Test, doing string) {
	if t == nil {
		return
	}
	page, event, err := t.draw(test, doing, t.server.token)
	if err == nil {
		err = t.server.show("test", page, event, t.server.hub.replace)
	}
	if err != nil {
		t.log(err)
	}
}
