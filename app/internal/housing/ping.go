package housing

import (
	"context"
	"time"
)

// Pings makes n round trips to the database, one after another on one connection of the pool, and returns how long each took. They are
// shown to no hook and counted nowhere. With an error it returns those that were made.
func (s *Store) Pings(ctx context.Context, n int) ([]time.Duration, error) {
	conn, err := s.db.DB.Conn(ctx)
	if err != nil {
		return nil, because(ctx, oneLine(err))
	}
	defer conn.Close() //nolint:errcheck // it only goes back to the pool
	took := make([]time.Duration, 0, n)
	for trip := -1; trip < n; trip++ {
		start := time.Now()
		if _, err := conn.ExecContext(ctx, s.dialect.ping); err != nil {
			return took, because(ctx, oneLine(err))
		}
		if trip >= 0 { // the first may find out that the server has closed the connection
			took = append(took, time.Since(start))
		}
	}
	return took, nil
}

// Simulated reports whether there is no wire between the app and the database, so that a distance is the driver's waiting.
func (s *Store) Simulated() bool { return s.wire != nil }
