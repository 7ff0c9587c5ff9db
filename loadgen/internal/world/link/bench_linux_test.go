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

// BenchmarkRoundTrip measures pings of 64 bytes to an echo server in this process, in turn directly and through a link in a process of its own, so
// that whatever else the machine does befalls both: the medians, the 99th percentiles, by how much the link's median is above that of the direct
// pings plus the distance, and the CPU time of the link for each ping.
func BenchmarkRoundTrip(b *testing.B) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(b.TempDir(), "server")
		}
		server := echo(b, network, address)
		for _, rtt := range []time.Duration{0, time.Millisecond} {
			b.Run(fmt.Sprintf("%s/rtt=%s", network, rtt), func(b *testing.B) {
				cfg := link.Config{Listen: link.Addr{Network: "unix", Address: filepath.Join(b.TempDir(), "link")}, To: server, Wire: link.Wire{RTT: rtt}}
				ping(b, cfg, process(b, cfg))
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

func ping(b *testing.B, cfg link.Config, through *localserver.Process) {
	near, far := &pings{conn: dial(b, cfg.To)}, &pings{conn: dial(b, cfg.Listen)}
	for range 500 { // the link learns how late it is
		near.add(b)
		far.add(b)
	}
	near.took, far.took = nil, nil
	used := cpu(b, through)
	for b.Loop() {
		near.add(b)
		far.add(b)
	}
	used = cpu(b, through) - used
	report := func(d time.Duration, unit string) { b.ReportMetric(float64(d.Nanoseconds())/1e3, unit) }
	report(near.percentile(50), "direct-p50-us")
	report(near.percentile(99), "direct-p99-us")
	report(far.percentile(50), "p50-us")
	report(far.percentile(99), "p99-us")
	report(far.percentile(50)-near.percentile(50)-cfg.Wire.RTT, "over-us")
	report(used/time.Duration(len(far.took)), "link-cpu-us/op")
}

// pings are round trips on one connection.
type pings struct {
	conn net.Conn
	buf  [64]byte
	took []time.Duration
}

func (p *pings) add(b *testing.B) {
	begun := time.Now()
	if _, err := p.conn.Write(p.buf[:]); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(p.conn, p.buf[:]); err != nil {
		b.Fatal(err)
	}
	p.took = append(p.took, time.Since(begun))
}

func (p *pings) percentile(n int) time.Duration {
	slices.Sort(p.took)
	return p.took[(len(p.took)-1)*n/100]
}

func cpu(b *testing.B, p *localserver.Process) time.Duration {
	b.Helper()
	used, err := p.CPU()
	if err != nil {
		b.Fatal(err)
	}
	return used
}
