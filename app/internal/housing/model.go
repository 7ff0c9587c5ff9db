package housing

import (
	"time"

	"github.com/uptrace/bun"

	"loadlab/app/api"
)

// property is one listing. Its columns are in the order in which they are stored: what a page is sorted by comes first, where it is
// found without walking over the others, and the description, which is longer than all the rest, comes last.
type property struct {
	bun.BaseModel `bun:"table:properties,alias:p"`

	ID           int64     `bun:"id,pk"`
	CreatedAt    time.Time `bun:"created_at,notnull"` // whole seconds
	UpdatedAt    time.Time `bun:"updated_at,notnull"` // whole seconds
	PriceCents   int64     `bun:"price_cents,notnull"`
	Version      int64     `bun:"version,notnull"` // of the price change that wrote the row last; the seed's rows have firstVersion
	AgentID      int64     `bun:"agent_id,notnull"`
	LocationID   int64     `bun:"location_id,notnull"`
	Bedrooms     int64     `bun:"bedrooms,notnull"`
	Bathrooms    int64     `bun:"bathrooms,notnull"`
	SquareFeet   int64     `bun:"square_feet,notnull"`
	Title        string    `bun:"title,notnull"`
	PropertyType string    `bun:"property_type,notnull"`
	Status       string    `bun:"status,notnull"`
	Description  string    `bun:"description,notnull"`

	Agent    *agent    `bun:"rel:belongs-to,join:agent_id=id"`
	Location *location `bun:"rel:belongs-to,join:location_id=id"`
}

type agent struct {
	bun.BaseModel `bun:"table:agents,alias:a"`

	ID       int64  `bun:"id,pk"`
	OfficeID int64  `bun:"office_id,notnull"`
	Name     string `bun:"name,notnull"`
	Email    string `bun:"email,notnull"`
	Phone    string `bun:"phone,notnull"`

	Office *office `bun:"rel:belongs-to,join:office_id=id"`
}

type office struct {
	bun.BaseModel `bun:"table:offices,alias:o"`

	ID      int64  `bun:"id,pk"`
	Name    string `bun:"name,notnull"`
	Address string `bun:"address,notnull"`
	Phone   string `bun:"phone,notnull"`
}

type location struct {
	bun.BaseModel `bun:"table:locations,alias:l"`

	ID        int64   `bun:"id,pk"`
	Latitude  float64 `bun:"latitude,notnull"`
	Longitude float64 `bun:"longitude,notnull"`
	Address   string  `bun:"address,notnull"`
	City      string  `bun:"city,notnull"`
	State     string  `bun:"state,notnull"`
	ZipCode   string  `bun:"zip_code,notnull"`
}

// revision is the one row that every price change increments. The row's lock lasts until the change commits, so versions are handed
// out in the order of the commits.
type revision struct {
	bun.BaseModel `bun:"table:revision"`

	ID      int64 `bun:"id,pk"`           // always revisionID
	Current int64 `bun:"current,notnull"` // the last version handed out
	// Properties and Recipe record what the seed has put into the other tables. A seed that was interrupted leaves unseeded.
	Properties int64 `bun:"properties,notnull"`
	Recipe     int64 `bun:"recipe,notnull"`
}

// change is one row of the outbox: a price change that has been committed, and of which nobody has been informed yet. The transaction that
// changes the price writes it, so that there is one if and only if the price has changed, whoever dies when.
type change struct {
	bun.BaseModel `bun:"table:outbox"`

	Version    int64     `bun:"version,pk"`
	PropertyID int64     `bun:"property_id,notnull"`
	WrittenAt  time.Time `bun:"written_at,notnull"`
}

const (
	revisionID   = 1
	firstVersion = 1
	unseeded     = -1
)

// wire is the property as the API shows it. Its relations must be loaded.
func (p *property) wire() api.Property {
	a, o, l := p.Agent, p.Agent.Office, p.Location
	return api.Property{
		ID:           p.ID,
		Title:        p.Title,
		PropertyType: p.PropertyType,
		Status:       p.Status,
		Price:        FormatPrice(p.PriceCents),
		Bedrooms:     int(p.Bedrooms),
		Bathrooms:    int(p.Bathrooms),
		SquareFeet:   int(p.SquareFeet),
		Version:      p.Version,
		// PostgreSQL answers in the session's time zone.
		CreatedAt: p.CreatedAt.UTC(),
		UpdatedAt: p.UpdatedAt.UTC(),
		Agent: api.Agent{ID: a.ID, Name: a.Name, Email: a.Email, Phone: a.Phone, Office: api.Office{
			ID: o.ID, Name: o.Name, Address: o.Address, Phone: o.Phone,
		}},
		Location: api.Location{
			ID: l.ID, Address: l.Address, City: l.City, State: l.State, ZipCode: l.ZipCode, Latitude: l.Latitude, Longitude: l.Longitude,
		},
		Description: p.Description,
	}
}
