package housing

import (
	"bytes"
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// List is a page without its properties: their ids, in the page's order, and what stands before and after them in its body. Head, the
// properties with commas between, and Tail are the body that Page returns, byte for byte.
type List struct {
	IDs        []int64
	Head, Tail []byte
}

// Object is one property as it stands in a page's body.
type Object struct {
	Row
	Body []byte
}

// List loads the list of a page, with 2 queries: COUNT, and the ids. The error is ErrQuery if there can be no such page.
func (s *Store) List(ctx context.Context, q Query) (List, error) {
	var list List
	var n int
	err := s.paging(ctx, q, func(ctx context.Context, conn bun.Conn) error {
		var err error
		if n, err = count(ctx, conn, conn); err != nil {
			return err
		}
		list.IDs = nil // a second try must not append to the first
		query := conn.NewSelect().Model((*property)(nil)).Column("id").OrderExpr(newestFirst).Limit(int64(q.PageSize)).Offset(q.offset())
		if err := query.Scan(ctx, &list.IDs); err != nil {
			return fmt.Errorf("list the ids of the properties: %w", err)
		}
		return nil
	})
	if err != nil {
		return List{}, err
	}
	empty := api.Page{Count: n, Results: []api.Property{}}
	empty.Next, empty.Previous = q.links(n)
	body, err := encode(empty)
	if err != nil {
		return List{}, err
	}
	end := bytes.LastIndexByte(body, ']')
	list.Head, list.Tail = body[:end:end], body[end:]
	return list, nil
}

// Objects loads properties with one query, in no particular order. An id that there is no property of has no object.
func (s *Store) Objects(ctx context.Context, ids []int64) ([]Object, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []*property
	err := s.reading(ctx, s.db, func(ctx context.Context, conn bun.Conn) error {
		rows = nil
		if err := joined(conn, &rows).Where("p.id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
			return fmt.Errorf("load %d properties: %w", len(ids), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	objects := make([]Object, len(rows))
	for i, p := range rows {
		body, err := encode(p.wire())
		if err != nil {
			return nil, err
		}
		objects[i] = Object{Row: Row{ID: p.ID, Version: p.Version}, Body: body}
	}
	return objects, nil
}
