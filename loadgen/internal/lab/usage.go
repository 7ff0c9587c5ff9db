package lab

import (
	"context"
	"net/http"
	"net/url"

	"loadlab/app/api"
)

// Usage returns what the app and its Redis have used since they started; of several replicas the CPU time and the runtime's accounts are sums. With a strategy it also
// has what that strategy's pages take in Redis.
func (c *Client) Usage(ctx context.Context, strategy string) (api.Usage, error) {
	path := api.PathLabUsage
	if strategy != "" {
		path += "?" + url.Values{"strategy": {strategy}}.Encode()
	}
	all, err := everyone[api.Usage](ctx, c, http.MethodGet, path, nil)
	if err != nil || len(all) == 0 {
		return api.Usage{}, err
	}
	sum := all[0]
	for _, u := range all[1:] {
		sum.CPU += u.CPU
		sum.GC += u.GC
		sum.Allocations += u.Allocations
	}
	return sum, nil
}

// LimitMemory limits the memory of Redis, and returns the limit that is in force. A MaxMemory of 0 puts back what Redis had before.
func (c *Client) LimitMemory(ctx context.Context, m api.RedisMemory) (api.RedisMemory, error) {
	return control[api.RedisMemory](ctx, c, http.MethodPut, api.PathLabMemory, m)
}
