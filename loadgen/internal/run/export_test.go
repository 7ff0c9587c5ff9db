package run

// For tests of the verdict on the generator.
var GeneratorLimits = generatorLimits //nolint:gochecknoglobals // an alias for tests
