package housing_test

import (
	"testing"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
)

// BenchmarkPage is one client's first page, by database, index and loader.
func BenchmarkPage(b *testing.B) {
	for _, database := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", sqliteURL}, {"postgresql", postgresURL}} {
		b.Run(database.name, func(b *testing.B) {
			url := database.url(b)
			for _, indexed := range []bool{false, true} {
				s := seeded(b, url, api.Defaults().Count("properties"), housing.Options{Index: indexed})
				for _, loader := range housing.Loaders() {
					name := loader
					if indexed {
						name += "+index"
					}
					b.Run(name, func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							page(b, s, loader, housing.Query{Page: 1, PageSize: api.DefaultPageSize, Base: api.PathLive + loader + "/"})
						}
					})
				}
			}
		})
	}
}

// BenchmarkSeed is a start on an empty database: open, migrate, fill.
func BenchmarkSeed(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgresql": postgresURL} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				seeded(b, url(b), api.Defaults().Count("properties"), housing.Options{})
			}
		})
	}
}
