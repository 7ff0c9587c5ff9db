package housing

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// loadBatched asks for all rows of a relation at once: COUNT, the list, agents IN, offices IN, locations IN. 5 queries for a page that
// has rows, 2 for one that has none.
func loadBatched(ctx context.Context, db bun.Conn, q Query) (listing, error) {
	var found listing
	var err error
	if found.count, err = count(ctx, db, db); err != nil {
		return found, err
	}
	if err := list(ctx, db, q, &found.rows); err != nil || len(found.rows) == 0 {
		return found, err
	}
	agents, err := among[agent](ctx, db, found.rows, func(p *property) int64 { return p.AgentID })
	if err != nil {
		return found, fmt.Errorf("load the agents: %w", err)
	}
	offices, err := among[office](ctx, db, agents, func(a *agent) int64 { return a.OfficeID })
	if err != nil {
		return found, fmt.Errorf("load the offices: %w", err)
	}
	locations, err := among[location](ctx, db, found.rows, func(p *property) int64 { return p.LocationID })
	if err != nil {
		return found, fmt.Errorf("load the locations: %w", err)
	}
	officeOf := index(offices, func(o *office) int64 { return o.ID })
	for _, a := range agents {
		a.Office = officeOf[a.OfficeID]
	}
	agentOf := index(agents, func(a *agent) int64 { return a.ID })
	locationOf := index(locations, func(l *location) int64 { return l.ID })
	for _, p := range found.rows {
		p.Agent, p.Location = agentOf[p.AgentID], locationOf[p.LocationID]
	}
	return found, nil
}

// among loads the rows of a table that a list of others refers to, each of them once.
func among[T, From any](ctx context.Context, db bun.IDB, from []*From, ref func(*From) int64) ([]*T, error) {
	ids := make([]int64, 0, len(from))
	for _, f := range from {
		ids = append(ids, ref(f))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var rows []*T
	err := db.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	return rows, err
}

func index[T any](rows []*T, id func(*T) int64) map[int64]*T {
	byID := make(map[int64]*T, len(rows))
	for _, r := range rows {
		byID[id(r)] = r
	}
	return byID
}
