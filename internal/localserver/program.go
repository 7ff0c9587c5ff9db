package localserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrMissing is what errors.Is finds in the error for a server that is not installed. The error itself is a *MissingError.
var ErrMissing = errors.New("program not found")

// MissingError names a program that is not installed, and the package that has it.
type MissingError struct {
	Program string // "initdb"
	Package string // "postgresql"
	Debian  string // what the package is called there
}

// Error returns one line with what to do.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s not found: install %s (Debian: apt-get install %s)", e.Program, e.Package, e.Debian)
}

// Is makes every MissingError an ErrMissing.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// Check reports which of PostgreSQL and Redis is not installed, before anything is started: nil, or an ErrMissing with a line for each.
func Check() error {
	_, postgres := postgresBin(postgresFolders())
	_, redis := redisServer()
	return errors.Join(postgres, redis)
}

// postgresFolders is where packages put PostgreSQL's server programs, which most of them keep off PATH.
func postgresFolders() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	}
}

// postgresBin is the folder that holds initdb and postgres: PATH's, or else the newest version's among folders.
func postgresBin(folders []string) (string, error) {
	if found, err := exec.LookPath("initdb"); err == nil {
		// PATH may have a link to initdb alone; the programs are together where it leads.
		if target, err := filepath.EvalSymlinks(found); err == nil && isFile(filepath.Join(filepath.Dir(target), "postgres")) {
			return filepath.Dir(target), nil
		}
	}
	var newest string
	var version float64
	for _, pattern := range folders {
		matches, _ := filepath.Glob(filepath.Join(pattern, "initdb"))
		for _, match := range matches {
			dir := filepath.Dir(match)
			if v := pathVersion(dir); isFile(filepath.Join(dir, "postgres")) && (newest == "" || v > version) {
				newest, version = dir, v
			}
		}
	}
	if newest == "" {
		return "", &MissingError{Program: "initdb", Package: "postgresql", Debian: "postgresql"}
	}
	return newest, nil
}

// pathVersion is the version in /usr/lib/postgresql/15/bin, /usr/pgsql-9.6/bin, .../postgresql@16/bin; 0 if there is none.
func pathVersion(bin string) float64 {
	base := filepath.Base(filepath.Dir(bin))
	v, _ := strconv.ParseFloat(base[strings.LastIndexAny(base, "-@")+1:], 64)
	return v
}

// redisServer is the path of redis-server, or of Valkey, which some distributions have in its place.
func redisServer() (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &MissingError{Program: "redis-server", Package: "redis", Debian: "redis-server"}
}

// hasLibrary reports whether the PostgreSQL of these programs has a loadable library of that name. Asking for one that is missing
// would keep the server from starting.
func hasLibrary(ctx context.Context, bin, name string) bool {
	candidates := []string{"../lib", "../lib/postgresql", "../lib/pgsql", "../lib64/pgsql", "../lib64/postgresql"}
	for i, dir := range candidates {
		candidates[i] = filepath.Join(bin, dir)
	}
	if out, err := exec.CommandContext(ctx, filepath.Join(bin, "pg_config"), "--pkglibdir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	return slices.ContainsFunc(candidates, func(dir string) bool {
		return isFile(filepath.Join(dir, name+".so")) || isFile(filepath.Join(dir, name+".dylib"))
	})
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// portTries is how many ports are tried before a server that finds its port taken gives up.
const portTries = 5

// freePort is a port on which nothing listened a moment ago. Something may by the time it is used: the caller tries again then.
func freePort() (int, error) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return port, nil
}

// onFreePort calls start with free ports until it does not fail because another process took the port meanwhile.
func (o Options) onFreePort(start func(port int) error) error {
	choose := o.port
	if choose == nil {
		choose = freePort
	}
	var err error
	for range portTries {
		var port int
		if port, err = choose(); err != nil {
			return err
		}
		if err = start(port); err == nil || !portTaken(err) {
			return err
		}
	}
	return err
}

// portTaken reports whether a server ended because its port is in use: PostgreSQL and Redis both log it in these words.
func portTaken(err error) bool {
	var exit *ExitError
	return errors.As(err, &exit) && strings.Contains(strings.ToLower(exit.Log), "address already in use")
}
