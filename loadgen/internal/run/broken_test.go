package run_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

// rawServer answers /good as it should, and calls bad with a connection that asks for anything else. It returns its URL.
func rawServer(t *testing.T, bad func(conn *net.TCPConn)) string {
	t.Helper()
	listener := listen(t)
	var open sync.WaitGroup
	t.Cleanup(open.Wait)
	t.Cleanup(func() { listener.Close() })
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(t.Context(), func() { conn.Close() })()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if r.URL.Path != "/good" {
						bad(conn.(*net.TCPConn))
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // the client may be gone
				}
			})
		}
	})
	return "http://" + listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// respond returns a bad that writes text and no more.
func respond(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) { _, _ = io.WriteString(conn, text) }
}

const misbehaved = `why: half of the requests go wrong
modes: {good: GET /good, bad: GET /bad}
rounds: 1
phases:
  - {name: open,   rate: 100/s, for: 200ms, timeout: 100ms}
  - {name: closed, users: 2, requests: 4, timeout: 100ms}
  - {name: mixed,  burst: 20, timeout: 100ms, mix: {good: 1, bad: 1}}
gates:
  - errors("good") == 0
  - completed("bad") == 0
  - errors("bad", "closed") == 4
`

// A target that misbehaves is counted by what it does, and the run goes on: the other mode's requests are served, every phase is driven,
// every ledger balances, and the gates are judged.
func TestATargetThatMisbehaves(t *testing.T) {
	t.Parallel()
	for kind, bad := range map[string]func(conn *net.TCPConn){
		"reset": func(conn *net.TCPConn) {
			_ = conn.SetLinger(0)
			conn.Close()
		},
		"truncated":    respond("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf a b"),
		"timeout":      func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }, // until the client has had enough
		"status":       respond("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\nConnection: close\r\n\r\noh!"),
		"bad response": respond("220 mail.example ESMTP\r\n"),
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			patience := "20s"
			if kind == "timeout" {
				patience = "700ms"
			}
			r := drive(t, remote(t, rawServer(t, bad), strings.ReplaceAll(misbehaved, "100ms", patience)))
			if len(r.Cells) != 2+2+2 || len(r.Invalid) > 0 {
				t.Errorf("%d cells, want 6; invalid: %q", len(r.Cells), r.Invalid)
			}
			for _, c := range r.Cells {
				want := c.Ledger.Completed
				if c.Mode == "bad" {
					want = c.Ledger.Failed[kind]
					if kind == "timeout" {
						want += c.Ledger.Failed["unsent"] // a busy machine may let some outwait their timeout before they are sent
					}
				}
				if want != c.Ledger.Scheduled || want == 0 || c.Mode == "bad" && c.Ledger.Failed[kind] == 0 {
					t.Errorf("%s in %s: ledger %+v, want all %s", c.Mode, c.Phase, c.Ledger, kind)
				}
			}
			if code := result.ExitCode(r); code != result.ExitPass {
				t.Errorf("exit code %d: %+v", code, r.Gates)
			}
		})
	}
}

// A target that was there when the run began, and then is not.
func TestATargetThatIsGone(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		if conn, err := listener.Accept(); err == nil {
			conn.Close()
		}
		listener.Close()
	}()
	r := drive(t, remote(t, "http://"+listener.Addr().String(), strings.ReplaceAll(misbehaved, "100ms", "20s")))
	<-probed
	for _, c := range r.Cells {
		if c.Ledger.Failed["refused"]+c.Ledger.Failed["reset"] != c.Ledger.Scheduled {
			t.Errorf("%s in %s: ledger %+v, want all refused", c.Mode, c.Phase, c.Ledger)
		}
	}
	var text strings.Builder
	rendered, err := report.New(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Text(&text, rendered, report.Options{Full: true}); err != nil || !strings.Contains(text.String(), "refused") {
		t.Errorf("the report has no refused: %v\n%s", err, text.String())
	}
	if code := result.ExitCode(r); code != result.ExitFail {
		t.Errorf("exit code %d, want 1: the gate errors(good) == 0 fails: %+v", code, r.Gates)
	}
}
