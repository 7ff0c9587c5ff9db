// Package signal holds every metric and attribute name of the lab, with units and buckets, so that the app, the generator and the
// dashboards cannot disagree. It imports the standard library only.
package signal

import "time"

// Metrics of the app. Units are in the names; durations are seconds.
const (
	RequestsTotal        = "lab_requests_total"       // requests of a mode
	SQLTotal             = "lab_sql_queries_total"    // of a mode, background work included, which is in no request
	RedisTotal           = "lab_redis_commands_total" // likewise
	HTTPServerDuration   = "http_server_request_duration_seconds"
	DBOperationDuration  = "db_client_operation_duration_seconds"
	DBConnectionWait     = "db_client_connection_wait_time_seconds"
	SQLQueriesPerRequest = "lab_request_sql_queries"
	RedisPerRequest      = "lab_request_redis_commands"
	CacheRequests        = "lab_cache_requests_total"
	RecomputeInflight    = "lab_cache_recompute_inflight"
	RecomputeConcurrency = "lab_cache_recompute_concurrency"
	RecomputePeak        = "lab_cache_recompute_peak"  // the most at once in the last PeakWindow
	RecomputeTotal       = "lab_cache_recompute_total" // by cause
	RecomputeDuration    = "lab_cache_recompute_duration_seconds"
	ExpirationsTotal     = "lab_cache_expirations_total"
	ExpiredSeconds       = "lab_cache_expired_seconds_total" // in which a page was expired, from when it was found so until there was a fresh one
	ColdTotal            = "lab_cache_cold_total"            // times a page was wanted that was never cached, or flushed
	CacheWaiters         = "lab_cache_waiters"
	CacheWaitersPeak     = "lab_cache_waiters_peak"       // the most at once in the last PeakWindow
	CacheWaited          = "lab_cache_waited_total"       // requests that waited for a recompute of another
	CacheWaitSeconds     = "lab_cache_wait_seconds_total" // how long all of them
	CacheEvents          = "lab_cache_events_total"       // by api.Counter: those without a metric of their own
	OutageActive         = "lab_outage_active"            // 1 while a dependency does not answer
	OutageTotal          = "lab_outages_total"
	OutageSeconds        = "lab_outage_seconds_total"
	OutageAttempts       = "lab_outage_attempts_total" // calls and probes that it did not answer
	BreakerState         = "lab_breaker_state"         // 0 closed, 1 open
	BreakerTransitions   = "lab_breaker_transitions_total"
	BreakerSkipped       = "lab_breaker_skipped_calls_total"
	RunInfo              = "lab_run_info"
	SpansDropped         = "lab_spans_dropped_total"
	SpansExported        = "lab_spans_exported_total"
)

// Metrics of the load generator. Each has the label LabelRunID.
const (
	LoadScheduled = "loadgen_requests_scheduled_total"  // offered: what was due
	LoadCompleted = "loadgen_requests_completed_total"  // achieved
	LoadErrors    = "loadgen_request_errors_total"      // by kind
	LoadResponse  = "loadgen_response_duration_seconds" // due to done
	LoadService   = "loadgen_service_duration_seconds"  // sent to done
	LoadLag       = "loadgen_send_lag_seconds"          // due to sent
	LoadInFlight  = "loadgen_requests_in_flight"
	LoadReceived  = "loadgen_received_bytes_total"     // of bodies
	LoadSent      = "loadgen_sent_bytes_total"         // likewise
	LoadConnect   = "loadgen_connect_duration_seconds" // of requests that had to make a connection
	LoadTLS       = "loadgen_tls_duration_seconds"     // of those that shook hands

	LoadCPU      = "loadgen_cpu_seconds_total"      // of the servers whose processes the run owns, and of the host: see LabelServer
	LoadDistance = "loadgen_distance_seconds"       // by quantile of the app's pings to a server
	LoadRTT      = "loadgen_distance_asked_seconds" // that was asked for

	LoadPhase      = "loadgen_phase_info"               // 1 while the phase runs, and until a scrape has seen it
	LoadPhaseStart = "loadgen_phase_start_time_seconds" // Unix time; there as long as LoadPhase
	LoadFault      = "loadgen_fault_info"               // 1 while the fault lasts, and until a scrape has seen it
	LoadActions    = "loadgen_actions_total"            // done before a phase or during it: flush, expire, change of a price
	LoadLinks      = "loadgen_links_info"               // where a browser finds what dashboards link to
	LoadMode       = "loadgen_mode_info"                // the mode's place in the scenario, from 1; LabelAppMode is what the app counts it as
)

// Metrics of the load generator that are the report's own figures, over the cells of a run that have ended. Times are in seconds.
const (
	LoadFigure        = "loadgen_figure"                 // of a mode in a phase
	LoadFigureAtLeast = "loadgen_figure_at_least"        // 1 if the figure is no more than a lower bound: of too few requests, or at the greatest time that is recorded
	LoadFigureRatio   = "loadgen_figure_ratio"           // to the baseline in the same phase, with its interval: see LabelBound
	LoadPhaseResponse = "loadgen_phase_response_seconds" // of what was due in a second since the phase began, by quantile
	LoadRecomputes    = "loadgen_phase_recomputes"       // that began in such a second, a round
	LoadWaited        = "loadgen_phase_waited"           // requests that were due in such a second and waited for a recompute of another, a round
	LoadGate          = "loadgen_gate"                   // 1 for the verdict of a gate, once it is judged
	LoadVerdict       = "loadgen_verdict_info"           // 1 for the verdict of the run, once it is judged
)

// Metrics of the load generator that are of an A/B test. Each has the label LabelRunID.
const (
	ABInfo     = "loadgen_ab_info"             // 1, with what the arms a and b are
	ABQuantile = "loadgen_ab_quantile_seconds" // of an arm in an epoch that counts
	ABRatio    = "loadgen_ab_ratio"            // of B to A in such an epoch
	ABInterval = "loadgen_ab_interval"         // of that ratio over all epochs: see LabelBound
	ABVerdict  = "loadgen_ab_verdict_info"     // 1 for the verdict of the test, once it has ended
)

// Values of LabelBound.
const (
	BoundPoint = "point"
	BoundLow   = "low"
	BoundHigh  = "high"
)

// Values of LabelServer.
const (
	ServerApp      = "app" // all replicas together
	ServerDatabase = "database"
	ServerRedis    = "redis"
	ServerHost     = "host" // everything on the generator's machine
)

// Values of LabelCause: what a page was recomputed for.
const (
	CauseCold    = "cold"    // it was never cached, or flushed
	CauseExpired = "expired" // it was past its TTL, about to be, or dropped for a change
	CauseUnknown = "unknown" // the cache did not answer
)

// Metrics of the Go runtime, of both programs.
const (
	GCPause          = "lab_gc_pause_seconds"
	SchedulerLatency = "lab_scheduler_latency_seconds"
)

// Labels of the metrics.
const (
	LabelRoute      = "http_route"
	LabelMethod     = "http_request_method"
	LabelStatus     = "http_response_status_code"
	LabelMode       = "mode"
	LabelDBSystem   = "db_system_name"
	LabelDBOp       = "db_operation_name"
	LabelCollection = "db_collection_name"
	LabelPool       = "db_client_connection_pool_name"
	LabelResult     = "result" // names of api.CacheResult
	LabelEvent      = "event"  // an api.Counter
	LabelRunID      = "run_id"
	LabelScenario   = "scenario"
	LabelGitSHA     = "git_sha"
	LabelPhase      = "phase"
	LabelReplica    = "replica" // of the app, from 1; empty where there is but one
	LabelRound      = "round"
	LabelKind       = "kind"
	LabelDependency = "dependency" // api.DependencyRedis, api.DependencyDatabase
	LabelState      = "state"      // open, closed
	LabelCause      = "cause"      // CauseCold, ...
	LabelStack      = "stack"      // embedded, local, remote, compose
	LabelBaseline   = "baseline"   // the scenario's first mode, which the others are compared with
	LabelFigure     = "figure"     // a name of figure.Table: p99, sql, ...
	LabelBound      = "bound"      // BoundPoint, BoundLow, BoundHigh
	LabelSecond     = "second"     // since the phase began, as three digits: 000
	LabelQuantile   = "quantile"   // 0.5, 0.95, 0.99
	LabelGate       = "gate"       // its expression
	LabelVerdict    = "verdict"
	LabelFault      = "fault"    // as the scenario has it
	LabelAction     = "action"   // likewise
	LabelArm        = "arm"      // A, B
	LabelArmA       = "a"        // what the arm is
	LabelArmB       = "b"        // likewise
	LabelEpoch      = "epoch"    // its number, as two digits: 01
	LabelServer     = "server"   // ServerApp, ...
	LabelJaeger     = "jaeger"   // its URL, as a browser finds it
	LabelAppMode    = "app_mode" // the mode by which the app counts a scenario's mode
)

// Span and log attributes that no semantic convention names yet.
const (
	AttrMode           = "lab.mode"
	AttrCacheStrategy  = "lab.cache.strategy"
	AttrCacheKey       = "lab.cache.key"
	AttrCacheResult    = "lab.cache.result" // likewise
	AttrCacheAge       = "lab.cache.age_ms"
	AttrCacheStored    = "lab.cache.stored"
	AttrCacheCollapsed = "lab.cache.collapsed"
	AttrCacheDetail    = "lab.cache.detail"
	AttrCacheWaiters   = "lab.cache.waiters" // requests of its process that waited for a recompute when it ended
	AttrCacheReason    = "lab.cache.reason"  // of an event: why, for what, or for whom
	AttrCacheFor       = "lab.cache.for_ms"  // of an event: how long it lasted, or lasts
	AttrPoolWait       = "lab.pool.wait_ms"
	AttrSQLQueries     = "lab.sql.queries"
	AttrSQLRepeated    = "lab.sql.repeated" // "SELECT agents x 20, SELECT offices x 20: 40 of 62 queries"
	AttrPhase          = "lab.phase"
	AttrRound          = "lab.round"
	AttrLag            = "lab.lag_ms" // due to sent
	LogTraceID         = "trace_id"
	LogSpanID          = "span_id"
)

// Spans of the cache, whose children are the round trips to Redis and, of a recompute, its queries.
const (
	SpanCacheGet       = "cache get"       // one request
	SpanCacheRefresh   = "cache refresh"   // in the background, a trace of its own that is linked to the request that caused it
	SpanCacheRecompute = "cache recompute" // below either
)

// SpanPoolWait is the wait for a connection of the database's pool, where it takes long enough to be seen.
const SpanPoolWait = "pool wait"

// Events on a span of the cache, in the order in which a recompute may have them.
const (
	EventLockTaken       = "lock taken"         // for the lock's TTL
	EventLockBusy        = "lock busy"          // the first time that a request finds somebody else's lock or lease
	EventLeaseTaken      = "lease taken"        // for the lock's TTL
	EventLeaseExtended   = "lease extended"     // likewise, once more
	EventLockLost        = "lock lost"          // the lock, or the lease, ended before its holder gave it back, or was revoked
	EventWaited          = "waited"             // for a recompute of another request: the reason
	EventLeaderUnsampled = "leader not sampled" // the request whose page this one has is in no trace that could be linked to
	EventFillStored      = "fill stored"        // for the page's TTL
	EventFillRejected    = "fill rejected"      // by Redis, which compares it
	EventFillFailed      = "fill failed"        // Redis did not store it, for another reason
	EventPageDropped     = "page dropped"       // although its TTL was not over
	EventServedStale     = "served stale"       // for how long its TTL was over
	EventRedisSkipped    = "Redis skipped"      // the breaker is open
	EventBudgetSpent     = "Redis budget spent" // no call to Redis is made any more
)

// Span attributes of the OpenTelemetry semantic conventions, v1.43.
const (
	AttrDBSystem     = "db.system.name"
	AttrDBOperation  = "db.operation.name"
	AttrDBCollection = "db.collection.name"
	AttrDBQueryText  = "db.query.text"
	AttrDBSummary    = "db.query.summary"
	AttrDBNamespace  = "db.namespace"
	AttrHTTPMethod   = "http.request.method"
	AttrHTTPRoute    = "http.route"
	AttrHTTPStatus   = "http.response.status_code"
	AttrURLPath      = "url.path"

	AttrServerAddress = "server.address"
	AttrErrorType     = "error.type" // of a request that failed: its kind, as the ledger names it
)

// HTTPBuckets are the bucket bounds of HTTP durations, in seconds.
func HTTPBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
}

// DBBuckets are the bucket bounds of database and Redis durations, in seconds.
func DBBuckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10}
}

// QueryBuckets are the bucket bounds of queries per request.
func QueryBuckets() []float64 { return []float64{0, 1, 2, 5, 10, 20, 40, 62, 100, 200} }

// ConcurrencyBuckets are the bucket bounds of concurrent recomputes.
func ConcurrencyBuckets() []float64 {
	return []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
}

// LoadBuckets are the bucket bounds of the generator's durations, in seconds: those of HTTP, and finer ones for send lag.
func LoadBuckets() []float64 {
	return append([]float64{.00005, .0001, .00025}, HTTPBuckets()...)
}

// PauseBuckets are the bucket bounds of pauses of the Go runtime, in seconds: three to a decade, where what a request feels is.
func PauseBuckets() []float64 {
	return []float64{.00001, .00002, .00005, .0001, .0002, .0005, .001, .002, .003, .005, .0075, .01, .02, .05, .1, .5}
}

// PeakWindow is how far back the greatest numbers of the app look: longer than any scrape interval of the lab, so that none falls between two
// scrapes, whoever else scrapes.
const PeakWindow = 3 * time.Second

// Native histograms: the growth factor between buckets and how many there may be.
const (
	NativeBucketFactor = 1.1
	NativeMaxBuckets   = 160
)
