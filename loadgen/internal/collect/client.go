package collect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/progress"
)

// silence is how long a server may say nothing: it has something to say every second.
const silence = 15 * time.Second

// ErrSilent is a connection over which nothing comes any more.
var ErrSilent = fmt.Errorf("nothing came for %s", silence)

// Client follows one run.
type Client struct {
	token string
	view  View
	after int   // the last event that is known
	live  int64 // the last that the page has

	phase *phase // under way; nil between phases
}

// Known is how many events are known: it grows as long as there is news.
func (c *Client) Known() int { return c.after }

// View is where a run is shown.
type View struct {
	// Begin shows a phase, as run.Progress does.
	Begin func(h progress.Heading, figures func() progress.Figures) (end func(progress.Figures))
	Log   func(line string)
	Live  func(*live.Message) // feeds a page; nil for none, and then nothing of it is sent
}

// phase is a phase that is shown.
type phase struct {
	end func(progress.Figures)

	mu      sync.Mutex // guards figures
	figures progress.Figures
}

// NewClient follows the run that has a secret.
func NewClient(secret []byte, view View) (*Client, error) {
	t, err := token(secret)
	return &Client{token: t, view: view}, err
}

// Follow shows the run at a URL from where it was known, to its end. The error is that of the connection: to follow over another one goes on from there.
func (c *Client) Follow(ctx context.Context, url string) (Over, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(ErrSilent) })
	defer quiet.Stop()
	from := fmt.Sprintf("%s%s?after=%d", url, eventsPath, c.after)
	if c.view.Live != nil {
		from += fmt.Sprintf("&live=%d", c.live)
	}
	body, err := c.do(ctx, http.MethodGet, from)
	if err != nil {
		return Over{}, err
	}
	defer body.Close()
	lines := json.NewDecoder(bufio.NewReader(body))
	for {
		var e Event
		if err := lines.Decode(&e); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return Over{}, fmt.Errorf("follow the run: %w", err)
		}
		quiet.Reset(silence)
		if over := c.show(e); over != nil {
			return *over, nil
		}
	}
}

// show shows an event, and returns the end of the run if it is that.
func (c *Client) show(e Event) *Over {
	if e.Number > 0 {
		if e.Number <= c.after {
			return nil
		}
		c.after = e.Number
	}
	switch {
	case e.Begin != nil:
		p := &phase{}
		c.phase = p
		p.end = c.view.Begin(*e.Begin, func() progress.Figures {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.figures
		})
	case e.Figures != nil && c.phase != nil:
		c.phase.mu.Lock()
		c.phase.figures = *e.Figures
		c.phase.mu.Unlock()
	case e.End != nil && c.phase != nil:
		c.phase.end(*e.End)
		c.phase = nil
	case e.Log != "":
		c.view.Log(e.Log)
	case e.Live != nil && c.view.Live != nil:
		c.live = max(c.live, e.Live.ID)
		c.view.Live(e.Live)
	}
	return e.Over
}

// Leave ends what is shown of a phase whose run is lost.
func (c *Client) Leave() {
	if p := c.phase; p != nil {
		p.end(p.figures)
		c.phase = nil
	}
}

// Stop has the run end in good order.
func (c *Client) Stop(ctx context.Context, url string) error { return c.post(ctx, url+stopPath) }

// Done says that the results are home.
func (c *Client) Done(ctx context.Context, url string) error { return c.post(ctx, url+donePath) }

// maxReport is more than any run.json has.
const maxReport = 1 << 30

// Report returns the run.json of a run that is over.
func (c *Client) Report(ctx context.Context, url string) ([]byte, error) {
	body, err := c.do(ctx, http.MethodGet, url+reportPath)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxReport))
	if err != nil {
		return nil, fmt.Errorf("fetch the report: %w", err)
	}
	return text, nil
}

func (c *Client) post(ctx context.Context, url string) error {
	body, err := c.do(ctx, http.MethodPost, url)
	if err != nil {
		return err
	}
	return body.Close()
}

// ErrOther is a server of another run.
var ErrOther = errors.New("the run has another secret")

// do makes a request.
func (c *Client) do(ctx context.Context, method, url string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the run: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // the status says enough
	resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, ErrOther
	}
	return nil, fmt.Errorf("the run answers %s: %s", resp.Status, strings.TrimSpace(string(text)))
}
