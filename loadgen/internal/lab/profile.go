package lab

import (
	"context"
	"fmt"
	"net/http"
)

// Profile returns the CPU profile of a replica over so many seconds, as net/http/pprof writes it.
func (c *Client) Profile(ctx context.Context, replica, seconds int) ([]byte, error) {
	if replica >= len(c.labs) {
		return nil, ErrNoLab
	}
	return c.call(ctx, http.MethodGet, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", c.labs[replica], seconds), nil)
}
