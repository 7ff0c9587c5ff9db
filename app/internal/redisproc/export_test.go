package redisproc

// Run moves the clock of a miniredis.
var Run = run
