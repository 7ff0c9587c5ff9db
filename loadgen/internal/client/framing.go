package client

import "strings"

// What a response can be broken by, in the words of both transports.
const (
	noStatusLine = "no status line of HTTP/1.x"
	speaksTLS    = "the server speaks TLS: its URL is https"
	unasked      = "a status that no request asked for"
	noName       = "a header has no name"
	nul          = "a header has a NUL in it"
	longLine     = "a line is too long"
	longHead     = "the head is too long"
	noLength     = "Content-Length is not one number"
	otherCoding  = "a transfer coding other than chunked"
	noChunkSize  = "no chunk size"
	hugeChunk    = "a chunk size is too large"
	longChunk    = "a chunk is longer than its size"
	badLocation  = "a redirect to what is no URL"
	otherScheme  = "a redirect to another scheme than http and https"
)

// framing returns the word for an error of net/http about a response, empty if there is none: it exports no types of these errors.
func framing(err error) string {
	for _, known := range [...]struct{ text, word string }{
		{`malformed HTTP response "\x15\x03`, speaksTLS},
		{"malformed HTTP", noStatusLine},
		{`\x00`, nul},
		{"malformed MIME header", noName},
		{"Content-Length", noLength},
		{"unsupported transfer encoding", otherCoding},
		{"too many transfer encodings", otherCoding},
		{"response headers exceeded", longHead},
		{"message too large", longHead},
		{"long trailer", longHead},
		{"header line too long", longLine},
		{"chunk length too large", hugeChunk},
		{"chunk length", noChunkSize},
		{"malformed chunked encoding", longChunk},
		{"Location header", badLocation},
		{"unsupported protocol scheme", otherScheme},
	} {
		if strings.Contains(err.Error(), known.text) {
			return known.word
		}
	}
	return ""
}
