package localserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Redis is a private redis-server. It keeps its data in memory only, unless it is asked to Save.
type Redis struct {
	// Process is the server.
	Process *Process
	// Version is what it calls itself: "7.0.15".
	Version string
	// PID is its process number, for a caller that stops it for a while (SIGSTOP). Restart writes it: beside one, ask Process.
	PID int

	addr   string
	home   home
	own    *Folder // the folder to remove at Stop; nil if it is the caller's
	stop   sync.Once
	stopOf error
}

// StartRedis starts a server. The error is an ErrMissing if Redis is not installed, an *ExitError if it ended, and otherwise names what
// failed; whatever was started is gone then.
func StartRedis(ctx context.Context, o Options) (_ *Redis, err error) {
	program, err := redisServer()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()

	r := &Redis{}
	if o.Folder == nil {
		if r.own, err = NewFolder(); err != nil {
			return nil, err
		}
		o.Folder = r.own
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start Redis: %w", err), r.Stop())
		}
	}()
	dir, err := o.Folder.Mkdir("redis")
	if err != nil {
		return nil, err
	}
	if err := o.onFreePort(func(port int) error { return r.serve(ctx, o.Folder, program, dir, port) }); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Redis) serve(ctx context.Context, folder *Folder, program, dir string, port int) error {
	r.home = home{folder: folder, dir: dir, command: func(ctx context.Context) *exec.Cmd {
		cmd := command(ctx, program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
			"--protected-mode", "yes", "--dir", dir, "--dbfilename", dumpName, "--daemonize", "no", "--save", "", "--appendonly", "no")
		cmd.Dir = dir
		return cmd
	}}
	p, err := folder.Start("redis", r.home.command(ctx))
	if err != nil {
		return err
	}
	r.Process, r.addr = p, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return r.await(ctx)
}

// await waits until the server answers, its data loaded, and kills it if it does not.
func (r *Redis) await(ctx context.Context) error {
	p := r.Process
	r.PID = p.PID()
	var info map[string]string
	err := p.Await(ctx, 5*time.Millisecond, func(ctx context.Context) (err error) {
		info, err = redisInfo(ctx, r.addr)
		return err
	})
	if err == nil && info["process_id"] != strconv.Itoa(p.PID()) {
		err = fmt.Errorf("another Redis answers on the port: process %s", info["process_id"])
	}
	if err != nil {
		p.Kill()
		return err
	}
	r.Version = info["redis_version"]
	return nil
}

// redisInfo sends INFO server, in the protocol's inline form: one command needs no client library.
func redisInfo(ctx context.Context, addr string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()                                                               // nothing is buffered
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // ends what waits on it
	if _, err := io.WriteString(conn, "INFO server\r\n"); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	head, err := reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(head, "$")))
	if err != nil || head[0] != '$' || length < 0 || length > 1<<16 {
		return nil, fmt.Errorf("INFO answered %q", strings.TrimSpace(head)) // -LOADING, for one
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(reader, body); err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[key] = value
		}
	}
	return info, nil
}

// Addr is where it listens: 127.0.0.1:PORT.
func (r *Redis) Addr() string { return r.addr }

// URL is the address of its database 0: redis://127.0.0.1:PORT/0.
func (r *Redis) URL() string { return "redis://" + r.addr + "/0" }

// Stop ends the server and removes what it wrote. It returns when that is done, with an error if the server had to be killed, as one
// that is stopped by SIGSTOP has to be. Calling it again does nothing and returns the same.
func (r *Redis) Stop() error {
	r.stop.Do(func() {
		if r.Process != nil {
			r.stopOf = r.Process.Stop(stopGrace, syscall.SIGTERM)
		}
		if r.own != nil {
			r.stopOf = errors.Join(r.stopOf, r.own.Remove())
		}
	})
	return r.stopOf
}
