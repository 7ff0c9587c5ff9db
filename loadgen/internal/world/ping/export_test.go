package ping

// ParseRedis returns the address of a URL and the command that logs in there.
func ParseRedis(text string) (address string, auth []string, err error) {
	at, err := parseRedis(text)
	return at.network + " " + at.address, at.auth, err
}
