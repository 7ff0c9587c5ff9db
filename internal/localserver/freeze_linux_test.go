package localserver_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// state is that of a process: T is stopped.
func state(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
}

// A frozen PostgreSQL accepts connections and answers nothing, its backends included; once it is thawed, it goes on where it was.
func TestFreezePostgres(t *testing.T) {
	pg, err := localserver.StartPostgres(t.Context(), localserver.Options{})
	testkit.Need(t, err, localserver.ErrMissing)
	t.Cleanup(func() { _ = pg.Stop() })
	conn, err := pgconn.Connect(t.Context(), pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })

	frozen, err := pg.Process.Freeze(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(frozen.PIDs()) < 3 || frozen.PIDs()[0] != pg.Process.PID() {
		t.Errorf("stopped %v: want the server first, and its descendants", frozen.PIDs())
	}
	for _, pid := range frozen.PIDs() {
		if s := state(t, pid); s != "T" {
			t.Errorf("process %d is in state %q, want T", pid, s)
		}
	}
	silent := net.Dialer{Timeout: time.Second}
	wire, err := silent.DialContext(t.Context(), "tcp", strings.TrimSuffix(strings.Split(pg.URL(), "@")[1], "/loadlab?sslmode=disable"))
	if err != nil {
		t.Fatalf("a stopped server still accepts: %v", err)
	}
	_ = wire.Close()
	waiting, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pgconn.Connect(waiting, pg.URL()); err == nil {
		t.Error("a stopped server answered")
	}

	frozen.Thaw()
	if _, err := conn.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
		t.Errorf("after it was thawed: %v", err)
	}
}

// A child that has ended, and that nobody has waited for, keeps nothing from being frozen: a stopped PostgreSQL reaps none of its backends.
func TestFreezeWithAZombie(t *testing.T) {
	folder := newFolder(t)
	// The child ends once its parent is no longer a shell, which would wait for it.
	p, err := folder.Start("parent", exec.CommandContext(t.Context(), "sh", "-c", `while [ "$(cat /proc/$$/comm)" = sh ]; do :; done & echo $!; exec sleep 1000`))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	testkit.Eventually(t, "its child is a zombie", func() bool {
		child, err := strconv.Atoi(p.Tail(1))
		return err == nil && state(t, child) == "Z"
	})
	frozen, err := p.Freeze(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Thaw()
	if pids := frozen.PIDs(); len(pids) != 1 || pids[0] != p.PID() {
		t.Errorf("stopped %v, want %d alone", pids, p.PID())
	}
}

// What is frozen goes on when the one who froze it is killed.
func TestFreezeIsUndone(t *testing.T) {
	if os.Getenv("FREEZE_CHILD") != "" {
		freezeChild(t)
		return
	}
	victim := exec.CommandContext(t.Context(), "sleep", "60")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = victim.Process.Kill(); _ = victim.Wait() })
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFreezeIsUndone$") //nolint:gosec // this program
	self.Env = append(os.Environ(), "FREEZE_CHILD="+strconv.Itoa(victim.Process.Pid))
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 7)
	if _, err := out.Read(line); err != nil || string(line) != "frozen\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if s := state(t, victim.Process.Pid); s != "T" {
		t.Fatalf("state %q, want T", s)
	}
	_ = self.Process.Kill()
	_ = self.Wait()
	testkit.Eventually(t, "the process goes on", func() bool { return state(t, victim.Process.Pid) == "S" })
}

func freezeChild(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv("FREEZE_CHILD"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := localserver.FreezePID(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("frozen\n")
	select {}
}
