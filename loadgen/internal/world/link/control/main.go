package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"loadlab/loadgen/internal/world/link"
)

// Ready is what the process writes to its --ready-file once it listens.
type Ready struct {
	Control link.Addr     `json:"control,omitzero"` // without one, the links cannot be controlled
	Links   []link.Status `json:"links"`
	PID     int           `json:"pid"`
}

// Main is the program of links: it forwards until ctx ends, or stdin if it was asked to end with it, and writes its totals then. An error is one
// line.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parseFlags(args, stdout)
	if err != nil {
		return err
	}
	if o.check.Network != "" {
		return check(ctx, o.check)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.withParent {
		go func() { // ends with the process
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	var links Links
	for _, c := range o.links {
		l, err := link.Listen(ctx, c)
		if err != nil {
			cancel()
			return errors.Join(err, serve(ctx, links, nil)) // closes them
		}
		links = append(links, l)
	}
	var control net.Listener
	ready := Ready{PID: os.Getpid()}
	if o.control.Network != "" {
		var lc net.ListenConfig
		if control, err = lc.Listen(ctx, o.control.Network, o.control.Address); err != nil {
			cancel()
			return errors.Join(fmt.Errorf("control of links: %w", err), serve(ctx, links, nil))
		}
		ready.Control = link.Addr{Network: o.control.Network, Address: control.Addr().String()}
		fmt.Fprintf(stdout, "controlled at %s\n", ready.Control)
	}
	for _, l := range links {
		s := l.Status()
		ready.Links = append(ready.Links, s)
		fmt.Fprintf(stdout, "%s: linking %s to %s, round trip %s\n", s.Name, s.Listen, s.To, s.Wire.RTT)
	}
	if err := ready.write(o.readyFile); err != nil {
		cancel()
		return errors.Join(err, serve(ctx, links, control))
	}
	err = serve(ctx, links, control)
	for _, l := range links {
		t := l.Stats()
		fmt.Fprintf(stdout, "%s: %d bytes over %d connections; the server was not reached for %d of them\n", l.Name(), t.Bytes, t.Accepted, t.Failed)
	}
	return err
}

// serve forwards and is controlled until ctx ends.
func serve(ctx context.Context, links Links, control net.Listener) error {
	// Each loop keeps one for itself; the control and the collector need one too.
	if need := len(links) + 2; runtime.GOMAXPROCS(0) < need {
		runtime.GOMAXPROCS(need)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range links {
		group.Go(func() error { return l.Serve(ctx) })
	}
	if control != nil {
		server := &http.Server{Handler: links.Handler(), ReadHeaderTimeout: requestLimit, ReadTimeout: requestLimit, IdleTimeout: time.Minute}
		group.Go(func() error {
			if err := server.Serve(control); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("control of links: %w", err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			return server.Close()
		})
	}
	return group.Wait()
}

// write writes the file at once, so that whoever waits for it reads all of it. Without a name it writes nothing.
func (r Ready) write(name string) error {
	if name == "" {
		return nil
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(name+".tmp", text, 0o600)
	}
	if err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

// check returns nil if links answer at an address.
func check(ctx context.Context, addr link.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	c, err := Dial(addr.String())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Links(ctx)
	return err
}
