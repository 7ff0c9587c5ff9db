package trace

import (
	"strings"

	"loadlab/otel/signal"
)

// own begins the names of the lab's own attributes, all of which are kept.
const own = "lab."

// Kept returns the name under which a span's attribute is kept, and whether it is. Services that follow older semantic conventions
// are understood too. It does not keep b.
func Kept(b []byte) (name string, ok bool) {
	switch string(b) {
	case signal.AttrDBSystem, "db.system":
		return signal.AttrDBSystem, true
	case signal.AttrDBOperation, "db.operation":
		return signal.AttrDBOperation, true
	case signal.AttrDBCollection, "db.sql.table", "db.mongodb.collection", "db.cassandra.table":
		return signal.AttrDBCollection, true
	case signal.AttrDBQueryText, "db.statement":
		return signal.AttrDBQueryText, true
	case signal.AttrDBNamespace, "db.name":
		return signal.AttrDBNamespace, true
	case signal.AttrDBSummary:
		return signal.AttrDBSummary, true
	case signal.AttrHTTPMethod, "http.method":
		return signal.AttrHTTPMethod, true
	case signal.AttrHTTPRoute:
		return signal.AttrHTTPRoute, true
	case signal.AttrHTTPStatus, "http.status_code":
		return signal.AttrHTTPStatus, true
	case signal.AttrURLPath, "http.target":
		return signal.AttrURLPath, true
	case signal.AttrErrorType:
		return signal.AttrErrorType, true
	case signal.AttrServerAddress, "net.peer.name":
		return signal.AttrServerAddress, true
	}
	if len(b) > len(own) && len(b) <= 64 && strings.HasPrefix(string(b), own) {
		return string(b), true
	}
	return "", false
}
