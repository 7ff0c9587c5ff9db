package client_test

import (
	"net/url"
	"testing"

	"loadlab/loadgen/internal/client"
)

func TestAddressInFull(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "127.1": "127.0.0.1", "127.1:8080": "127.0.0.1:8080", "127.0.1": "127.0.0.1", "0x7f.1": "127.0.0.1", "0177.1": "127.0.0.1",
		"0": "0.0.0.0", "2130706433": "127.0.0.1", "0X7F000001:80": "127.0.0.1:80", "10.257": "10.0.1.1",
		"localhost": "localhost", "256.1.1.1": "256.1.1.1", "1.2.3.4.5": "1.2.3.4.5", "1..2": "1..2", "127.1.example": "127.1.example", "4294967296": "4294967296", "[::1]:80": "[::1]:80",
		"0b1": "0b1", "1_0": "1_0", "08": "08", "0x": "0x",
	} {
		if got := client.AddressInFull(&url.URL{Host: host}); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}
