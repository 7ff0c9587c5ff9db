package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"loadlab/loadgen/internal/lab"
)

// pricing changes the price of a property that is on the first page.
type pricing struct {
	lab *lab.Client
	id  int64

	mu   sync.Mutex // guards made
	made int64
}

// newPricing looks for the property.
func newPricing(ctx context.Context, client *lab.Client) (*pricing, error) {
	page, err := client.FirstPage(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a property whose price can be changed: %w", err)
	}
	if len(page.Results) == 0 {
		return nil, errors.New("look for a property whose price can be changed: the first page is empty")
	}
	return &pricing{lab: client, id: page.Results[0].ID}, nil
}

// firstPrice is the price before the first change; each change raises it by 1.
const firstPrice = 100_000

// change commits another price. It returns the property's version with it, and when that was known to be committed.
func (p *pricing) change(ctx context.Context) (version int64, at time.Time, err error) {
	p.mu.Lock()
	p.made++
	price := fmt.Sprintf("%d.00", firstPrice+p.made)
	p.mu.Unlock()
	property, at, err := p.lab.ChangePrice(ctx, p.id, price)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("change a price: %w", err)
	}
	return property.Version, at, nil
}
