package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// PEM are certificates as files have them, and as they can be sent to another process.
type PEM struct {
	Authorities []byte `json:"authorities,omitempty"` // that the server's certificate is verified by; empty: the system's
	Certificate []byte `json:"certificate,omitempty"` // that is shown to the server; empty: none
	Key         []byte `json:"key,omitempty"`         // of Certificate
}

// ErrNoPEM is a file of authorities that has none.
var ErrNoPEM = errors.New("no certificate in PEM")

// Config returns the configuration of TLS with these certificates; nil if there are none.
func (p PEM) Config() (*tls.Config, error) {
	if len(p.Authorities)+len(p.Certificate) == 0 {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(p.Authorities) > 0 {
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(p.Authorities) {
			return nil, ErrNoPEM
		}
	}
	if len(p.Certificate) == 0 {
		return c, nil
	}
	pair, err := tls.X509KeyPair(p.Certificate, p.Key)
	c.Certificates = []tls.Certificate{pair}
	return c, err
}
