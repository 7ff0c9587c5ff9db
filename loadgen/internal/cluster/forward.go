package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// Forward is a way to ports of a pod, through the API server and the pod's node: the pod need not be reachable itself.
type Forward struct {
	addrs []string
	stop  chan struct{}
	done  chan struct{}
	err   error // after done
}

// Forward forwards to ports of a pod, as kubectl port-forward does.
func (c *Cluster) Forward(ctx context.Context, pod string, ports ...int) (*Forward, error) {
	url := c.core.Post().Namespace(c.Namespace).Resource("pods").Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("forward a port: %w", err)
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	// What API servers prefer since 1.31; those before it, and proxies in between, take the other.
	over, err := portforward.NewSPDYOverWebsocketDialer(url, c.config)
	if err != nil {
		return nil, fmt.Errorf("forward a port: %w", err)
	}
	dialer = portforward.NewFallbackDialer(over, dialer, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	f := &Forward{stop: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan struct{})
	var wanted []string
	for _, p := range ports {
		wanted = append(wanted, fmt.Sprintf("0:%d", p))
	}
	var complaints text
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, wanted, f.stop, ready, io.Discard, &complaints)
	if err != nil {
		return nil, fmt.Errorf("forward a port: %w", err)
	}
	go func() {
		f.err = forwarder.ForwardPorts()
		close(f.done)
	}()
	select {
	case <-ready:
	case <-f.done:
		err := because(errors.Join(f.err, complaints.error()), "forward a port of pod "+pod)
		if strings.Contains(err.Error(), "is forbidden: User ") { // an upgrade's error has no status
			err = fmt.Errorf("%w (%w)", err, ErrRights)
		}
		return nil, err
	case <-ctx.Done():
		f.Close()
		return nil, context.Cause(ctx)
	}
	local, err := forwarder.GetPorts()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("forward a port: %w", err)
	}
	for _, p := range local {
		f.addrs = append(f.addrs, fmt.Sprintf("127.0.0.1:%d", p.Local))
	}
	return f, nil
}

// Addr is where port i can be reached.
func (f *Forward) Addr(i int) string { return f.addrs[i] }

// Close ends it.
func (f *Forward) Close() {
	close(f.stop)
	<-f.done
}

// text is what was written to it.
type text struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *text) error() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := strings.TrimSpace(t.text.String()); s != "" {
		return errors.New(s)
	}
	return nil
}
