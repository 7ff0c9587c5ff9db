package housing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// publishAtOnce is how many changes are published together.
const publishAtOnce = 100

// Publish hands the changes that are in the outbox, each a property and its version by then, to publish, a hundred at most, in the order of their commits, and takes them out when that
// has returned without an error. It returns how many there were.
//
// A change is handed over at least once: if this process dies in between, or several publish at the same time, again. None is passed over
// for another that was committed before it, as happens to whoever reads on behind the last version that he has seen: a change is taken
// out by its version, and not by being older than another.
func (s *Store) Publish(ctx context.Context, publish func(context.Context, []Row) error) (int, error) {
	var found []*change
	err := s.reading(ctx, s.db, func(ctx context.Context, conn bun.Conn) error {
		found = nil
		return conn.NewSelect().Model(&found).Order("version").Limit(publishAtOnce).Scan(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("read the outbox: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	changes, versions := make([]Row, len(found)), make([]int64, len(found))
	for i, c := range found {
		changes[i] = Row{ID: c.PropertyID, Version: c.Version}
		versions[i] = c.Version
	}
	if err := publish(ctx, changes); err != nil {
		return 0, err
	}
	err = s.writing(ctx, func(ctx context.Context) error {
		return s.within(ctx, s.db, func(ctx context.Context, conn bun.Conn) error {
			_, err := conn.NewDelete().Model((*change)(nil)).Where("version IN (?)", bun.List(versions)).Exec(ctx)
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("empty the outbox: %w", err)
	}
	return len(found), nil
}
