//go:build unix

package localserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

func isRoot() bool { return os.Geteuid() == 0 }

func sysProcAttr(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return cmd.SysProcAttr
}

// ownGroup makes cmd the leader of a process group, and mortal with its parent.
func ownGroup(cmd *exec.Cmd) {
	sysProcAttr(cmd).Setpgid = true
	dieWithParent(cmd, syscall.SIGKILL)
}

// killGroup kills the process group that pid led, which may have outlived it.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// alive reports whether there is a process of that number.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func ownedByMe(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// lockFile makes a file that is locked from the moment it has its name. The lock ends with the file's last descriptor, and so with
// this process: files are closed on exec, so no child holds it.
func lockFile(path string) (*os.File, error) {
	unnamed := path + ".new"
	file, err := flock(unnamed, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(unnamed, path); err != nil {
		_ = file.Close() // the rename's error is the one that matters
		return nil, err
	}
	return file, nil
}

// tryLock locks a file that exists. It fails with fs.ErrNotExist, or because the file is locked.
func tryLock(path string) (*os.File, error) {
	return flock(path, os.O_RDWR)
}

func flock(path string, mode int) (*os.File, error) {
	file, err := os.OpenFile(path, mode, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// account is a user to run as.
type account struct{ uid, gid int }

// postgresAccount is the user that PostgreSQL, which refuses to run as root, runs as: nil, for this user, unless that is root; then the
// user postgres, or the user nobody where there is no postgres.
func postgresAccount() (*account, error) {
	if !isRoot() {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(found.Uid)
		gid, errGID := strconv.Atoi(found.Gid)
		if errUID == nil && errGID == nil {
			return &account{uid: uid, gid: gid}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it: run as another user")
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

func (a *account) run(cmd *exec.Cmd) {
	if a != nil {
		sysProcAttr(cmd).Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}
