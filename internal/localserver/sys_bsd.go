//go:build unix && !linux

package localserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing: only Linux can. What outlives a killed parent here, the next Sweep ends.
func dieWithParent(*exec.Cmd, syscall.Signal) {}

// worksIn reports whether the process's working folder is dir or inside it.
func worksIn(pid int, dir string) bool {
	out, err := exec.CommandContext(context.Background(), "lsof", "-a", "-p", strconv.Itoa(pid), "-d", "cwd", "-Fn").Output()
	if err != nil {
		return false
	}
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(strings.TrimSpace(line)+"/", "n"+path+"/") {
			return true
		}
	}
	return false
}

// processesIn returns the numbers of the processes whose working folder is dir.
func processesIn(dir string) []int {
	out, err := exec.CommandContext(context.Background(), "lsof", "-t", "-a", "-d", "cwd", "+d", dir).Output()
	if err != nil {
		return nil // status 1 is that there are none
	}
	var pids []int
	for field := range strings.FieldsSeq(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
