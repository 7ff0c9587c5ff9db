package kubetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
)

// idleLimit is how long a forwarded connection may be silent, createLimit how long its parts may take.
const (
	idleLimit   = 10 * time.Minute
	createLimit = 30 * time.Second
)

// serveStreams serves what the API server asks of a kubelet: logs, and connections to ports.
func (n *Node) serveStreams(ctx context.Context) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(n.network.node(), "0"))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	n.port = listener.Addr().(*net.TCPAddr).Port
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.serveLog)
	mux.HandleFunc("/portForward/{namespace}/{pod}", n.forward)
	// A forwarded connection takes over one of HTTP/1.1.
	n.server = &http.Server{Handler: mux, ReadHeaderTimeout: createLimit, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})
	n.work.Go(func() { _ = n.server.Serve(listener) }) // until it is closed
	return nil
}

// selfSigned returns a certificate that nobody checks: the API server has no authority for those of kubelets.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// serveLog serves what a container has written so far.
func (n *Node) serveLog(w http.ResponseWriter, r *http.Request) {
	p := n.pod(r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil || p.running() == nil {
		http.NotFound(w, r)
		return
	}
	http.ServeFile(w, r, p.logFile())
}

// forward connects to ports of a pod for as long as the caller's connection stands.
func (n *Node) forward(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("pod")
	p := n.pod(r.PathValue("namespace"), name)
	if p == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{p}, name, string(p.object.UID), options, idleLimit, createLimit, portforward.SupportedProtocols)
}

// forwarder connects streams with ports of a pod.
type forwarder struct{ pod *pod }

// PortForward implements portforward.PortForwarder. Like a kubelet it connects to the pod's own loopback interface.
func (f forwarder) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close() //nolint:errcheck // it is over
	if process := f.pod.running(); process == nil || process.Err() != nil {
		return errors.New("the container does not run")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer conn.Close()
	to := make(chan struct{})
	go func() {
		_, _ = io.Copy(conn, stream) // either end may end it
		_ = conn.(*net.TCPConn).CloseWrite()
		close(to)
	}()
	_, _ = io.Copy(stream, conn)
	_ = stream.Close()
	<-to
	return nil
}
