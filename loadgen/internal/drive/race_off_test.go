//go:build !race

package drive_test

const raceEnabled = false
