package composetest_test

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Users of the images, as those that are pulled elsewhere have them.
const passwd = `root:x:0:0:root:/root:/bin/sh
postgres:x:999:999::/var/lib/postgresql:/bin/sh
redis:x:999:1000::/data:/bin/sh
jaeger:x:10001:10001::/:/bin/sh
grafana:x:472:0::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh
`

// image is a file system under construction.
type image struct {
	t    *testing.T
	tar  *tar.Writer
	have map[string]bool
}

// owner is whom a file belongs to, by number.
type owner struct{ uid, gid int }

// importImage makes an image of that name, with busybox and what fill puts into it. changes are instructions of a Dockerfile.
func (e *engine) importImage(t *testing.T, name string, changes []string, fill func(*image)) {
	t.Helper()
	begin := time.Now()
	r, w := io.Pipe()
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		i := &image{t: t, tar: tar.NewWriter(w), have: map[string]bool{}}
		defer w.Close() //nolint:errcheck // what reads it fails
		i.base()
		fill(i)
		if err := i.tar.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}()
	var args []string
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	e.docker(t, r, append(append([]string{"import"}, args...), "-", name)...)
	<-filled
	t.Logf("%s made in %s", name, time.Since(begin).Round(100*time.Millisecond))
}

// base puts into the image what every one has: a shell and its commands, users, and /tmp.
func (i *image) base() {
	i.folder("tmp", 0o1777, owner{})
	i.text("etc/passwd", 0o644, passwd)
	i.text("etc/group", 0o644, "root:x:0:\npostgres:x:999:\nredis:x:1000:\nnobody:x:65534:\n")
	i.copy("/bin/busybox", "bin/busybox")
	applets, err := exec.CommandContext(i.t.Context(), "/bin/busybox", "--list").Output()
	i.check(err)
	for _, name := range strings.Fields(string(applets)) {
		if name != "busybox" {
			i.write(&tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}, nil)
		}
	}
}

func (i *image) check(err error) {
	if err != nil {
		i.t.Errorf("make an image: %v", err)
	}
}

// write adds an entry, unless there is one of that name.
func (i *image) write(h *tar.Header, data io.Reader) {
	if h.Name = strings.Trim(h.Name, "/"); i.have[h.Name] {
		return
	}
	i.have[h.Name] = true
	i.check(i.tar.WriteHeader(h))
	if data != nil {
		_, err := io.Copy(i.tar, data)
		i.check(err)
	}
}

func (i *image) folder(name string, mode int64, o owner) {
	i.write(&tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode, Uid: o.uid, Gid: o.gid}, nil)
}

func (i *image) text(name string, mode int64, text string) {
	i.write(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(text))}, strings.NewReader(text))
}

// copy puts a file of the machine into the image; a link is followed.
func (i *image) copy(path, name string) {
	data, err := os.ReadFile(path)
	i.check(err)
	info, err := os.Stat(path)
	i.check(err)
	if err == nil {
		i.write(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: int64(info.Mode().Perm()), Size: int64(len(data))}, bytes.NewReader(data))
	}
}

// tree puts a folder of the machine into the image, under the same path unless another is given, without the folders of the names left.
func (i *image) tree(path, name string, left ...string) {
	i.check(filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, l := range left {
			if d.IsDir() && d.Name() == l {
				return filepath.SkipDir
			}
		}
		to := name + strings.TrimPrefix(file, path)
		switch {
		case d.IsDir():
			i.folder(to, 0o755, owner{})
		case d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0:
			i.copy(file, to)
		}
		return nil
	}))
}

// libraries puts what programs are linked with into the image.
func (i *image) libraries(programs ...string) {
	needed := regexp.MustCompile(`(?m)(/\S+) \(0x`)
	for _, p := range programs {
		out, err := exec.CommandContext(i.t.Context(), "ldd", p).Output()
		if err != nil {
			continue // it is linked with nothing
		}
		for _, m := range needed.FindAllStringSubmatch(string(out), -1) {
			i.copy(m[1], m[1])
		}
	}
}

// program puts a program, and what it is linked with, into /bin.
func (i *image) program(name string) {
	path, err := exec.LookPath(name)
	i.check(err)
	i.copy(path, "usr/bin/"+name)
	i.libraries(path)
}
