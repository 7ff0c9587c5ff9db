package kubetest_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// testLive checks that the command serves a page of a run in pods that has its requests, from the run's begin on whenever somebody looks, and a button that ends it.
func (l *lab) testLive(t *testing.T) {
	p := l.place(t, role(t, "loadgen"))
	c := p.run(t, "./endless.yaml", "--live", "127.0.0.1:0")
	p.underLoad(t, c)
	found := regexp.MustCompile(`watched at (\S+)`).FindStringSubmatch(c.stderr.String())
	if found == nil {
		t.Fatal(c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := 0
	for range 2 { // who looks
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, found[1]+"events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		events, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer events.Body.Close()
		lines, name := bufio.NewScanner(events.Body), ""
		for lines.Scan() {
			if of, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = of
			}
			if name == "points" && strings.Contains(lines.Text(), `"phase":"first"`) && strings.Contains(lines.Text(), `"at":0`) {
				seen++
				break
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 who look see the requests of the first phase, which is over", seen)
	}
	resp, err := http.Get(found[1])
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	token := regexp.MustCompile(`"token":"([A-Z0-9]+)"`).FindSubmatch(page)
	if err != nil || token == nil || !strings.Contains(string(page), "something happens to it before it ends") {
		t.Fatalf("%v; the page has %d bytes", err, len(page))
	}
	stop, err := http.NewRequestWithContext(t.Context(), http.MethodPost, found[1]+"stop", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	stop.Header.Set("Loadgen-Token", string(token[1]))
	if resp, err = http.DefaultClient.Do(stop); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c.end(t, 130)
	if !strings.Contains(c.stdout.String(), "INTERRUPTED") || len(c.report(t).Cells) == 0 {
		t.Error(c)
	}
	p.gone(t)
}
