package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/world"
	"loadlab/loadgen/internal/world/link"
	"loadlab/loadgen/internal/world/link/control"
)

// startLinks puts the links that cfg asks for between the apps and their servers, in a process of their own, and makes the addresses at which
// apps find their servers those of the links.
func (s *Stack) startLinks(ctx context.Context, cfg Config, env []string) error {
	if len(cfg.Links) == 0 {
		return nil
	}
	dir, err := s.folder.Mkdir("links")
	if err != nil {
		return err
	}
	command, err := linkCommand(cfg.LinkCommand)
	if err != nil {
		return err
	}
	readyFile := filepath.Join(dir, "ready.json")
	args := append(command[1:], "--control=unix:"+filepath.Join(dir, "control"), "--ready-file="+readyFile, "--with-parent")
	for _, name := range cfg.Links {
		listen, to, err := s.wire(name, dir)
		if err != nil {
			return err
		}
		args = append(args, "--link="+name+"="+listen.String()+","+to.String())
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], args...)
	cmd.Env = env
	var ready control.Ready
	s.links, err = s.startChild(ctx, "links", cmd, func(*localserver.Process) error {
		text, err := os.ReadFile(readyFile)
		if err != nil {
			return errors.New("they do not listen yet")
		}
		return json.Unmarshal(text, &ready)
	})
	if err != nil {
		return fmt.Errorf("start the links: %w", err)
	}
	for _, l := range ready.Links {
		s.goThrough(l)
	}
	s.Links, err = control.Dial(ready.Control.String())
	return err
}

// linkCommand is the program of links and its arguments; this program's own command by default.
func linkCommand(command []string) ([]string, error) {
	if len(command) > 0 {
		return slices.Clone(command), nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of links: %w", err)
	}
	return []string{self, "link"}, nil
}

// postgresSocket is the name of PostgreSQL's socket in its folder, for the port that follows it.
const postgresSocket = ".s.PGSQL."

// wire returns where a link listens, in dir if that is a socket, and where its server is: the same kind of socket on either side.
func (s *Stack) wire(name, dir string) (listen, to link.Addr, err error) {
	if name == world.Redis {
		return link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, link.Addr{Network: "tcp", Address: s.RedisAddr}, nil
	}
	u, err := url.Parse(s.DatabaseURL)
	if err != nil {
		return listen, to, fmt.Errorf("start the links: %w", err)
	}
	if folder := u.Query().Get("host"); folder != "" {
		socket := postgresSocket + u.Query().Get("port")
		return link.Addr{Network: "unix", Address: filepath.Join(dir, socket)}, link.Addr{Network: "unix", Address: filepath.Join(folder, socket)}, nil
	}
	return link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, link.Addr{Network: "tcp", Address: u.Host}, nil
}

// goThrough makes the apps find a server at its link.
func (s *Stack) goThrough(l link.Status) {
	if l.Name == world.Redis {
		s.RedisAddr = l.Listen.Address
		return
	}
	u, err := url.Parse(s.DatabaseURL)
	if err != nil {
		return // wire has read it
	}
	if l.Listen.Network == "unix" {
		q := u.Query()
		q.Set("host", filepath.Dir(l.Listen.Address))
		u.RawQuery = q.Encode()
	} else {
		u.Host = l.Listen.Address
	}
	s.DatabaseURL = u.String()
}

// dialLinks connects to the control of links that run already.
func (s *Stack) dialLinks(ctx context.Context, address string) error {
	if address == "" {
		return nil
	}
	if !strings.HasPrefix(address, "tcp:") && !strings.HasPrefix(address, "unix:") {
		address = "tcp:" + address
	}
	links, err := control.Dial(address)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if _, err := links.Links(asking); err != nil {
		links.Close()
		return unlessInterrupted(ctx, err)
	}
	s.Links = links
	return nil
}
