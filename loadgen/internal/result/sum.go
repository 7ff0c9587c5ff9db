package result

// Errors is how many requests did not complete as they should.
func (l Ledger) Errors() int64 {
	var n int64
	for _, v := range l.Failed {
		n += v
	}
	return n
}

// Balanced reports whether every scheduled request is accounted for.
func (l Ledger) Balanced() bool { return l.Scheduled == l.Completed+l.Errors() }

// Add adds o to l, whose Failed must not be nil.
func (l *Ledger) Add(o Ledger) {
	l.Scheduled += o.Scheduled
	l.Completed += o.Completed
	l.Bytes += o.Bytes
	l.Wrote += o.Wrote
	for kind, n := range o.Failed {
		l.Failed[kind] += n
	}
}

// Add adds o to s.
func (s *SecondCounts) Add(o SecondCounts) {
	s.Scheduled += o.Scheduled
	s.Failed += o.Failed
	s.Done += o.Done
	s.Recomputes += o.Recomputes
	s.Waited += o.Waited
	s.Wait += o.Wait
}

// Sub returns what has come since o.
func (s SecondCounts) Sub(o SecondCounts) SecondCounts {
	s.Scheduled -= o.Scheduled
	s.Failed -= o.Failed
	s.Done -= o.Done
	s.Recomputes -= o.Recomputes
	s.Waited -= o.Waited
	s.Wait -= o.Wait
	return s
}

// Add adds o to r.
func (r *Revalidation) Add(o Revalidation) {
	r.Asked += o.Asked
	r.NotModified += o.NotModified
	r.Saved += o.Saved
}

// Add adds o to s, whose Cache must not be nil.
func (s *Server) Add(o Server) {
	s.Timed += o.Timed
	s.SQL += o.SQL
	s.SQLTime += o.SQLTime
	s.Redis += o.Redis
	s.RedisTime += o.RedisTime
	s.Wait += o.Wait
	s.Total += o.Total
	s.CPU += o.CPU
	s.DatabaseCPU += o.DatabaseCPU
	for name, n := range o.Cache {
		s.Cache[name] += n
	}
	if o.MinMiss > 0 && (s.MinMiss == 0 || o.MinMiss < s.MinMiss) {
		s.MinMiss = o.MinMiss
	}
	s.Counters = s.Counters.Add(o.Counters)
}

// Reported reports whether the server said what it spent its time on.
func (b *Bucket) Reported() bool { return b.App+b.SQL+b.Redis+b.Wait > 0 }

// Add adds o, which must be of the same size, to b.
func (b *Bucket) Add(o Bucket) {
	b.Over = o.Over
	b.Count += o.Count
	b.Queries += o.Queries
	b.Commands += o.Commands
	b.Response += o.Response
	b.Lag += o.Lag
	b.Wait += o.Wait
	b.SQL += o.SQL
	b.Redis += o.Redis
	b.App += o.App
	b.Network += o.Network
	b.Connect += o.Connect
	b.TLS += o.TLS
	b.FirstByte += o.FirstByte
}

// Add adds o to s, but for Changes.
func (s *Stale) Add(o Stale) {
	s.Writes += o.Writes
	s.Reads += o.Reads
	s.Stale += o.Stale
	s.Max = max(s.Max, o.Max)
}
