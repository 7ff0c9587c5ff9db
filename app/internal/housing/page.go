package housing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// maxPage keeps page x page size far from overflow.
const maxPage = 1 << 40

// Query is which page is asked for.
type Query struct {
	Page     int // from 1
	PageSize int // 1 to api.MaxPageSize
	// Base is the path of the links to the next and the previous page, and Extra what their query has beside page and page_size
	// ("loader=batched", or empty). Both are copied as they are. Equal ones give equal bodies, whatever the loader.
	Base  string
	Extra string
}

func (q Query) check() error {
	if q.Page < 1 || q.Page > maxPage || q.PageSize < 1 || q.PageSize > api.MaxPageSize {
		return fmt.Errorf("%w: page %d of %d", ErrQuery, q.Page, q.PageSize)
	}
	return nil
}

func (q Query) offset() int64 { return int64(q.Page-1) * int64(q.PageSize) }

func (q Query) link(page int) *string {
	text := q.Base + "?page=" + strconv.Itoa(page) + "&page_size=" + strconv.Itoa(q.PageSize)
	if q.Extra != "" {
		text += "&" + q.Extra
	}
	return &text
}

// links are the next and the previous page, nil where there is none. Before a page beyond the last comes the last.
func (q Query) links(count int) (next, previous *string) {
	last := max(1, (count+q.PageSize-1)/q.PageSize)
	if q.Page < last {
		next = q.link(q.Page + 1)
	}
	if q.Page > 1 {
		previous = q.link(min(q.Page-1, last))
	}
	return next, previous
}

// Row is one property as it was read, by which a change of it is found again.
type Row struct{ ID, Version int64 }

// Page is a page as the JSON of an api.Page. Its version is the greatest of any row in it, 0 if there is none.
type Page struct {
	Body    []byte // the caller's own
	Version int64
	Rows    []Row
}

// Page loads a page with the loader of that name. The error is ErrLoader or ErrQuery if there is no such loader or page can't be one; a page
// beyond the last is not an error but empty.
func (s *Store) Page(ctx context.Context, loader string, q Query) (Page, error) {
	l, err := loaderOf(loader)
	if err != nil {
		return Page{}, err
	}
	var found listing
	err = s.paging(ctx, q, func(ctx context.Context, conn bun.Conn) error {
		var err error
		found, err = l.load(ctx, conn, q)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	return render(q, found)
}

// paging is reading for a page, unless there can be no such page.
func (s *Store) paging(ctx context.Context, q Query, f work) error {
	if err := q.check(); err != nil {
		return err
	}
	return s.reading(ctx, s.db, f)
}

// render runs after the connection has gone back to the pool: others may use it meanwhile.
func render(q Query, found listing) (Page, error) {
	wire := api.Page{Count: found.count, Results: make([]api.Property, len(found.rows))}
	wire.Next, wire.Previous = q.links(found.count)
	page := Page{Rows: make([]Row, len(found.rows))}
	for i, p := range found.rows {
		wire.Results[i] = p.wire()
		page.Rows[i] = Row{ID: p.ID, Version: p.Version}
		page.Version = max(page.Version, p.Version)
	}
	var err error
	page.Body, err = encode(wire)
	return page, err
}

// buffers are what bodies are encoded in: one is then allocated once, in its size.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }} //nolint:gochecknoglobals // a pool has no state that a caller could depend on

// encode returns v as JSON, with nothing escaped for HTML.
func encode(v any) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode what is on a page: %w", err)
	}
	return bytes.Clone(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}
