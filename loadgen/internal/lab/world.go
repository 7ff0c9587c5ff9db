package lab

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"loadlab/app/api"
)

// Ping returns how far away the app's servers are by n round trips to each, as the app makes them itself; the app's default of n for 0. That
// a server did not answer is in the answer and no error.
func (c *Client) Ping(ctx context.Context, n int) (api.Distances, error) {
	path := api.PathLabPing
	if n != 0 {
		path += "?n=" + strconv.Itoa(n)
	}
	return control[api.Distances](ctx, c, http.MethodGet, path, nil)
}

// DatabaseFault puts a fault of a database that has no wire in force, until EndDatabaseFault. A share of 0 is all connections. The error is a
// StatusError with 409 where there is a wire, or a fault already.
func (c *Client) DatabaseFault(ctx context.Context, f api.Fault) (api.FaultSeen, error) {
	return c.fault(ctx, http.MethodPut, f)
}

// EndDatabaseFault ends the fault that is in force and returns what met it. Without one it returns the last.
func (c *Client) EndDatabaseFault(ctx context.Context) (api.FaultSeen, error) {
	return c.fault(ctx, http.MethodDelete, nil)
}

// fault asks every replica, each of which has a driver of its own, and adds up what they have seen.
func (c *Client) fault(ctx context.Context, method string, body any) (api.FaultSeen, error) {
	all, err := everyone[api.FaultSeen](ctx, c, method, api.PathLabFault, body)
	if err != nil || len(all) == 0 {
		return api.FaultSeen{}, err
	}
	sum := all[0]
	for _, seen := range all[1:] {
		sum.Connections += seen.Connections
		sum.Connects += seen.Connects
		sum.Statements += seen.Statements
		sum.Held += seen.Held
		sum.Refused += seen.Refused
		sum.Reset += seen.Reset
		sum.Delayed += seen.Delayed
	}
	return sum, nil
}

// LockDatabase locks the table of properties against readers and writers, for d or until UnlockDatabase, and returns when the lock is held. The
// error is a StatusError with 409 where no reader waits for a lock, or the table is locked already.
func (c *Client) LockDatabase(ctx context.Context, d time.Duration) (api.LockSeen, error) {
	return control[api.LockSeen](ctx, c, http.MethodPost, api.PathLabLock, api.Lock{For: api.Duration(d)})
}

// UnlockDatabase ends the lock and returns who waited for it, as it does after a lock has ended by itself.
func (c *Client) UnlockDatabase(ctx context.Context) (api.LockSeen, error) {
	return control[api.LockSeen](ctx, c, http.MethodDelete, api.PathLabLock, nil)
}
