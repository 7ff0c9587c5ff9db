package collect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/internal/collect"
	"loadlab/loadgen/internal/progress"
)

// screen notes what is shown.
type screen struct {
	mu      sync.Mutex // guards lines
	lines   []string
	figures func() progress.Figures
	begun   chan struct{} // gets one for each phase
}

func (s *screen) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *screen) view() collect.View {
	return collect.View{
		Begin: func(h progress.Heading, figures func() progress.Figures) func(progress.Figures) {
			s.add("begin " + h.Name)
			s.figures = figures
			s.begun <- struct{}{}
			return func(f progress.Figures) { s.add(fmt.Sprintf("end %d", f.Requests)) }
		},
		Log: func(line string) { s.add("log " + line) },
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, ", ")
}

func serve(t *testing.T, stop func()) (s *collect.Server, url string) {
	t.Helper()
	s, err := collect.Serve(t.Context(), "127.0.0.1:0", []byte("the secret"), stop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s, "http://" + s.Addr()
}

func client(t *testing.T, secret string, v collect.View) *collect.Client {
	t.Helper()
	c, err := collect.NewClient([]byte(secret), v)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// proxy passes connections on until it is cut.
type proxy struct {
	net.Listener
	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func (p *proxy) serve(to string) {
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		go func() { _, _ = io.Copy(out, in) }()
		go func() { _, _ = io.Copy(in, out) }()
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// TestFollow checks that a run is shown from its begin, whenever the client comes, once, also over a second connection, and its report is what was given.
func TestFollow(t *testing.T) {
	s, url := serve(t, func() {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go p.serve(s.Addr())

	fmt.Fprint(s, "a line\nhalf")
	end := s.Begin(progress.Heading{Name: "warm"}, func() progress.Figures { return progress.Figures{Requests: 7} })
	shown := &screen{begun: make(chan struct{}, 2)}
	c := client(t, "the secret", shown.view())
	lost := make(chan error, 1)
	go func() {
		_, err := c.Follow(t.Context(), "http://"+l.Addr().String())
		lost <- err
	}()
	<-shown.begun
	for shown.figures().Requests != 7 {
		if t.Context().Err() != nil {
			t.Fatal("no figures came")
		}
	}
	p.cut()
	if err := <-lost; err == nil {
		t.Fatal("the run is over, though its connection was cut")
	}
	end(progress.Figures{Requests: 9})
	fmt.Fprint(s, " a line\n")
	s.Begin(progress.Heading{Name: "expiry"}, func() progress.Figures { return progress.Figures{} })(progress.Figures{Requests: 10})
	s.Over(collect.Over{Code: 1}, []byte(`{"run": 1}`))
	over, err := c.Follow(t.Context(), url)
	if err != nil || over.Code != 1 || !over.Report {
		t.Errorf("over %+v, error %v", over, err)
	}
	if got, want := shown.text(), "log a line, begin warm, end 9, log half a line, begin expiry, end 10"; got != want {
		t.Errorf("shown: %s\nwant:  %s", got, want)
	}
	if report, err := c.Report(t.Context(), url); err != nil || string(report) != `{"run": 1}` {
		t.Errorf("report %q, error %v", report, err)
	}
	if err := c.Done(t.Context(), url); err != nil || !s.Await(t.Context(), time.Minute) {
		t.Errorf("the results are not home: %v", err)
	}
}

// TestWithoutTheSecret checks that who has another secret sees nothing and ends nothing.
func TestWithoutTheSecret(t *testing.T) {
	s, url := serve(t, func() { t.Error("the run was ended") })
	s.Over(collect.Over{}, []byte("{}"))
	c := client(t, "another secret", collect.View{})
	_, followed := c.Follow(t.Context(), url)
	_, reported := c.Report(t.Context(), url)
	for what, err := range map[string]error{"follow": followed, "report": reported, "stop": c.Stop(t.Context(), url), "done": c.Done(t.Context(), url)} {
		if !errors.Is(err, collect.ErrOther) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	resp, err := http.Get(url + "/report")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %s", resp.Status)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if s.Await(over, time.Millisecond) {
		t.Error("the results are home")
	}
}

// TestStop checks that a client ends the run, and that there is no report before it is over.
func TestStop(t *testing.T) {
	stopped := make(chan struct{})
	s, url := serve(t, func() { close(stopped) })
	c := client(t, "the secret", collect.View{Log: func(string) {}})
	if _, err := c.Report(t.Context(), url); err == nil || !strings.Contains(err.Error(), "there is no report yet") {
		t.Errorf("error %v", err)
	}
	if err := c.Stop(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	<-stopped
	s.Over(collect.Over{Code: 130, Error: "it was interrupted"}, nil)
	over, err := c.Follow(t.Context(), url)
	if want := (collect.Over{Code: 130, Error: "it was interrupted"}); err != nil || over != want {
		t.Errorf("over %+v, error %v", over, err)
	}
}
