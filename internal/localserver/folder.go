// Package localserver starts private servers from the machine's own binaries: PostgreSQL and redis-server for the local stack and for
// tests, and any other child process that must not outlive this one.
//
//	pg, err := localserver.StartPostgres(ctx, localserver.Options{})
//	if errors.Is(err, localserver.ErrMissing) { ... } // not installed: the error names what to install
//	defer pg.Stop()
//	url, err := pg.CreateDatabase(ctx, "mine")
//
// Servers listen on free ports of the loopback interface and keep all they write in one temporary folder. Nothing is left behind:
// Stop ends the server and removes its folder; when this process ends without Stop, also by SIGKILL, Linux ends its children; and
// what a killed process could not remove, the next NewFolder on the machine does.
//
// The package knows nothing of what the servers are used for.
package localserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	folderPrefix = "loadlab-"
	lockName     = "owner.lock"
)

// Folder is a private temporary folder, named loadlab-<pid>-<random>, that holds all that a set of processes writes. This process
// holds a lock on it while it lives, which is how others see that the folder is in use.
type Folder struct {
	path string
	lock *os.File
}

// NewFolder removes the folders that dead processes left behind, and makes a new one.
func NewFolder() (*Folder, error) {
	parent := tempParent()
	Sweep(parent)
	path, err := os.MkdirTemp(parent, fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	f := &Folder{path: path}
	if f.lock, err = lockFile(filepath.Join(path, lockName)); err == nil && isRoot() {
		// The user that PostgreSQL runs as must get through to its data, though it cannot list this folder.
		err = os.Chmod(path, 0o711)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a temporary folder: %w", err), f.Remove())
	}
	return f, nil
}

// Path is the folder's absolute path.
func (f *Folder) Path() string { return f.path }

// Mkdir makes a sub-folder that only this user can enter, and returns its path.
func (f *Folder) Mkdir(name string) (string, error) {
	path := filepath.Join(f.path, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	return path, nil
}

// Remove deletes the folder. Call it when the processes in it have ended; calling it again does nothing.
func (f *Folder) Remove() error {
	err := removeAll(f.path)
	if f.lock != nil {
		_ = f.lock.Close() // it was only held, never written
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", f.path, err)
	}
	return nil
}

// removeAll tries for a while: a server that was killed has children that notice it a moment later, and may write until then.
func removeAll(path string) error {
	const limit, pause = 2 * time.Second, 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for started := time.Now(); ; <-tick.C {
		if err := os.RemoveAll(path); err == nil || time.Since(started) > limit {
			return err
		}
	}
}

// Sweep ends the processes and removes the folders that dead owners left in the folder parent. A folder whose owner lives, or that is
// another user's, is left alone; so is one that cannot be removed: there is nothing more to be done about it here.
func Sweep(parent string) {
	names, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	for _, path := range names {
		if abandoned(path) {
			killLeftovers(path)
			_ = removeAll(path)
		}
	}
}

// abandoned reports whether path is a folder of ours whose owner is dead. The lock decides, because a process number may have been
// reused and means nothing in another container that shares the folder; the number decides only while there is no lock yet.
func abandoned(path string) bool {
	pid, _, found := strings.Cut(strings.TrimPrefix(filepath.Base(path), folderPrefix), "-")
	owner, err := strconv.Atoi(pid)
	if !found || err != nil || owner <= 0 {
		return false
	}
	info, err := os.Lstat(path) // Lstat: a symbolic link of another user is not a folder of ours
	if err != nil || !info.IsDir() || !ownedByMe(info) {
		return false
	}
	lock, err := tryLock(filepath.Join(path, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return !alive(owner)
	}
	if err != nil {
		return false
	}
	_ = lock.Close()
	return true
}

// killLeftovers kills what the pid files in the folder name, if it is what they meant: a process that works in this folder.
func killLeftovers(folder string) {
	names, _ := filepath.Glob(filepath.Join(folder, "*.pid"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && pid > 1 && worksIn(pid, folder) {
			killGroup(pid)
		}
	}
}

// tempParent is where temporary folders go: os.TempDir, unless PostgreSQL's user (see account) could not get into that.
func tempParent() string {
	dir := os.TempDir()
	if !isRoot() || enterable(dir) {
		return dir
	}
	for _, other := range []string{"/tmp", "/var/tmp"} {
		if enterable(other) {
			return other
		}
	}
	return dir
}

// enterable reports whether every user may pass through dir and the folders above it.
func enterable(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}
