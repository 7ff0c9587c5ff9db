package housing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// loadNaive is what an ORM does that loads a relation when it is first looked at: COUNT, the list, and for each row its agent, the
// agent's office and its location. 2 + 3n queries: 62 for a page of 20. It does not remember what it has loaded for another row.
func loadNaive(ctx context.Context, db bun.Conn, q Query) (listing, error) {
	var found listing
	var err error
	if found.count, err = count(ctx, db, db); err != nil {
		return found, err
	}
	if err := list(ctx, db, q, &found.rows); err != nil {
		return found, err
	}
	for _, p := range found.rows {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		p.Agent = new(agent)
		if err := byID(ctx, db, p.Agent, p.AgentID); err != nil {
			return found, fmt.Errorf("load the agent of property %d: %w", p.ID, err)
		}
		p.Agent.Office = new(office)
		if err := byID(ctx, db, p.Agent.Office, p.Agent.OfficeID); err != nil {
			return found, fmt.Errorf("load the office of property %d: %w", p.ID, err)
		}
		p.Location = new(location)
		if err := byID(ctx, db, p.Location, p.LocationID); err != nil {
			return found, fmt.Errorf("load the location of property %d: %w", p.ID, err)
		}
	}
	return found, nil
}

func byID(ctx context.Context, db bun.IDB, model any, id int64) error {
	return db.NewSelect().Model(model).Where("id = ?", id).Scan(ctx)
}
