//go:build !unix

package limits

func files() uint64 { return 0 }

func raiseFiles() uint64 { return 0 }
