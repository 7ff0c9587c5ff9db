package law

// Evaluate evaluates a law over variables that all have values.
func Evaluate(law string, vars map[string]float64) (float64, error) {
	known := map[string]variable{}
	for name, v := range vars {
		known[name] = variable{value: v, text: name}
	}
	f, err := evaluate(law, known)
	return f.value, err
}
