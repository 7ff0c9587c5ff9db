//go:build cgosqlite || !(darwin || linux)

package housing

// holdSQLiteMemory does nothing where SQLite's heap is the system's, or where it was not measured what holding it is worth.
func holdSQLiteMemory() {}
