//go:build !cgosqlite && (darwin || linux)

package housing

import (
	"sync"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
)

// holdSQLiteMemory keeps some pages of the C heap that SQLite has in this process. That heap gives a page of 64 KiB back to the system as soon as nothing is
// allocated in it, and a query that comes alone fills and empties several of them: mapping and unmapping was a third of its CPU time.
var holdSQLiteMemory = sync.OnceFunc(func() { //nolint:gochecknoglobals // that heap is the whole process's
	const (
		page    = 64 << 10
		largest = 16 << 10 // what is larger has a mapping of its own
		pages   = 4        // of each size, for as many queries at once
	)
	tls := libc.NewTLS()
	defer tls.Close()
	for size := 16; size <= largest; size *= 2 {
		slots := page/size - 1 // the head of a page takes the place of one
		all := make([]uintptr, pages*slots)
		for i := range all {
			all[i] = libc.Xmalloc(tls, types.Size_t(size))
		}
		for i, p := range all {
			if i%slots != 0 { // one a page is never freed
				libc.Xfree(tls, p)
			}
		}
	}
})
