package kubetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// box is a container as the process that becomes it is told.
type box struct {
	Root, Hostname string
	Mounts         []mount
	ReadOnly       bool // of the root

	UID, GID        int
	Groups          []int
	NoNewPrivileges bool
	NoCapabilities  bool

	Args, Env []string
	Dir       string
}

// mount is a folder or a file of the machine, in the container.
type mount struct {
	From, To string
	ReadOnly bool
}

// containedAs is the name by which a test binary is started that is to become a container. It is followed by the box.
const containedAs = "kubetest-container"

// Contained makes this process a container if it was started to be one, and returns otherwise.
func Contained() {
	if os.Args[0] != containedAs {
		return
	}
	runtime.LockOSThread() // what is set for a thread is set for the one that executes the command
	var b box
	err := json.Unmarshal([]byte(os.Args[1]), &b)
	if err == nil {
		err = b.enter()
	}
	fmt.Fprintln(os.Stderr, "become a container:", err)
	os.Exit(128) //nolint:forbidigo // this is a main of its own
}

// command returns the command that becomes the container, in namespaces of its own for processes, mounts and its name.
func (b *box) command(ctx context.Context) (*exec.Cmd, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/proc/self/exe", string(text))
	cmd.Args[0] = containedAs
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	return cmd, nil
}

// enter does not return, unless it fails.
func (b *box) enter() error {
	if err := errors.Join(b.mount(), unix.Sethostname([]byte(b.Hostname))); err != nil {
		return err
	}
	if err := unix.Chroot(b.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := os.Chdir(b.Dir); err != nil {
		return err
	}
	if b.NoCapabilities {
		for c := range unix.CAP_LAST_CAP + 1 {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
				return fmt.Errorf("drop capability %d: %w", c, err)
			}
		}
	}
	if err := errors.Join(syscall.Setgroups(b.Groups), syscall.Setgid(b.GID), syscall.Setuid(b.UID)); err != nil {
		return fmt.Errorf("become user %d: %w", b.UID, err)
	}
	if b.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("keep from new privileges: %w", err)
		}
	}
	// Changing the user has cleared what the node has asked for: that the container does not outlive it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the node: %w", err)
	}
	return fmt.Errorf("execute %s: %w", b.Args[0], unix.Exec(b.Args[0], b.Args, b.Env))
}

// mount makes the container's root out of its folders.
func (b *box) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts here: %w", err)
	}
	mounts := append([]mount{{From: b.Root, To: "/"}}, b.Mounts...)
	for _, device := range []string{"null", "zero", "random", "urandom"} {
		mounts = append(mounts, mount{From: "/dev/" + device, To: "/dev/" + device})
	}
	for _, m := range mounts {
		to := filepath.Join(b.Root, m.To)
		if err := errors.Join(place(m.From, to), unix.Mount(m.From, to, "", unix.MS_BIND, "")); err != nil {
			return fmt.Errorf("mount %s: %w", m.To, err)
		}
	}
	proc := filepath.Join(b.Root, "proc")
	if err := errors.Join(os.MkdirAll(proc, 0o755), unix.Mount("proc", proc, "proc", 0, "")); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	links := map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(b.Root, "dev", name)); err != nil {
			return err
		}
	}
	// Now that all is in its place, and each below its parent.
	mounts[0].ReadOnly = b.ReadOnly
	for _, m := range mounts {
		if !m.ReadOnly {
			continue
		}
		if err := unix.Mount("", filepath.Join(b.Root, m.To), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("make %s read-only: %w", m.To, err)
		}
	}
	return nil
}

// place makes what a mount of a folder or a file takes: another.
func place(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(to, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
