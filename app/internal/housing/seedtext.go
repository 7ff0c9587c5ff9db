package housing

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// pick returns one of the words.
func (s *seed) pick(words []string) string { return words[s.rng.IntN(len(words))] }

func (s *seed) office(id int64) office {
	return office{
		ID:      id,
		Name:    s.pick(lastNames()) + " " + s.pick([]string{"Realty", "Homes", "& Sons", "Estates"}),
		Address: s.street() + ", " + places()[s.rng.IntN(len(places()))].city,
		Phone:   s.phone(),
	}
}

func (s *seed) agent(id int64) agent {
	first, last := s.pick(firstNames()), s.pick(lastNames())
	return agent{
		ID:       id,
		OfficeID: 1 + s.rng.Int64N(seedOffices),
		Name:     first + " " + last,
		Email:    fmt.Sprintf("%c.%s%d@example.com", first[0]|0x20, strings.ToLower(strings.ReplaceAll(last, "é", "e")), id),
		Phone:    s.phone(),
	}
}

func (s *seed) location(id int64) location {
	at := places()[s.rng.IntN(len(places()))]
	return location{
		ID: id, Address: s.street(), City: at.city, State: at.state,
		ZipCode:   fmt.Sprintf("%03d%02d", at.zip, s.rng.IntN(100)),
		Latitude:  nearby(at.lat, s.rng.Float64()),
		Longitude: nearby(at.lon, s.rng.Float64()),
	}
}

// nearby moves a coordinate by up to a tenth of a degree, and keeps five digits: about a metre.
func nearby(at, r float64) float64 { return math.Round((at+(r-0.5)/5)*1e5) / 1e5 }

func (s *seed) street() string {
	return fmt.Sprintf("%d %s", 1+s.rng.IntN(999), s.pick(streets()))
}

// phone is one of the numbers that are kept free for fiction.
func (s *seed) phone() string {
	return fmt.Sprintf("%d-555-01%02d", 201+s.rng.IntN(700), s.rng.IntN(100))
}

// property makes one property in p, whose texts it does not reuse. When it was listed has nothing to do with its id, or the newest
// would lie side by side; and one in five came in a nightly import, all of which have the time of that night: pages must not depend on
// the order of ties.
func (s *seed) property(id int64, p *property) {
	at := s.rng.Int64N(seedDays * 86400)
	if s.rng.IntN(5) == 0 {
		at = at - at%86400 + 3*3600
	}
	created := seedFrom().Add(time.Duration(at) * time.Second)
	kind := s.pick([]string{"house", "condo", "townhouse", "apartment", "villa", "loft"})
	bedrooms := 1 + s.rng.Int64N(6)
	loc := &s.locations[s.rng.IntN(seedLocations)]
	*p = property{
		ID:           id,
		CreatedAt:    created,
		UpdatedAt:    created.Add(time.Duration(s.rng.Int64N(30*86400)) * time.Second),
		PriceCents:   (80 + s.rng.Int64N(900)) * 1000 * 100,
		Version:      firstVersion,
		AgentID:      1 + s.rng.Int64N(seedAgents),
		LocationID:   loc.ID,
		Bedrooms:     bedrooms,
		Bathrooms:    1 + s.rng.Int64N(bedrooms),
		SquareFeet:   bedrooms*300 + s.rng.Int64N(900),
		Title:        s.pick(adjectives()) + " " + kind + " in " + loc.City,
		PropertyType: kind,
		Status:       s.pick([]string{"active", "active", "active", "pending", "sold"}),
	}
	p.Description = s.description(rowBytes - len(p.Title) - len(p.PropertyType) - len(p.Status))
}

// description is prose of at least atLeast bytes, and few more: it ends with the first word that is long enough.
func (s *seed) description(atLeast int) string {
	const trimmed = 4 // bytes that the cut may lose again: " –"
	var b strings.Builder
	b.Grow(atLeast + 160)
	all := sentences()
	// A walk with a stride that shares no factor with the number of sentences uses none twice before it has used them all.
	i, stride := s.rng.IntN(len(all)), 1+s.rng.IntN(len(all)-1)
	for b.Len() < atLeast+trimmed {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		before, after, _ := strings.Cut(all[i], "%")
		b.WriteString(before)
		if after != "" {
			b.WriteString(s.pick(features()))
			b.WriteString(after)
		}
		i = (i + stride) % len(all)
	}
	text := b.String()
	if end := strings.IndexByte(text[atLeast+trimmed:], ' '); end >= 0 {
		text = strings.TrimRight(text[:atLeast+trimmed+end], " ,.;:–") + "."
	}
	return text
}
