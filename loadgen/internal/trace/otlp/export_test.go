package otlp

// Get returns the value of an attribute; empty if the span does not have it.
func (s *Span) Get(name string) string {
	for _, a := range s.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
