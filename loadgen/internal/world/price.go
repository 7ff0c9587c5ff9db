package world

import (
	"context"
	"time"
)

// PriceChange is the name of the action that makes pages stale: a run that does it watches how old the pages are that readers get.
const PriceChange = "price_change"

// priceChange changes the price of a property of the page that is read.
func priceChange() Action {
	return Action{
		Name: PriceChange, Doc: "changes the price of a property of the page that is read", During: true, Lab: true,
		Do: func(ctx context.Context, s Subject, _ time.Duration) error { return s.ChangePrice(ctx) },
	}
}
