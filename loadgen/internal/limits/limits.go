package limits

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Limits are how much the process may have. 0 is unknown, and no limit is the greatest number.
type Limits struct {
	Files  uint64 // open at once
	Ports  int    // local ones: connections to one address
	Memory int64  // bytes that it may use still
}

// Read returns the limits of this process, the one of open files raised as far as it may be.
func Read() Limits {
	return Limits{Files: raiseFiles(), Ports: ports(sysctl("net/ipv4/ip_local_port_range")), Memory: memory()}
}

// sysctl returns the value of a parameter of the kernel; empty where there is none of that name.
func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ports returns how many ports a range "32768	60999" has; 0 if it is none.
func ports(text string) int {
	var low, high int
	if _, err := fmt.Sscan(text, &low, &high); err != nil || high < low {
		return 0
	}
	return high - low + 1
}

// memory returns what is left of the machine's memory and of the process' control group; 0 if neither is known.
func memory() int64 {
	const kilobyte = 1 << 10
	var left int64
	text, err := os.ReadFile("/proc/meminfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
				n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // 0 is unknown
				left = n * kilobyte
			}
		}
	}
	most, used := number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")
	if most > 0 && (left == 0 || most-used < left) {
		left = max(most-used, 1)
	}
	return left
}

// number returns the number in a file; 0 if there is none.
func number(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func filesText() string {
	if n := files(); n > 0 {
		return fmt.Sprintf("it may have %d (ulimit -n)", n)
	}
	return ""
}

func systemFilesText() string { return setTo("there may be %s (fs.file-max)", sysctl("fs/file-max")) }

func portsText() string {
	if n := ports(sysctl("net/ipv4/ip_local_port_range")); n > 0 {
		return fmt.Sprintf("it has %d to one address (net.ipv4.ip_local_port_range)", n)
	}
	return ""
}

func buffersText() string {
	if fields := strings.Fields(sysctl("net/ipv4/tcp_mem")); len(fields) > 0 {
		return setTo("TCP may have %s pages (net.ipv4.tcp_mem)", fields[len(fields)-1])
	}
	return ""
}

func memoryText() string {
	const megabyte = 1 << 20
	if n := memory(); n > 0 {
		return fmt.Sprintf("%d MB are left", n/megabyte)
	}
	return ""
}

// setTo renders the value of a parameter; empty if it is unknown.
func setTo(format, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf(format, value)
}
