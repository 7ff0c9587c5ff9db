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
