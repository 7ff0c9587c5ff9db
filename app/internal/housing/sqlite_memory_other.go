//go:build cgosqlite || !(darwin || linux)

package housing

// holdSQLiteMemory does nothing: here SQLite's heap is the system's.
func holdSQLiteMemory() {}
