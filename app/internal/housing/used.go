package housing

import (
	"context"
	"database/sql"
	"time"
)

// Used returns the CPU time that the database's processes have used since it started, by the account of its own kernel; 0 if it runs inside the app, is on no Linux, or does
// not let this user read that.
func (s *Store) Used(ctx context.Context) time.Duration {
	if s.dialect.used == "" {
		return 0
	}
	var used sql.NullInt64
	if s.db.DB.QueryRowContext(ctx, s.dialect.used).Scan(&used) != nil {
		return 0
	}
	return time.Duration(used.Int64)
}
