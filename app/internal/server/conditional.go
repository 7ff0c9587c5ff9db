package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

// condition returns what a request's If-None-Match says of a tag, or nil if it has none.
func condition(c *gin.Context) func(tag uint64) bool {
	values := c.Request.Header[api.HeaderIfNoneMatch]
	if len(values) == 0 {
		return nil
	}
	return func(tag uint64) bool { return api.Matches(values, tag) }
}

// validators sets what a cache between the app and its user needs of a page, the same on a 304 as on a 200 (RFC 9110, section 15.4.5): which page it is, how
// long it may be used, and how old it is. Nothing is negotiated, so that there is no Vary; Date is net/http's.
//
// The time that a page may be used for is of the page, and its Age counts from when the app stored it: without the Age, who got the page in its last second would
// use it for a whole TTL more. Age is rounded up here, and max-age down, so that both together never are more than the TTL.
func (s *Server) validators(c *gin.Context, rq *request, page pagecache.Page, out pagecache.Outcome) {
	rq.age = (out.Age + time.Second - 1).Truncate(time.Second)
	control := api.CacheControl{MaxAge: out.TTL + out.Age, Grace: s.Cache.Config().Grace}
	h := c.Writer.Header()
	rq.header(h, api.HeaderCacheControl, control.String())
	if page.Tag != 0 {
		rq.header(h, api.HeaderETag, api.FormatETag(page.Tag))
	}
}

// notModified answers that the page which the caller has is current.
func (s *Server) notModified(c *gin.Context, rq *request) {
	rq.finish(s, c, http.StatusNotModified)
	c.Status(http.StatusNotModified)
	c.Writer.WriteHeaderNow()
}
