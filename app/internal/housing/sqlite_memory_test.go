//go:build !cgosqlite && linux

package housing_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"

	"loadlab/app/internal/housing"
)

// What SQLite allocates for a query alone and frees at its end stays mapped.
func TestMemoryOfSQLiteIsHeld(t *testing.T) {
	seeded(t, sqliteURL(t), 10, housing.Options{})
	tls := libc.NewTLS()
	defer tls.Close()
	for size := 16; size <= 16<<10; size *= 2 {
		// As much as one page of the heap has, so that it would be left empty.
		all := make([]uintptr, (64<<10)/size-1)
		for i := range all {
			all[i] = libc.Xmalloc(tls, types.Size_t(size))
		}
		for _, p := range all {
			libc.Xfree(tls, p)
		}
		if last := all[len(all)-1]; !mapped(t, last) {
			t.Errorf("allocations of %d bytes were given back to the system", size)
		}
	}
}

// mapped reports whether an address is in a mapping of this process.
func mapped(t *testing.T, address uintptr) bool {
	t.Helper()
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var from, to uintptr
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		if from <= address && address < to {
			return true
		}
	}
	return false
}
