package composetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadlab/internal/testkit"

	"github.com/compose-spec/compose-go/v2/cli"
)

// images returns the names of the images that the compose file pulls, by service.
func images(t *testing.T) map[string]string {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(testkit.Root(t), "docker-compose.yml")}, cli.WithDiscardEnvFile)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for name, s := range project.Services {
		if s.Build == nil {
			names[name] = s.Image
		}
	}
	return names
}

// standIns makes every image that the compose file and the Dockerfiles would pull.
func (e *engine) standIns(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "standin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./standin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := func(name, ports string) {
		e.importImage(t, name, []string{`ENTRYPOINT ["/entrypoint"]`}, func(i *image) {
			i.copy(program, "standin")
			i.text("entrypoint", 0o755, "#!/bin/sh\nexec /standin "+ports+"\n")
		})
	}
	names := images(t)
	e.postgres(t, names["postgres"])
	e.importImage(t, names["redis"], []string{`ENTRYPOINT ["/entrypoint"]`}, func(i *image) {
		i.program("redis-server")
		i.program("redis-cli")
		i.text("entrypoint", 0o755, "#!/bin/sh\nexec \"$@\" --protected-mode no\n") // as the image that is pulled elsewhere is patched to be
	})
	e.prometheus(t, names["prometheus"])
	answers(names["jaeger"], ":4317 :4318 :8888 :8889 :13133 :16686")
	answers(names["grafana"], ":3000")
	e.golang(t)
}

// postgres makes an image that has a new cluster made at its first start, as the one that is pulled elsewhere does.
func (e *engine) postgres(t *testing.T, name string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		t.Fatal("there is no PostgreSQL in /usr/lib/postgresql: .ci/servers installs it")
	}
	bin := slices.Max(found)
	lib, version := filepath.Join(filepath.Dir(bin), "lib"), filepath.Base(filepath.Dir(bin))
	e.importImage(t, name, []string{`ENTRYPOINT ["/entrypoint"]`, "ENV PATH=" + bin + ":/bin:/usr/bin"}, func(i *image) {
		i.tree(bin, bin)
		i.tree(lib, lib, "bitcode", "pgxs")
		i.tree("/usr/share/postgresql/"+version, "/usr/share/postgresql/"+version, "man", "contrib")
		i.copy("/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC")
		for _, p := range []string{"initdb", "postgres", "pg_ctl", "pg_isready", "psql", "createdb"} {
			i.libraries(filepath.Join(bin, p))
		}
		i.folder("var/lib/postgresql", 0o755, owner{999, 999})
		i.folder("var/run/postgresql", 0o1777, owner{999, 999})
		i.text("entrypoint", 0o755, `#!/bin/sh
set -e
export PGDATA=/var/lib/postgresql/data TZ=UTC
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust --locale=C --encoding=UTF8 >/dev/null
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  pg_ctl --wait --options="-c listen_addresses=" start >/dev/null
  createdb --username="$POSTGRES_USER" "$POSTGRES_DB" || true
  pg_ctl --wait stop >/dev/null
fi
exec "$@"
`)
	})
}

// prometheus makes an image whose Prometheus may be older than the configuration: what it does not know is left out.
func (e *engine) prometheus(t *testing.T, name string) {
	t.Helper()
	e.importImage(t, name, []string{`ENTRYPOINT ["/entrypoint"]`, "VOLUME /prometheus"}, func(i *image) {
		i.program("prometheus")
		i.folder("prometheus", 0o755, owner{65534, 65534})
		i.text("entrypoint", 0o755, `#!/bin/sh
set -e
config=/etc/prometheus/prometheus.yml
if ! prometheus --version | grep -q 'version 3'; then
  rm -rf /prometheus/config && cp -r /etc/prometheus /prometheus/config
  config=/prometheus/config/prometheus.yml
  sed -i '/native_histograms:/d; /classic_histograms:/d' $config
fi
shift
exec prometheus --config.file=$config "$@"
`)
	})
}

// golang makes the image in which the Dockerfiles build: the machine's Go, and the modules that go.mod names, so that nothing is downloaded.
func (e *engine) golang(t *testing.T) {
	t.Helper()
	name := regexp.MustCompile(`(?m)^FROM (golang:\S+)`).FindStringSubmatch(string(testkit.ReadFile(t, "app/Dockerfile")))[1]
	cmd := exec.CommandContext(t.Context(), "go", "env", "-json", "GOROOT", "GOMODCACHE", "GOPROXY", "GOVERSION")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var env struct{ GOROOT, GOMODCACHE, GOPROXY, GOVERSION string }
	if err := json.Unmarshal(out, &env); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(testkit.ReadFile(t, "go.sum"))
	label := env.GOVERSION + "-" + hex.EncodeToString(sum[:8])
	has := exec.CommandContext(t.Context(), "docker", "image", "inspect", "--format", "{{.Config.Labels.of}}", name)
	has.Env = e.env
	if got, err := has.Output(); err == nil && strings.TrimSpace(string(got)) == label {
		return // it takes a while
	}
	modules := t.TempDir()
	download := exec.CommandContext(t.Context(), "go", "mod", "download")
	download.Dir = testkit.Root(t)
	download.Env = append(os.Environ(), "GOMODCACHE="+modules, "GOFLAGS=-modcacherw", "GOPROXY=file://"+filepath.Join(env.GOMODCACHE, "cache", "download")+","+env.GOPROXY)
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	e.importImage(t, name, []string{"ENV PATH=/usr/local/go/bin:/bin GOPROXY=file:///modules GOTOOLCHAIN=local GOPATH=/go", "LABEL of=" + label}, func(i *image) {
		i.tree(env.GOROOT, "/usr/local/go", "testdata")
		i.tree(filepath.Join(modules, "cache", "download"), "/modules")
		i.copy("/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt")
	})
}
