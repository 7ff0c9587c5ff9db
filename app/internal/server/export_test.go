package server

// ParseChange reads the body of PUT /lab/config.
var ParseChange = parseChange
