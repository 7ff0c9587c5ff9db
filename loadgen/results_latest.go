package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// resultsFolder is where runs are kept if no other folder is named.
const resultsFolder = "runs"

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// resultOf returns the path of the results that args name: a run.json or an ab.json, or a folder of one or of many, of which it is the latest. Without args it is the
// latest in runs.
func resultOf(args []string) (string, error) {
	path := resultsFolder
	if len(args) > 0 {
		path = args[0]
	}
	if len(args) > 0 && !isFolder(path) {
		return path, nil // a file, or none, which its reader reports
	}
	latest, when := "", time.Time{}
	for _, pattern := range []string{"run.json", "ab.json", "*/run.json", "*/ab.json"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return "", err
		}
		for _, p := range found {
			if info, err := os.Stat(p); err == nil && (latest == "" || info.ModTime().After(when)) {
				latest, when = p, info.ModTime()
			}
		}
	}
	if latest == "" {
		return "", fmt.Errorf("there are no results in %s: give the path of a run.json", path)
	}
	return latest, nil
}
