package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadlab/internal/testkit"
)

// seen is a server that keeps what it was asked, without what differs from request to request.
func seen(t *testing.T) (url string, take func() []string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // checked by its text
		r.Header.Del("Traceparent")
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, fmt.Sprintf("%s %s %s %v %q close=%t", r.Method, r.RequestURI, r.Host, r.Header, body, r.Close))
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		all := requests
		requests = nil
		return all
	}
}

// What browsers copy as cURL, and a file of hit's own making, make the same requests as hit itself.
func TestHitIsSaved(t *testing.T) {
	workplace(t)
	url, take := seen(t)
	write(t, "form.txt", "a=1\r\nb=2\n")
	for i, tt := range []struct {
		args []string
		want string // a part of what the server gets
		note string // on standard error
	}{
		{[]string{"/a?q=%22&r=é"}, `GET /a?q=%22&r=%C3%A9 `, ""},
		{
			[]string{"/api", "-X", "POST", "-H", "accept: */*", "-H", "accept-encoding: gzip, deflate, br, zstd", "-H", "content-type: application/json", "-H", "content-length: 7",
				"-H", ":authority: x", "-b", "sid=1; t=2", "--data-raw", `{"a":1}`, "--compressed", "--insecure"},
			`Accept-Encoding:[gzip, deflate, br, zstd] Content-Length:[7] Content-Type:[application/json] Cookie:[sid=1; t=2]`,
			"header content-length is not sent as it was given: the generator sets it",
		},
		{[]string{"/form", "-d", "@form.txt", "-d", "c=3"}, `"a=1b=2&c=3"`, ""},
		{[]string{"/form", "--data-binary", "@form.txt"}, `"a=1\r\nb=2\n"`, ""},
		{[]string{"/get?x=1", "-G", "-d", "a=1", "--data-raw", "@b"}, `GET /get?x=1&a=1&@b `, ""},
		{[]string{"/v?f={a}&t=${TOKEN}", "-X", "POST", "-d", "{{x}} $HOME: \"'\n#", "-H", "X: {y}", "-H", "Empty;", "-H", "User-Agent:", "-H", "Connection: close"},
			"POST /v?f={a}&t=${TOKEN} ", ""},
		{[]string{"/auth", "-u", "me:$S3CRET:x{{y}}", "-A", "007", "-e", "true"}, "Authorization:[Basic bWU6JFMzQ1JFVDp4e3t5fX0=] Referer:[true] User-Agent:[007]", ""},
		{[]string{"/multi", "-H", "Cookie: a=1", "-H", "Cookie: b=2", "-X", "PROPFIND"}, "PROPFIND /multi ", ""},
	} {
		args := append([]string{"hit", url + tt.args[0], "-n", "2", "--allow-limited"}, tt.args[1:]...)
		r := loadgen(t, args...)
		hit := take()
		if r.code != 0 || len(hit) != 2 || !strings.Contains(hit[0], tt.want) || !strings.Contains(r.stderr, tt.note) {
			t.Errorf("%q: the server got %q, want two with %s; %s", args, hit, tt.want, r)
			continue
		}
		file := fmt.Sprintf("./saved-%d.yaml", i)
		if r := loadgen(t, append(args, "--save", file)...); r.code != 0 || len(take()) > 0 || !strings.Contains(r.stdout, file+": written; loadgen run "+file) {
			t.Errorf("%q: %s", args, r)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r = loadgen(t, "run", file, "--allow-limited")
		if saved := take(); r.code != 0 || !slices.Equal(saved, hit) {
			t.Errorf("%q: the server got %q of the file, and %q of hit\n%s\n%s", args, saved, hit, text, r)
		}
	}
}

func TestHitSaysWhatIsSecretInAFile(t *testing.T) {
	workplace(t)
	r := loadgen(t, "hit", "http://me:pw@127.0.0.1:1/", "-H", "Authorization: Bearer x", "--save", "mine.yaml")
	info, err := os.Stat("mine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "mine.yaml has credentials in it (header Authorization, user): write ${NAME} in their place"; r.code != 0 || !strings.Contains(r.stderr, want) || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %s, want %s", info.Mode(), r, want)
	}
	for _, args := range [][]string{{"--save", "none/x.yaml"}, {"--save", "No Name.yaml"}, {"-d", "\xff", "--save", "x.yaml"}} {
		if r := loadgen(t, append([]string{"hit", "http://127.0.0.1:1/"}, args...)...); r.code != exitUsage || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%q: %s", args, r)
		}
	}
}

// The scenario in README, with the files that it names, is one.
func TestReadmeScenarioOfOnesOwn(t *testing.T) {
	_, block, found := strings.Cut(string(testkit.ReadFile(t, "README.md")), "\n    why: a search takes")
	block, _, closed := strings.Cut(block, "\n\n")
	if !found || !closed {
		t.Fatal("README has no such scenario")
	}
	workplace(t)
	write(t, "search.yaml", "why: a search takes"+strings.ReplaceAll(block, "\n    ", "\n")+"\n")
	write(t, "words.csv", "word\nhouse\nflat\n")
	write(t, "order.json", `{"id": 7}`)
	if r := loadgen(t, "validate", "./search.yaml"); r.code != 0 || r.stdout != "./search.yaml: ok, 2 modes, 2 phases, 3 gates\n" {
		t.Error(r)
	}
}
