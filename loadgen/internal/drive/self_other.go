//go:build !unix

package drive

func readUsage() usage { return usage{} }
