package api

// list walks a header such as `sql;desc="62";dur=38.2, redis;dur=1` without allocating. It goes on behind what it does not understand.
type list struct {
	b        []byte
	i        int
	name     []byte // of the member
	key, val []byte // of the parameter; val is nil if it has none
}

// member steps to the next member of the list.
func (s *list) member() bool {
	for s.i > 0 && s.param() { // what the caller left of the last one
	}
	for s.i < len(s.b) && (s.b[s.i] == ',' || blank(s.b[s.i])) {
		s.i++
	}
	if s.i >= len(s.b) {
		return false
	}
	s.name = s.item()
	return true
}

// param steps to the next parameter of the member.
func (s *list) param() bool {
	for s.i < len(s.b) && s.b[s.i] != ';' {
		if s.b[s.i] == ',' {
			return false
		}
		s.item()
		if s.i < len(s.b) && s.b[s.i] == '=' {
			s.i++
		}
	}
	if s.i >= len(s.b) {
		return false
	}
	s.i++
	s.key, s.val = s.item(), nil
	if s.i < len(s.b) && s.b[s.i] == '=' {
		s.i++
		s.val = s.item()
	}
	return true
}

// yes is the value of a boolean parameter: true if it is only named (RFC 8941).
func (s *list) yes() bool { return s.val == nil || string(s.val) == "?1" }

// item reads a token, or a quoted string without its quotes, up to the next of `;,=`. Escapes stay as they are.
func (s *list) item() []byte {
	for s.i < len(s.b) && blank(s.b[s.i]) {
		s.i++
	}
	start := s.i
	if start < len(s.b) && s.b[start] == '"' {
		for s.i++; s.i < len(s.b) && s.b[s.i] != '"'; s.i++ {
			if s.b[s.i] == '\\' {
				s.i++
			}
		}
		s.i = min(s.i, len(s.b))
		quoted := s.b[start+1 : s.i]
		s.bare()
		return quoted
	}
	s.bare()
	return Trim(s.b[start:s.i])
}

func (s *list) bare() {
	for s.i < len(s.b) && s.b[s.i] != ';' && s.b[s.i] != ',' && s.b[s.i] != '=' {
		s.i++
	}
}
