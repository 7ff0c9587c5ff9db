package link_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
	"loadlab/loadgen/internal/world/link/control"
)

// TestMain lets the test binary be a link's process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "link" {
		if err := control.Main(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	runtime.GOMAXPROCS(64) // each link keeps a processor for itself
	os.Exit(m.Run())
}

// BenchmarkRoundTrip measures pings of 64 bytes to an echo server in this process, directly and through a link in a process of its own: the
// median, the 99th percentile, and the CPU time of the link for each.
func BenchmarkRoundTrip(b *testing.B) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(b.TempDir(), "server")
		}
		server := echo(b, network, address)
		b.Run(network+"/direct", func(b *testing.B) { ping(b, server, nil) })
		for _, rtt := range []time.Duration{0, time.Millisecond} {
			b.Run(fmt.Sprintf("%s/rtt=%s", network, rtt), func(b *testing.B) {
				cfg := link.Config{Listen: link.Addr{Network: "unix", Address: filepath.Join(b.TempDir(), "link")}, To: server, Wire: link.Wire{RTT: rtt}}
				ping(b, cfg.Listen, process(b, cfg))
			})
		}
	}
}

// process starts a link in a process of its own.
func process(b *testing.B, cfg link.Config) *localserver.Process {
	b.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := folder.Remove(); err != nil {
			b.Error(err)
		}
	})
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	p, err := folder.Start("link", exec.CommandContext(context.WithoutCancel(b.Context()), program, "link",
		"--listen="+cfg.Listen.String(), "--to="+cfg.To.String(), "--rtt="+cfg.Wire.RTT.String()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Kill)
	testkit.Eventually(b, "the link listens", func() bool {
		conn, err := net.Dial(cfg.Listen.Network, cfg.Listen.Address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return p
}

func ping(b *testing.B, to link.Addr, through *localserver.Process) {
	conn := dial(b, to)
	buf := make([]byte, 64)
	var took []time.Duration
	used := cpu(b, through)
	for b.Loop() {
		begun := time.Now()
		if _, err := conn.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, buf); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	used = cpu(b, through) - used
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-us")
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(len(took)), "link-cpu-us/op")
}

func cpu(b *testing.B, p *localserver.Process) time.Duration {
	b.Helper()
	if p == nil {
		return 0
	}
	used, err := p.CPU()
	if err != nil {
		b.Fatal(err)
	}
	return used
}
