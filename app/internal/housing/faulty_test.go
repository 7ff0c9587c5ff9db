package housing_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/outage"
)

// patience is that of whoever makes a statement while there is a fault.
const patience = time.Second

// faultRig is a SQLite database in virtual time, with connections that are open.
type faultRig struct {
	*testing.T
	*housing.Store
}

func newFaultRig(t *testing.T, connections int) faultRig {
	s := seeded(t, sqliteURL(t), 30, housing.WithTimers(housing.Options{Connections: connections}))
	r := faultRig{t, s}
	var all []interface{ Close() error }
	for range connections {
		conn, err := s.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	for _, conn := range all {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r faultRig) begin(f api.Fault) {
	r.Helper()
	if f.Share == 0 {
		f.Share = 1
	}
	if err := f.Validate(); err != nil {
		r.Fatal(err)
	}
	if got, err := r.BeginFault(f); err != nil || got.Kind != f.Kind || got.Began.IsZero() || !got.Ended.IsZero() {
		r.Fatalf("begin %+v: got %+v, %v", f, got, err)
	}
}

// end ends the fault and compares what was seen of it, but for its times. The watch of the database, which asks it once a call has failed, has
// met the fault too.
func (r faultRig) end(want api.FaultSeen) {
	r.Helper()
	synctest.Wait()
	got, err := r.EndFault()
	if err != nil || got.Ended.Before(got.Began) || got.Kind != want.Kind {
		r.Fatalf("end: got %+v, %v", got, err)
	}
	want.Fault, want.Began, want.Ended = got.Fault, got.Began, got.Ended
	if got != want {
		r.Errorf("%s: got %+v, want %+v", got.Kind, got, want)
	}
	if again, err := r.EndFault(); err != nil || again != got {
		r.Errorf("a second end: got %+v, %v, want the same", again, err)
	}
}

// load makes one statement, which ends with want after took.
func (r faultRig) load(what string, want error, took time.Duration) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	start := time.Now()
	_, err := r.Property(ctx, 1)
	if !errors.Is(err, want) || want == nil && err != nil || time.Since(start) != took {
		r.Errorf("%s: got %v after %s, want %v after %s", what, err, time.Since(start), want, took)
	}
	if errors.As(want, new(syscall.Errno)) && !errors.As(err, new(*outage.Error)) { // whoever loses patience knows of none
		r.Errorf("%s: %v is no outage", what, err)
	}
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]func(faultRig){
		"refuse": func(r faultRig) {
			r.begin(api.Fault{Kind: api.FaultRefuse})
			for range 2 {
				r.load("on an open connection", syscall.ECONNREFUSED, 0)
			}
			r.load("on a new one", syscall.ECONNREFUSED, 0)
			r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultRefuse}, Connections: 2, Connects: 2, Statements: 2, Refused: 4})
			r.load("after it", nil, 0)
		},
		"cut": func(r faultRig) {
			r.begin(api.Fault{Kind: api.FaultCut})
			r.load("on an open connection, and again on a new one", syscall.ECONNRESET, 0)
			r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultCut}, Connections: 2, Connects: 2, Statements: 1, Reset: 3})
			r.load("after it", nil, 0)
			r.begin(api.Fault{Kind: api.FaultCut})
			if _, err := r.EndFault(); err != nil {
				r.Error(err)
			}
			r.load("on a connection that finds out after it, and again on a new one", nil, 0)
			r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultCut}, Connections: 1, Statements: 1, Reset: 1})
		},
		"hang": func(r faultRig) {
			r.begin(api.Fault{Kind: api.FaultHang})
			r.load("on an open connection", context.DeadlineExceeded, patience)
			r.load("on the other", context.DeadlineExceeded, patience)
			r.load("on a new one", context.DeadlineExceeded, patience)
			var wg sync.WaitGroup
			wg.Go(func() { r.load("until its end", nil, patience/2) })
			time.AfterFunc(patience/2, func() {
				r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultHang}, Connections: 2, Connects: 2, Statements: 2, Held: 4})
			})
			wg.Wait()
			r.load("after it", nil, 0)
		},
		"slow": func(r faultRig) {
			r.begin(api.Fault{Kind: api.FaultSlow, Delay: api.Duration(patience / 4)})
			r.load("on an open connection", nil, patience/4)
			if err := r.SetDistance(patience/8, 0); err != nil {
				r.Error(err)
			}
			r.load("beside a distance", nil, patience/4+patience/8)
			r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultSlow}, Connections: 2, Statements: 2, Delayed: 2})
			r.load("after it", nil, patience/8)
		},
		"half-open": func(r faultRig) {
			r.begin(api.Fault{Kind: api.FaultHalfOpen})
			r.load("on an open connection", context.DeadlineExceeded, patience)
			r.load("after that in the place of the one that was given up", context.DeadlineExceeded, patience)
			if seen, err := r.EndFault(); err != nil || seen.Held != 2 {
				r.Errorf("got %+v, %v, want 2 held", seen, err)
			}
			r.load("after it on a new connection", nil, 0)
			r.end(api.FaultSeen{Fault: api.Fault{Kind: api.FaultHalfOpen}, Connections: 2, Statements: 2, Held: 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newFaultRig(t, 2)
				if seen, err := r.Fault(); err != nil || seen != (api.FaultSeen{}) {
					t.Errorf("before any: got %+v, %v", seen, err)
				}
				test(r)
			})
		})
	}
}

// An idle connection of the time of the fault is silent when it is over, and works no more for whoever gave it up.
func TestHalfOpenOutlivesItsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFaultRig(t, 1)
		r.begin(api.Fault{Kind: api.FaultHalfOpen})
		if _, err := r.EndFault(); err != nil {
			t.Fatal(err)
		}
		conn, err := r.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := conn.PingContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if err := conn.PingContext(t.Context()); err == nil {
			t.Error("a connection that was given up answers")
		}
		conn.Close()
		r.load("on a new connection", nil, 0)
	})
}

// A share is the same connections each time, and about as many as it says.
func TestShareOfAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const connections = 20
		r := newFaultRig(t, connections)
		for _, want := range []int64{5, 10, 15, 20} {
			f := api.Fault{Kind: api.FaultSlow, Delay: api.Duration(time.Millisecond), Share: float64(want) / connections}
			for range 2 {
				r.begin(f)
				seen, err := r.EndFault()
				if err != nil || seen.Connections < want-1 || seen.Connections > want+1 {
					t.Errorf("share %v of %d: hits %d, %v", f.Share, connections, seen.Connections, err)
				}
			}
		}
	})
}

// A transaction whose commit meets a fault is not committed, and its connection is not the next one's.
func TestFaultInATransaction(t *testing.T) {
	for _, kind := range []api.FaultKind{api.FaultRefuse, api.FaultCut, api.FaultHang, api.FaultHalfOpen} {
		synctest.Test(t, func(t *testing.T) {
			r := newFaultRig(t, 1)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			tx, err := r.DB().BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(ctx, "UPDATE properties SET price_cents = 4711 WHERE id = 1"); err != nil {
				t.Fatal(err)
			}
			r.begin(api.Fault{Kind: kind})
			if err := tx.Commit(); err == nil {
				t.Errorf("%s: the transaction was committed", kind)
			}
			synctest.Wait() // for database/sql to roll back
			if _, err := r.EndFault(); err != nil {
				t.Fatal(err)
			}
			if p, err := r.Property(t.Context(), 1); err != nil || p.Price == "47.11" {
				t.Errorf("%s: after it: price %s, %v", kind, p.Price, err)
			}
			if _, err := r.ChangePrice(t.Context(), 1, 100); err != nil {
				t.Errorf("%s: a price change after it: %v", kind, err)
			}
		})
	}
}

func TestOneFaultAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFaultRig(t, 1)
		r.begin(api.Fault{Kind: api.FaultHang})
		if _, err := r.BeginFault(api.Fault{Kind: api.FaultRefuse, Share: 1}); !errors.Is(err, housing.ErrFaulty) {
			t.Errorf("got %v, want %v", err, housing.ErrFaulty)
		}
		if seen, err := r.Fault(); err != nil || seen.Kind != api.FaultHang {
			t.Errorf("got %+v, %v, want the first one", seen, err)
		}
	})
}

// A store that is closed does not leave behind whoever waits without a limit.
func TestCloseEndsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFaultRig(t, 1)
		r.begin(api.Fault{Kind: api.FaultHang})
		ended := make(chan error)
		go func() { ended <- r.DB().PingContext(context.Background()) }() //nolint:usetesting // it shall not end with the test
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Error("a ping of a store that is closed succeeded")
		}
	})
}

func TestFaultsAreForSQLite(t *testing.T) {
	s := open(t, postgresURL(t), housing.Options{})
	_, begin := s.BeginFault(api.Fault{Kind: api.FaultHang, Share: 1})
	_, end := s.EndFault()
	_, seen := s.Fault()
	for _, err := range []error{begin, end, seen} {
		if !errors.Is(err, housing.ErrWire) {
			t.Errorf("got %v, want %v", err, housing.ErrWire)
		}
	}
	if err := errors.Join(s.SetDistance(0, 0), s.DB().PingContext(t.Context())); err != nil {
		t.Error(err)
	}
	if err := s.SetDistance(0, 1); !errors.Is(err, housing.ErrDistance) {
		t.Errorf("got %v, want %v", err, housing.ErrDistance)
	}
}

// Faults come and go and distances change while pages are loaded, with the system's own alarm; what failed is what the faults count, and in
// the end every page loads.
func TestFaultsUnderLoad(t *testing.T) {
	s := seeded(t, sqliteURL(t), 60, housing.Options{Connections: 4, SQLiteRTT: 50 * time.Microsecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				limit, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				if _, err := s.Page(limit, "batched", housing.Query{Page: 1, PageSize: 20}); err != nil {
					failed.Add(1)
				}
				cancel()
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i, kind := range append(api.FaultKinds(), api.FaultKinds()...) {
		f := api.Fault{Kind: kind, Share: 1}
		if kind == api.FaultSlow {
			f.Delay = api.Duration(time.Millisecond)
		}
		if _, err := s.BeginFault(f); err != nil {
			t.Fatal(err)
		}
		for met := int64(0); met == 0; { // as under load a fault must
			<-tick.C
			seen, err := s.Fault()
			if err != nil {
				t.Fatal(err)
			}
			met = seen.Connects + seen.Statements
		}
		seen, err := s.EndFault()
		if err != nil || seen.Held+seen.Refused+seen.Reset+seen.Delayed < 1 {
			t.Errorf("%s: got %+v, %v, want that it was met", kind, seen, err)
		}
		if err := s.SetDistance(time.Duration(i)*10*time.Microsecond, 10*time.Microsecond); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
	if failed.Load() == 0 {
		t.Error("no page failed")
	}
	if err := s.SetDistance(0, 0); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		// A connection that was silenced and not used since is still in the pool: it costs whoever gets it his patience.
		limit, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, _ = s.DB().ExecContext(limit, "SELECT 1")
		cancel()
	}
	page(t, s, "batched", housing.Query{Page: 1, PageSize: 20})
}
