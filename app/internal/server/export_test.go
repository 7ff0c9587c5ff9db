package server

// ParseChange reads the body of PUT /lab/config.
var ParseChange = parseChange

// ParseMemory reads the body of PUT /lab/redis/memory.
var ParseMemory = parseMemory

// ParseFault, ParseLock and ParsePings read what is sent to the controls of the app's surroundings.
var (
	ParseFault = parseFault
	ParseLock  = parseLock
	ParsePings = parsePings
)
