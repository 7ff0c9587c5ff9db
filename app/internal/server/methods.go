package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
)

// otherMethod stands for every method that is not HTTP's: a label of metrics has few values, whatever clients send.
const otherMethod = "_OTHER"

// methodOf returns the method of a request for metrics and spans.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return otherMethod
}

// allowed returns the methods of what is at a path of the API; none if there is nothing, whatever the method. The router cannot say so: to it, "cached" may be the
// id of a property, and any text a strategy.
func (s *Server) allowed(path string) []string {
	read := []string{http.MethodGet, http.MethodHead}
	if path == api.PathHealthz || path == api.PathReadyz {
		return read
	}
	segments := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, api.PathProperties), "/"), "/")
	one, two := len(segments) == 1, len(segments) == 2
	switch {
	case !strings.HasPrefix(path, api.PathProperties):
		return nil
	case one && segments[0] == "cached",
		two && segments[0] == "live" && slices.Contains(s.Info.Loaders, segments[1]),
		segments[0] == "cached" && slices.Contains(s.Info.Strategies, segments[1]) && (two || len(segments) == 3 && isID(segments[2])):
		return read
	case one && isID(segments[0]):
		return append(read, http.MethodPatch)
	}
	return nil
}

// notAllowed answers a request whose method is not one of what is at its path: 405 with those that are, or 404 if nothing is there.
func (s *Server) notAllowed(c *gin.Context) {
	methods := s.allowed(c.Request.URL.Path)
	if len(methods) == 0 {
		c.Writer.Header().Del("Allow") // the router's
		s.problem(c, nil, http.StatusNotFound, "there is nothing at "+c.Request.URL.Path)
		return
	}
	c.Writer.Header()["Allow"] = []string{strings.Join(methods, ", ")}
	s.problem(c, nil, http.StatusMethodNotAllowed, c.Request.Method+" is not a method of "+c.Request.URL.Path, methods...)
}
