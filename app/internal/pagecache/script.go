package pagecache

import (
	"fmt"

	"github.com/redis/go-redis/v9"
)

// scripts are what runs inside Redis, where nothing comes between a comparison and what follows from it. None of them returns a page: a
// page that passes through Lua is copied twice, and costs four times as much as one that does not (BenchmarkRead).
type scripts struct {
	unlock     *redis.Script // of the page's lock, and of a lease
	acquire    *redis.Script // of a lease, as the others
	extend     *redis.Script
	fill       *redis.Script
	invalidate *redis.Script
	change     *redis.Script
	store      *redis.Script
}

func newScripts() scripts {
	return scripts{
		unlock:     redis.NewScript(compareAndDelete),
		acquire:    redis.NewScript(acquireScript()),
		extend:     redis.NewScript(extendLease),
		fill:       redis.NewScript(fillScript()),
		invalidate: redis.NewScript(invalidateScript()),
		change:     redis.NewScript(changeScript()),
		store:      redis.NewScript(storeScript()),
	}
}

func acquireScript() string    { return luaEntry() + fmt.Sprintf(acquireLease, graceAt) }
func fillScript() string       { return luaEntry() + fillLease }
func invalidateScript() string { return luaEntry() + leaveTombstone }
func changeScript() string     { return luaEntry() + dropChanged }
func storeScript() string      { return luaEntry() + fmt.Sprintf(storeObjects, versionAt) }

// compareAndDelete gives a lock or a lease back. It deletes the key only while it holds the caller's token: a recompute that took longer
// than the lock's TTL has lost the lock, and the key may by now be somebody else's.
//
//	KEYS lock  ARGV token
const compareAndDelete = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`

// extendLease lets a lease live for its whole TTL once more, if the caller still holds it.
//
//	KEYS lock  ARGV token, TTL in ms
const extendLease = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0`

// luaEntry returns functions in Lua that read entries as entry.go does. A number of Lua holds integers of 53 bits: enough for times, but not
// for versions, which are compared byte by byte. (Lua's own comparison of strings depends on the server's locale.)
func luaEntry() string {
	return fmt.Sprintf(`
local function header(key)
	local h = redis.call("GETRANGE", key, 0, %d)
	if #h == %d and h:sub(1, %d) == "%s" then return h end
end
local function number(h, at)
	local n = 0
	for i = at + 1, at + 8 do n = n * 256 + h:byte(i) end
	return n
end
local function ispage(h)
	local generation, ttl, grace, took = number(h, %d), number(h, %d), number(h, %d), number(h, %d)
	return h:byte(%d + 1) == 0 and generation > 0 and ttl > 0 and ttl < 2^63 and grace < 2^63 and took < 2^63
end
local function less(a, i, b, j)
	for n = 1, 8 do
		local x, y = a:byte(i + n), b:byte(j + n)
		if x ~= y then
			if n == 1 then x, y = (x + 128) %% 256, (y + 128) %% 256 end -- the sign
			return x < y
		end
	end
	return false
end
local function older(a, b) return less(a, %d, b, %[10]d) end
`, headerSize-1, headerSize, len(magic), magic, generationAt, ttlAt, graceAt, tookAt, flagsAt, versionAt)
}

// Verdicts of acquireLease.
const (
	leaseHit   = "HIT"   // the page is there, and fresh
	leaseTaken = "LEASE" // the caller holds the lease
	leaseStale = "STALE" // the page is in its time of grace, and somebody holds the lease
	leaseWait  = "WAIT"  // there is no page, and somebody holds the lease
)

// acquireLease gives the caller the lease of a page that is not fresh, unless somebody holds it. An entry without an expiry, or one that
// is no page, counts as missing, as it does for those who read it.
//
//	KEYS page, lock  ARGV token, TTL in ms
const acquireLease = `
local left = redis.call("PTTL", KEYS[1])
local h = left >= 0 and header(KEYS[1])
local page = h and ispage(h)
if page and left * 1e6 > number(h, %d) then return "HIT" end
if redis.call("SET", KEYS[2], ARGV[1], "NX", "PX", ARGV[2]) then return "LEASE" end
if page then return "STALE" end
return "WAIT"
`

// Verdicts of fillLease and storeObjects: the page or object was stored, or why it was not.
const (
	fillStored   = "STORED"
	fillRevoked  = "REVOKED"  // the lease is gone, and an invalidation has left a tombstone that the page is older than
	fillTaken    = "TAKEN"    // the lease is another request's by now
	fillGone     = "GONE"     // nobody has the lease
	fillChanged  = "CHANGED"  // a row has changed since it was read
	fillOutdated = "OUTDATED" // the page is older than the last invalidation
	fillOlder    = "OLDER"    // a later version is stored
	fillEpoch    = "EPOCH"    // the epoch is over that it was read in
)

// rejection returns what a verdict means, for people.
func rejection(verdict string) string {
	switch verdict {
	case fillRevoked:
		return "an invalidation has revoked the lease"
	case fillTaken:
		return "the lease is another request's by now"
	case fillGone:
		return "the lease had run out or was revoked"
	case fillChanged:
		return "a row has changed since it was read"
	case fillOutdated:
		return "it is older than the last invalidation"
	case fillOlder:
		return "a later version is stored"
	case fillEpoch:
		return "the epoch is over that it was read in"
	}
	return verdict
}

// fillLease stores a page and gives the lease back, if the caller still holds it, and if the page is not older than what is stored and not
// older than what the last invalidation accepts. It returns a verdict.
//
// A page that is dropped when one of its rows changes is also compared with the changes, and its name is kept with each row.
//
//	KEYS page, lock, tombstone [, changes]
//	ARGV token, entry, its expiry in ms [, name, and for each row its id and version]
const fillLease = `
local least = header(KEYS[3])
local function lost()
	if least and older(ARGV[2], least) then return "REVOKED" end
	if redis.call("EXISTS", KEYS[2]) == 1 then return "TAKEN" end
	return "GONE"
end
if redis.call("GET", KEYS[2]) ~= ARGV[1] then return lost() end
redis.call("DEL", KEYS[2])
for i = 5, #ARGV, 2 do
	local change = redis.call("HGET", KEYS[4], ARGV[i])
	if change and less(ARGV[i + 1], 0, change, 0) then return "CHANGED" end
end
if least and older(ARGV[2], least) then return "OUTDATED" end
local stored = redis.call("PTTL", KEYS[1]) >= 0 and header(KEYS[1])
if stored and ispage(stored) and older(ARGV[2], stored) then return "OLDER" end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
for i = 5, #ARGV, 2 do
	local field = "pages of " .. ARGV[i]
	local names = redis.call("HGET", KEYS[4], field) or "\n"
	if not names:find("\n" .. ARGV[4] .. "\n", 1, true) then redis.call("HSET", KEYS[4], field, names .. ARGV[4] .. "\n") end
end
return "STORED"
`

// leaveTombstone drops a page, revokes the lease of who recomputes it, and leaves a tombstone. Of two tombstones the one with the greater
// version counts: invalidations may come in another order than the commits they are of.
//
//	KEYS page, lock, tombstone  ARGV tombstone, its expiry in ms
const leaveTombstone = `
redis.call("DEL", KEYS[1], KEYS[2])
local last = header(KEYS[3])
if last and older(ARGV[1], last) then
	return redis.call("PEXPIRE", KEYS[3], ARGV[2])
end
return redis.call("SET", KEYS[3], ARGV[1], "PX", ARGV[2])
`

// dropChanged notes the changes of rows, and drops what holds them: their objects, and the pages whose names it returns. Of two changes of a row the
// one with the greater version counts.
//
//	KEYS changes  ARGV an epoch if there is none, prefix of pages, most fields, and for each row its id and version
const dropChanged = `
if redis.call("HLEN", KEYS[1]) > tonumber(ARGV[3]) then redis.call("DEL", KEYS[1]) end
redis.call("HSETNX", KEYS[1], "epoch", ARGV[1])
local dropped = {}
for i = 4, #ARGV, 2 do
	local id, version = ARGV[i], ARGV[i + 1]
	local last = redis.call("HGET", KEYS[1], id)
	if not last or less(last, 0, version, 0) then redis.call("HSET", KEYS[1], id, version) end
	redis.call("DEL", ARGV[2] .. "objects:#" .. id)
	for name in (redis.call("HGET", KEYS[1], "pages of " .. id) or ""):gmatch("[^\n]+") do
		redis.call("DEL", ARGV[2] .. name)
		dropped[#dropped + 1] = name
	end
	redis.call("HDEL", KEYS[1], "pages of " .. id)
end
return dropped
`

// storeObjects stores what was read in the epoch, each unless its row has changed since, or a later version of it is stored. It returns how many it
// has stored, and the verdict on the last that it has not, if there is one.
//
//	KEYS changes, each object  ARGV epoch, and for each object the id of its row, the entry, its expiry in ms
const storeObjects = `
if redis.call("HGET", KEYS[1], "epoch") ~= ARGV[1] then return {0, "EPOCH"} end
local n, verdict = 0, "STORED"
for i = 2, #KEYS do
	local id, entry, life = ARGV[3 * i - 4], ARGV[3 * i - 3], ARGV[3 * i - 2]
	local change = redis.call("HGET", KEYS[1], id)
	local stored = redis.call("PTTL", KEYS[i]) >= 0 and header(KEYS[i])
	if not (change and less(entry, %[1]d, change, 0)) and not (stored and ispage(stored) and older(entry, stored)) then
		redis.call("SET", KEYS[i], entry, "PX", life)
		n = n + 1
	elseif change and less(entry, %[1]d, change, 0) then
		verdict = "CHANGED"
	else
		verdict = "OLDER"
	end
end
return {n, verdict}
`
