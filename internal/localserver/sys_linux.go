package localserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent makes the kernel send the signal to cmd when the thread that starts it ends (see Folder.Start). Changing the user
// clears this in the child, which does no harm: the runtime sets it after it has changed the user, just before the exec.
func dieWithParent(cmd *exec.Cmd, signal syscall.Signal) {
	if attr := sysProcAttr(cmd); attr.Pdeathsig == 0 {
		attr.Pdeathsig = signal
	}
}

// worksIn reports whether the process's working folder is dir or inside it.
func worksIn(pid int, dir string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return false
	}
	path, err := filepath.EvalSymlinks(dir)
	return err == nil && strings.HasPrefix(cwd+"/", path+"/")
}

// processesIn returns the numbers of the processes whose working folder is dir or inside it.
func processesIn(dir string) []int {
	var pids []int
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil && worksIn(pid, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}
