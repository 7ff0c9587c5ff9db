package redisproc

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// embedded is a miniredis with what it lacks of a Redis that costs are read from: it counts the bytes that it sends, knows the CPU time and
// the memory that it uses (INFO, MEMORY USAGE), and obeys maxmemory (CONFIG).
type embedded struct {
	*miniredis.Miniredis
	listener net.Listener
	sent     atomic.Int64 // bytes, to all clients
	memory   *memory
	serving  sync.WaitGroup
}

// listen starts a server on addr. It has to be closed.
func listen(addr string) (*embedded, error) {
	e := &embedded{Miniredis: miniredis.NewMiniRedis()}
	listener, err := net.Listen("tcp", addr) //nolint:noctx // it binds, and waits for nothing
	if err != nil {
		return nil, err
	}
	e.listener = listener
	// Dial is what starts a miniredis that does not listen itself.
	first, err := e.Dial()
	if err == nil {
		err = first.Close()
	}
	if err != nil {
		_ = listener.Close() // nobody has connected
		return nil, err
	}
	e.memory = newMemory(e.Miniredis)
	e.Server().SetPreHook(e.before)
	e.serving.Go(e.accept)
	return e, nil
}

func (e *embedded) accept() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return // it is closed
		}
		e.Server().ServeConn(&countedConn{Conn: conn, sent: &e.sent})
	}
}

// addr returns where it listens, as host:port.
func (e *embedded) addr() string { return e.listener.Addr().String() }

func (e *embedded) close() {
	_ = e.listener.Close() // ends accept
	e.serving.Wait()
	e.Close()
}

// countedConn counts what is written to it, before it is: whoever has an answer finds it counted.
type countedConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.sent.Add(int64(len(b)))
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n - len(b)))
	return n, err
}

// before sees every command before it is executed. It reports whether it has answered the command itself.
func (e *embedded) before(peer *server.Peer, cmd string, args ...string) (answered bool) {
	c, ok := e.memory.client(peer)
	if !ok {
		return false // of a script
	}
	switch cmd {
	case "INFO":
		return e.info(peer, args)
	case "MEMORY":
		return e.usage(peer, args)
	case "CONFIG":
		return e.configure(peer, args)
	}
	return e.memory.before(c, peer, cmd, args)
}

// usage answers MEMORY USAGE of a string. Other keys are left to miniredis.
func (e *embedded) usage(peer *server.Peer, args []string) bool {
	if len(args) < 2 || !strings.EqualFold(args[0], "usage") {
		return false
	}
	value, err := e.memory.db.Get(args[1])
	if err != nil {
		return false
	}
	peer.WriteInt(int(usageOf(args[1], value)))
	return true
}

// errorf answers with an error.
func errorf(peer *server.Peer, format string, args ...any) bool {
	peer.WriteError("ERR " + fmt.Sprintf(format, args...))
	return true
}
