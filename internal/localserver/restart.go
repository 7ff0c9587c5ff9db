package localserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// home is what a server is started again from.
type home struct {
	folder  *Folder
	dir     string                              // with its data
	command func(ctx context.Context) *exec.Cmd // that starts it on the same port
}

// dumpName is Redis' file of saved data.
const dumpName = "dump.rdb"

// Restart starts the server again, on the same port, socket and data, and returns when it answers. A server that still runs is killed
// first. PostgreSQL finds what was committed, except for the last moments before a kill: synchronous_commit is off. The Process is the
// same one, and stands for the new server from then on. It must not be called by two goroutines at once, or beside Stop; other
// methods may be called meanwhile.
//
// The error is an *ExitError if the server ended, and otherwise why it did not answer; the server is gone then.
func (pg *Postgres) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	pg.Process.Kill()
	if err := pg.clean(ctx); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	if err := pg.home.folder.start(pg.Process, pg.home.command(ctx), 0); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	conn, err := pg.awaitConn(ctx)
	if err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	if err := errors.Join(sameServer(ctx, conn, pg.home.dir), conn.Close(ctx)); err != nil {
		pg.Process.Kill()
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	return nil
}

// clean removes what a killed server leaves in the way of the next. Its children are in sessions of their own, and one that runs a query
// notices only at its end that the server has gone; until then it holds the shared memory. The lock files have the number of the
// server's process, and bar the next server if another process has been given that number.
func (pg *Postgres) clean(ctx context.Context) error {
	if err := endOrphans(ctx, pg.home.dir); err != nil {
		return err
	}
	_, port, _ := strings.Cut(pg.addr, ":")
	for _, name := range []string{"postmaster.pid", ".s.PGSQL." + port + ".lock"} {
		path := filepath.Join(pg.home.dir, name)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		if pid, err := strconv.Atoi(strings.TrimSpace(first)); err == nil && alive(pid) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// endOrphans kills the processes that work in dir, and waits for their ends.
func endOrphans(ctx context.Context, dir string) error {
	const pause = 5 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		left := processesIn(dir)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill() // fails only when it has ended
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the processes %v that work in %s to end: %w", left, dir, context.Cause(ctx))
		}
	}
}

// Save makes Redis write its data to a file, from which Restart can bring them back.
func (r *Redis) Save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return fmt.Errorf("save Redis' data: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // ends what waits on it
	if _, err := io.WriteString(conn, "SAVE\r\n"); err != nil {
		return fmt.Errorf("save Redis' data: %w", err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("save Redis' data: %w", err)
	}
	if answer != "+OK\r\n" {
		return fmt.Errorf("save Redis' data: it answered %q", strings.TrimSpace(answer))
	}
	return nil
}

// Restart starts the server again on the same port, and returns when it answers. A server that still runs is killed first.
//
// Without keep it starts empty, as one does that never wrote to a disk. With keep it starts with what was last saved: that of a server that
// still runs is saved by Restart, that of one that has been killed by Save before the kill, and the error says so if it was not. The rest is
// as with Postgres.Restart.
func (r *Redis) Restart(ctx context.Context, keep bool) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	dump := filepath.Join(r.home.dir, dumpName)
	if err := r.stopFor(ctx, keep, dump); err != nil {
		return fmt.Errorf("restart Redis: %w", err)
	}
	if err := r.home.folder.start(r.Process, r.home.command(ctx), 0); err != nil {
		return fmt.Errorf("restart Redis: %w", err)
	}
	if err := r.await(ctx); err != nil {
		return fmt.Errorf("restart Redis: %w", err)
	}
	return nil
}

// stopFor ends the server, and leaves the dump if keep, or removes it.
func (r *Redis) stopFor(ctx context.Context, keep bool, dump string) error {
	select {
	case <-r.Process.Done():
	default:
		if keep {
			if err := r.Save(ctx); err != nil {
				return err
			}
		}
		r.Process.Kill()
	}
	if keep {
		if _, err := os.Stat(dump); err != nil {
			return fmt.Errorf("its data were not saved: call Save before it is killed: %w", err)
		}
		return nil
	}
	if err := os.Remove(dump); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
