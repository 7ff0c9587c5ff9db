package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"loadlab/app/api"
	"loadlab/internal/testkit"
)

// appEnv makes the test binary an app, and selects how it behaves:
//
//	serves  as the app should
//	crashes before it serves
//	hangs   and never serves
//	deaf    serves, and ignores signals
//	garbles writes nonsense into its ready file
//
// notesEnv names a file into which it writes notes about itself.
const (
	appEnv   = "STACK_TEST_APP"
	notesEnv = "STACK_TEST_NOTES"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(appEnv); how != "" {
		if err := fakeApp(how); err != nil {
			fmt.Fprintln(os.Stderr, "fake app:", err)
			os.Exit(3)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// notes is what the fake app records of itself.
type notes struct {
	PID, ChildPID      int
	TempFile           string
	DatabaseURL, Redis string
	Properties         int
	Env                []string
	Begun, Ready       time.Time
}

func fakeApp(how string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == api.CommandRedis {
		return testkit.ServeNoRedis(ctx, os.Stdin, os.Stdout)
	}
	var n notes
	addr, labAddr, readyFile := flag.String("addr", ":8000", ""), flag.String("lab-addr", ":8001", ""), flag.String("ready-file", "", "")
	finalFile := flag.String("final-file", "", "")
	flag.StringVar(&n.DatabaseURL, "database-url", "", "")
	flag.StringVar(&n.Redis, "redis-url", "", "")
	flag.IntVar(&n.Properties, "properties", 5000, "")
	flag.Parse()

	if how == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	temp, err := os.CreateTemp("", "portal") // and never removed
	if err != nil {
		return err
	}
	child := exec.Command("sleep", "1000") // and never ended
	if err := child.Start(); err != nil {
		return err
	}
	n.Begun = time.Now()
	n.PID, n.ChildPID, n.TempFile, n.Env = os.Getpid(), child.Process.Pid, temp.Name(), os.Environ()
	if err := n.write(*readyFile); err != nil {
		return err
	}
	switch how {
	case "crashes":
		return errors.New("a database that refuses")
	case "hangs":
		<-ctx.Done()
		select {} // it does not drain either
	case "garbles":
		if err := os.WriteFile(*readyFile, []byte(`{"api": "somewhere"}`), 0o600); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	if err := n.serve(ctx, *addr, *labAddr, *readyFile); err != nil {
		return err
	}
	return writeJSON(*finalFile, api.Counters{Modes: map[string]api.ModeCounters{"ttl": {Counts: api.Counts{api.CountRequests: 7}}}})
}

// replicaOf is what the notes of a replica's app have at the end of their name: nothing if it is the only one.
func replicaOf(readyFile string) string {
	return strings.TrimPrefix(strings.TrimSuffix(filepath.Base(readyFile), ".json"), "app")
}

// write writes the notes of the app that has this ready file.
func (n notes) write(readyFile string) error {
	return writeJSON(os.Getenv(notesEnv)+replicaOf(readyFile), n)
}

func (n notes) serve(ctx context.Context, addr, labAddr, readyFile string) error {
	var addrs []string
	failed := make(chan error, 2)
	for _, a := range []string{addr, labAddr} {
		listener, err := net.Listen("tcp", a)
		if err != nil {
			return err
		}
		addrs = append(addrs, listener.Addr().String())
		go func() {
			failed <- http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/die" {
					fmt.Fprintln(os.Stderr, "told to die")
					os.Exit(4)
				}
				_ = json.NewEncoder(w).Encode(api.Info{Database: "none"}) // the client may be gone
			}))
		}()
	}
	n.Ready = time.Now()
	if err := n.write(readyFile); err != nil {
		return err
	}
	if err := writeJSON(readyFile, api.Ready{API: addrs[0], Lab: addrs[1], PID: os.Getpid()}); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func (n notes) env(name string) string {
	for _, v := range n.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// readNotes reads what a fake app has written; it is an error that there is nothing yet.
func readNotes(path string) (n notes, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(text, &n)
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}
