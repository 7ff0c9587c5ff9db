package housing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// indexName is the index that the option adds.
const indexName = "properties_created_at_id"

// migrations are the schema's history. Each function runs on both databases. A new one goes to the end, and none is ever edited.
func (s *Store) migrations() *migrate.Migrations {
	ms := migrate.NewMigrations()
	for _, m := range []struct {
		name, comment string
		up            func(context.Context, *bun.DB) error
	}{
		{"20260101000001", "tables", createTables},
		{"20260101000002", "storage", s.dialect.storage},
		{"20260101000003", "outbox", createOutbox},
	} {
		ms.Add(migrate.Migration{Name: m.name, Comment: m.comment,
			Up: func(ctx context.Context, mg *migrate.Migrator, _ *migrate.Migration) error { return m.up(ctx, mg.DB()) }})
	}
	return ms
}

// migrate brings the schema up to date. The caller holds the dialect's lock: bun's own is a row that outlives a process that was
// killed, and it fails instead of waiting.
func (s *Store) migrate(ctx context.Context, db *bun.DB) error {
	m := migrate.NewMigrator(db, s.migrations(), migrate.WithMarkAppliedOnSuccess(true))
	if err := m.Init(ctx); err != nil {
		return fmt.Errorf("create the migration tables: %w", oneLine(err))
	}
	if _, err := m.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", oneLine(err))
	}
	return s.setIndex(ctx, db, s.index)
}

// createTables makes tables without any index but their primary keys: what that costs is one of the lab's subjects.
func createTables(ctx context.Context, db *bun.DB) error {
	for _, t := range []struct {
		model any
		keys  []string
	}{
		{(*revision)(nil), nil},
		{(*office)(nil), nil},
		{(*location)(nil), nil},
		{(*agent)(nil), []string{`("office_id") REFERENCES "offices" ("id")`}},
		{(*property)(nil), []string{`("agent_id") REFERENCES "agents" ("id")`, `("location_id") REFERENCES "locations" ("id")`}},
	} {
		q := db.NewCreateTable().Model(t.model).IfNotExists()
		for _, key := range t.keys {
			q = q.ForeignKey(key)
		}
		if _, err := q.Exec(ctx); err != nil {
			return err
		}
	}
	row := &revision{ID: revisionID, Current: firstVersion, Properties: unseeded}
	_, err := db.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

func createOutbox(ctx context.Context, db *bun.DB) error {
	_, err := db.NewCreateTable().Model((*change)(nil)).IfNotExists().Exec(ctx)
	return err
}

// setIndex creates or drops the index in which a page's rows are next to each other.
func (s *Store) setIndex(ctx context.Context, db bun.IDB, want bool) error {
	var err error
	if want {
		_, err = db.NewCreateIndex().Model((*property)(nil)).Index(indexName).ColumnExpr("created_at DESC, id DESC").IfNotExists().Exec(ctx)
	} else {
		_, err = db.NewDropIndex().Index(indexName).IfExists().Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("set the index on properties: %w", err)
	}
	return nil
}
