package stack

// ParseReady is parseReady.
var ParseReady = parseReady
