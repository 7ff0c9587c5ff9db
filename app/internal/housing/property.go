package housing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// Property returns one property; ErrNotFound if there is none with that id.
func (s *Store) Property(ctx context.Context, id int64) (api.Property, error) {
	var found api.Property
	err := s.reading(ctx, s.db, func(ctx context.Context, conn bun.Conn) error {
		var err error
		found, err = one(ctx, conn, id)
		return err
	})
	return found, err
}

func one(ctx context.Context, db bun.IDB, id int64) (api.Property, error) {
	var p property
	err := joined(db, &p).Where("p.id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return api.Property{}, fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	if err != nil {
		return api.Property{}, fmt.Errorf("load property %d: %w", id, err)
	}
	return p.wire(), nil
}

// ChangePrice sets a property's price and gives it the next version, in one transaction; ErrNotFound if there is none with that id.
//
// The transaction first locks the one row of revision and keeps it until it commits. So versions become visible in their order: whoever
// has seen version v committed finds, in any later read, every change up to v. The change is also in the outbox then: see Publish.
func (s *Store) ChangePrice(ctx context.Context, id, cents int64) (api.Property, error) {
	var changed api.Property
	err := s.writing(ctx, func(ctx context.Context) error {
		return s.within(ctx, s.db, func(ctx context.Context, conn bun.Conn) error {
			return conn.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				var err error
				changed, err = changePrice(ctx, tx, id, cents)
				return err
			})
		})
	})
	if err != nil {
		return api.Property{}, err
	}
	return changed, nil
}

func changePrice(ctx context.Context, tx bun.Tx, id, cents int64) (api.Property, error) {
	row := &revision{ID: revisionID}
	_, err := tx.NewUpdate().Model(row).Set("current = current + 1").WherePK().Returning("current").Exec(ctx, &row.Current)
	if err != nil {
		return api.Property{}, fmt.Errorf("take the next version: %w", err)
	}
	p := &property{ID: id, PriceCents: cents, Version: row.Current, UpdatedAt: time.Now().UTC().Truncate(time.Second)}
	result, err := tx.NewUpdate().Model(p).Column("price_cents", "version", "updated_at").WherePK().Exec(ctx)
	if err != nil {
		return api.Property{}, fmt.Errorf("change the price of property %d: %w", id, err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return api.Property{}, fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	event := &change{Version: row.Current, PropertyID: id, WrittenAt: time.Now().UTC()}
	if _, err := tx.NewInsert().Model(event).Exec(ctx); err != nil {
		return api.Property{}, fmt.Errorf("write the change of property %d to the outbox: %w", id, err)
	}
	return one(ctx, tx, id)
}

// writing runs f while no other write of this process runs, where the database has one writer at a time.
func (s *Store) writing(ctx context.Context, f func(context.Context) error) error {
	if s.dialect.writer == nil {
		return f(ctx)
	}
	select {
	case s.dialect.writer <- struct{}{}:
		defer func() { <-s.dialect.writer }()
		return f(ctx)
	case <-ctx.Done():
		return fmt.Errorf("wait for the database's writer: %w", ctx.Err())
	}
}
