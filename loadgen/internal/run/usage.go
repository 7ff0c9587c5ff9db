package run

import (
	"context"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stack"
	"loadlab/otel/signal"
)

// usageLimit bounds the question for what has been used: what is not known in time is in no figure.
const usageLimit = 10 * time.Second

// account is what the stack has used so far: by the operating system where the processes are the stack's own, and by the app's and Redis'
// own accounts.
type account struct {
	cpu      stack.CPU
	reported *api.Usage // nil if nobody reports it
}

// opened returns the account before a phase. The clocks are read last, so that the question is in no figure.
func (s *subject) opened(ctx context.Context) account {
	reported := s.reported(ctx, "")
	return account{cpu: s.stack.CPU(), reported: reported}
}

// closed returns the account after a phase, with the pages of a strategy. The clocks are read first.
func (s *subject) closed(ctx context.Context, strategy string) account {
	cpu := s.stack.CPU()
	return account{cpu: cpu, reported: s.reported(ctx, strategy)}
}

// tick is the unit of /proc/stat, which is 10 ms on every Linux there is.
const tick = 10 * time.Millisecond

// used returns the CPU time of the stack's own processes and of the machine until now, as metrics have it; 0 of what is not known.
func (s *subject) used() map[string]time.Duration {
	cpu := s.stack.CPU()
	return map[string]time.Duration{
		signal.ServerApp: cpu.App, signal.ServerDatabase: cpu.Database, signal.ServerRedis: cpu.Redis, signal.ServerHost: time.Duration(readTicks().busy) * tick,
	}
}

// reported returns what the app and Redis have used by their own accounts; nil without lab controls, and if Redis does not answer.
func (s *subject) reported(ctx context.Context, strategy string) *api.Usage {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), usageLimit) // also when the run is being interrupted
	defer cancel()
	u, err := s.lab.Usage(ctx, strategy)
	if err != nil {
		return nil
	}
	return &u
}

// charge puts into a cell what has been used between two accounts: all of it if the mode was alone, else only what is the mode's own.
func charge(cell *result.Cell, before, after account, alone bool) {
	was, is := before.reported, after.reported
	app, redis := grown(before.cpu.App, after.cpu.App), grown(before.cpu.Redis, after.cpu.Redis)
	database := grown(before.cpu.Database, after.cpu.Database)
	if is != nil {
		cell.Redis = &result.Redis{Pages: is.Pages, PageBytes: is.PageBytes, MaxMemory: is.MaxMemory}
	}
	if !alone {
		return
	}
	if was != nil && is != nil {
		if app == 0 {
			app = grown(was.CPU, is.CPU)
		}
		if redis == 0 {
			redis = grown(was.RedisCPU, is.RedisCPU)
		}
		if database == 0 {
			database = grown(was.DatabaseCPU, is.DatabaseCPU)
		}
		// A Redis that was started anew meanwhile counts from 0: then nothing is known of the whole.
		if is.RedisBytesOut >= was.RedisBytesOut && is.Evicted >= was.Evicted && is.RedisCPU >= was.RedisCPU {
			cell.Redis.CPU, cell.Redis.BytesOut, cell.Redis.Evicted = redis, is.RedisBytesOut-was.RedisBytesOut, is.Evicted-was.Evicted
		}
	}
	cell.Server.CPU, cell.Server.DatabaseCPU = app, database
}

// grown returns by how much a clock has advanced; 0 if it is not known at both times.
func grown(before, after time.Duration) time.Duration {
	if before <= 0 || after <= before {
		return 0
	}
	return after - before
}
