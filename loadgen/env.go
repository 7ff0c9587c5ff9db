package main

import (
	"fmt"
	"io"
	"strings"

	"loadlab/app/api"
	"loadlab/internal/spell"
)

// Variables that the commands read.
const (
	envGrafana = api.EnvPrefix + "GRAFANA_URL" // default of --grafana
	envJaeger  = api.EnvPrefix + "JAEGER_URL"  // default of --jaeger
	envImage   = api.EnvPrefix + "IMAGE"       // default of --image
)

// environment is what a command may use of the outside.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	vars           []string // NAME=value
}

// get returns the value of a variable, empty if it is not set.
func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

// lookup returns the value of a variable, and whether it is set.
func (e environment) lookup(name string) (string, bool) {
	for _, v := range e.vars {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// warnOfSlips names the variables that are probably slips of what the generator reads. What a run starts, with the run's environment, reads none.
func (e environment) warnOfSlips(args []string) {
	if len(args) > 0 && (args[0] == commandWorker || args[0] == commandLink) {
		return
	}
	others := []string{api.EnvPrefix + "GRAFANA_PORT", api.EnvPrefix + "JAEGER_PORT"} // Docker Compose's
	for _, text := range spell.Variables(e.vars, api.EnvPrefix, []string{envGrafana, envJaeger, envImage}, others) {
		fmt.Fprintln(e.stderr, "loadgen: warning:", text)
	}
}
