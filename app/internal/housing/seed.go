package housing

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

// What the seed makes beside the properties.
const (
	seedAgents    = 500
	seedOffices   = 50
	seedLocations = 1000
)

const (
	// recipe is the version of what the seed makes: change it with the seed, and databases made by an older one are filled anew.
	recipe = 1
	// batchRows is how often progress is reported, and how long a transaction is on SQLite.
	batchRows = 5000
	// rowBytes is how long the texts of a property are together, at least. It puts a page of 20 at 48 KiB of JSON, and a row above the
	// 2,032 bytes from which PostgreSQL moves its description out of the table: 24 of header, 80 of numbers, 10 of lengths.
	rowBytes = 1920
)

// seedFrom is the second from which properties were listed, and seedDays how many days long.
const seedDays = 730

func seedFrom() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }

// Seed fills the database with n properties, 500 agents, 50 offices and 1,000 locations, always the same for the same n. A database
// that has been filled with n properties is left alone, price changes and all; one of another size is emptied first. progress, which
// may be nil, is called now and then with how many properties are in.
func (s *Store) Seed(ctx context.Context, n int, progress func(done int)) error {
	if n < 0 {
		return fmt.Errorf("cannot seed %d properties", n)
	}
	if progress == nil {
		progress = func(int) {}
	}
	return s.setUp(ctx, func(ctx context.Context, db *bun.DB) error {
		var state revision
		if err := db.NewSelect().Model(&state).Where("id = ?", revisionID).Scan(ctx); err != nil {
			return fmt.Errorf("read the state of the seed: %w", err)
		}
		if state.Properties == int64(n) && state.Recipe == recipe {
			return nil
		}
		return s.fill(ctx, db, n, progress)
	})
}

func (s *Store) fill(ctx context.Context, db *bun.DB, n int, progress func(int)) error {
	if err := mark(ctx, db, unseeded); err != nil {
		return err
	}
	// Versions begin anew, and changes of rows that are gone concern nobody.
	if _, err := db.NewTruncateTable().Model((*change)(nil)).Exec(ctx); err != nil {
		return fmt.Errorf("empty the outbox: %w", err)
	}
	// An index is built faster than it is kept up.
	if err := s.setIndex(ctx, db, false); err != nil {
		return err
	}
	if err := s.dialect.fill(ctx, db, newSeed(n), progress); err != nil {
		return oneLine(err)
	}
	if err := s.setIndex(ctx, db, s.index); err != nil {
		return err
	}
	return mark(ctx, db, n)
}

// mark records how many properties the seed has put in.
func mark(ctx context.Context, db *bun.DB, n int) error {
	row := &revision{ID: revisionID, Current: firstVersion, Properties: int64(n), Recipe: recipe}
	if _, err := db.NewUpdate().Model(row).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("mark the state of the seed: %w", err)
	}
	return nil
}

// seed generates the rows. The same n gives the same rows; a larger one begins with the rows of a smaller.
type seed struct {
	n         int
	offices   []office
	agents    []agent
	locations []location
	rng       *rand.Rand
}

func newSeed(n int) *seed {
	s := &seed{n: n, rng: rand.New(rand.NewPCG(20240101, 1))}
	for i := range int64(seedOffices) {
		s.offices = append(s.offices, s.office(i+1))
	}
	for i := range int64(seedAgents) {
		s.agents = append(s.agents, s.agent(i+1))
	}
	for i := range int64(seedLocations) {
		s.locations = append(s.locations, s.location(i+1))
	}
	return s
}

// table is the rows of one table. A row is only valid until the next, and may be changed by who reads it.
type table struct {
	name    string
	columns []string
	large   bool // grows with the size of the seed
	rows    iter.Seq[[]any]
}

// tables are in an order in which no row refers to one that is not there yet. The iterators can be read once.
func (s *seed) tables() []table {
	return []table{
		{name: "offices", columns: []string{"id", "name", "address", "phone"}, rows: rowsOf(s.offices, func(o office) []any {
			return []any{o.ID, o.Name, o.Address, o.Phone}
		})},
		{name: "locations", columns: []string{"id", "latitude", "longitude", "address", "city", "state", "zip_code"},
			rows: rowsOf(s.locations, func(l location) []any {
				return []any{l.ID, l.Latitude, l.Longitude, l.Address, l.City, l.State, l.ZipCode}
			})},
		{name: "agents", columns: []string{"id", "office_id", "name", "email", "phone"}, rows: rowsOf(s.agents, func(a agent) []any {
			return []any{a.ID, a.OfficeID, a.Name, a.Email, a.Phone}
		})},
		{name: "properties", large: true, columns: []string{"id", "created_at", "updated_at", "price_cents", "version", "agent_id",
			"location_id", "bedrooms", "bathrooms", "square_feet", "title", "property_type", "status", "description"},
			rows: s.properties},
	}
}

func rowsOf[T any](list []T, row func(T) []any) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, v := range list {
			if !yield(row(v)) {
				return
			}
		}
	}
}

// properties yields the rows of the one table that may be large, and keeps none.
func (s *seed) properties(yield func([]any) bool) {
	row := make([]any, 14)
	var p property
	for i := range int64(s.n) {
		s.property(i+1, &p)
		row[0], row[1], row[2], row[3], row[4] = p.ID, p.CreatedAt, p.UpdatedAt, p.PriceCents, p.Version
		row[5], row[6], row[7], row[8], row[9] = p.AgentID, p.LocationID, p.Bedrooms, p.Bathrooms, p.SquareFeet
		row[10], row[11], row[12], row[13] = p.Title, p.PropertyType, p.Status, p.Description
		if !yield(row) {
			return
		}
	}
}
