package shard

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// NewSecret returns the secret of a new run.
func NewSecret() []byte { return []byte(rand.Text()) }

// ErrSecret is an end of a connection that has not the secret of the run.
var ErrSecret = errors.New("the other end has not the secret of this run")

// trust returns the configuration of either end of a connection: the key that follows from the secret is shown, and wanted. Names and dates of
// the certificate around it do not matter.
func trust(secret []byte) (*tls.Config, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "loadgen workers", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the run: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the run: %w", err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the key, which is all that counts
		// Each connection shows the key anew.
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 1 {
				return ErrSecret
			}
			theirs, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || !bytes.Equal(theirs, key.Public().(ed25519.PublicKey)) {
				return ErrSecret
			}
			return nil
		},
	}, nil
}
