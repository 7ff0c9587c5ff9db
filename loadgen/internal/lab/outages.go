package lab

import (
	"context"
	"net/http"
	"slices"

	"loadlab/app/api"
)

// Outages are the outages of its servers that the app has met since it started; of several replicas, those of each.
func (c *Client) Outages(ctx context.Context) (api.Outages, error) {
	each, err := everyone[api.Outages](ctx, c, http.MethodGet, api.PathLabOutages, nil)
	var all api.Outages
	for _, one := range each {
		all.Outages = append(all.Outages, one.Outages...)
		all.Dropped += one.Dropped
	}
	slices.SortStableFunc(all.Outages, func(a, b api.Outage) int { return a.Began.Compare(b.Began) })
	return all, err
}
