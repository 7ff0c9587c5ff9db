package cluster

// Key is key.
var Key = key
