package stack

import "time"

// CPU is the CPU time that a stack's own processes have used since they started, by the operating system's account. It is 0 of what is no
// process of the stack, or cannot be asked.
type CPU struct{ App, Database, Redis time.Duration }

// CPU returns what has been used until now. A database inside the app is in the app's.
func (s *Stack) CPU() CPU {
	// What has ended, or is on a system without such an account, has used an unknown time.
	known := func(used time.Duration, err error) time.Duration {
		if err != nil {
			return 0
		}
		return used
	}
	var c CPU
	for _, app := range s.Apps() {
		used := known(app.CPU())
		if used == 0 {
			c.App = 0
			break
		}
		c.App += used
	}
	if s.Postgres != nil {
		c.Database = known(s.Postgres.Process.TreeCPU())
	}
	if redis := s.RedisProcess(); redis != nil {
		c.Redis = known(redis.CPU())
	}
	return c
}
