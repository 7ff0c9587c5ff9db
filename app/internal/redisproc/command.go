package redisproc

import "strconv"

// keysOf returns the keys that a command names. Of a command without keys it is the first argument, which is no key then.
func keysOf(cmd string, args []string) []string {
	switch cmd {
	case "MGET", "DEL", "UNLINK", "EXISTS", "TOUCH":
		return args
	case "MSET", "MSETNX":
		var keys []string
		for i := 0; i < len(args); i += 2 {
			keys = append(keys, args[i])
		}
		return keys
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO":
		if len(args) < 2 {
			return nil
		}
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 || n > len(args)-2 {
			return nil
		}
		return args[2 : 2+n]
	case "RENAME", "COPY":
		return args[:min(len(args), 2)]
	}
	return args[:min(len(args), 1)]
}

// reads reports whether a command changes no key. One that is not known here is taken for one that does: its keys are looked at.
func reads(cmd string) bool {
	switch cmd {
	case "GET", "MGET", "GETRANGE", "SUBSTR", "STRLEN", "TTL", "PTTL", "TYPE", "EXISTS", "EXPIRETIME", "PEXPIRETIME", "OBJECT", "TOUCH",
		"SCAN", "KEYS", "DBSIZE", "TIME", "PING", "ECHO", "HELLO", "AUTH", "CLIENT", "COMMAND", "SELECT", "MULTI", "EXEC", "DISCARD", "WATCH",
		"UNWATCH", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "PUBLISH", "EVAL_RO", "EVALSHA_RO", "SCRIPT":
		return true
	}
	return false
}

// touches reports whether a command counts as a use of its keys.
func touches(cmd string) bool {
	switch cmd {
	case "TTL", "PTTL", "TYPE", "EXISTS", "EXPIRETIME", "PEXPIRETIME", "OBJECT":
		return false
	}
	return true
}

// needsMemory reports whether a real Redis refuses the command while its memory is above maxmemory and nothing may be evicted.
func needsMemory(cmd string) bool {
	switch cmd {
	case "SET", "SETEX", "PSETEX", "SETNX", "GETSET", "SETRANGE", "APPEND", "MSET", "MSETNX", "INCR", "INCRBY", "INCRBYFLOAT", "DECR", "DECRBY",
		"HSET", "HSETNX", "HMSET", "HINCRBY", "LPUSH", "RPUSH", "SADD", "ZADD", "XADD", "COPY":
		return true
	}
	return false
}
