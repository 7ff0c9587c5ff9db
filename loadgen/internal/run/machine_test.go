package run_test

import (
	"testing"

	"loadlab/loadgen/internal/run"
)

func TestModelName(t *testing.T) {
	for _, tt := range []struct{ name, cpuinfo, want string }{
		{"amd64", "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.20GHz\nstepping\t: 3\n\n" +
			"processor\t: 1\nmodel name\t: another\n", "Intel(R) Xeon(R) CPU @ 2.20GHz"},
		{"a colon in the name", "model name : a: b\n", "a: b"},
		{"arm64", "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n", ""},
		{"no value", "model name", ""},
		{"nothing", "", ""},
	} {
		if got := run.ModelName(tt.cpuinfo); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPrettyName(t *testing.T) {
	for _, tt := range []struct{ name, release, want string }{
		{"Debian", "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n", "Debian GNU/Linux 12 (bookworm)"},
		{"single quotes", "PRETTY_NAME='Alpine Linux v3.22'\n", "Alpine Linux v3.22"},
		{"no quotes, no end of line", "ID=x\nPRETTY_NAME=Void", "Void"},
		{"another key", "MY_PRETTY_NAME=x\n", ""},
		{"nothing", "", ""},
	} {
		if got := run.PrettyName(tt.release); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
