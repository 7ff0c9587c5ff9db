package server

// ParseChange reads the body of PUT /lab/config.
var ParseChange = parseChange

// ParseMemory reads the body of PUT /lab/redis/memory.
var ParseMemory = parseMemory
