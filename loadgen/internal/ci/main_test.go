package ci_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// stateVar names the folder in which the programs keep what they were called with, and find what they are to do.
const stateVar = "CI_TEST_STATE"

// programs are those that this binary stands for, by the name that it is called by.
func programs() map[string]func(state string, args []string) error {
	none := func(string, []string) error { return nil }
	return map[string]func(state string, args []string) error{
		"loadgen": loadgen, "git": git, "go": goBuild, "gh": gh, "jq": jq, "curl": curl, "make": none, "sudo": none, "apt-get": none,
	}
}

// exit is an error that is an exit code.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	run, ok := programs()[name]
	if !ok {
		os.Exit(m.Run())
	}
	state := os.Getenv(stateVar)
	err := record(state, append([]string{name}, os.Args[1:]...))
	if err == nil {
		err = run(state, os.Args[1:])
	}
	if code, ok := err.(exit); ok { //nolint:errorlint // it is never wrapped
		os.Exit(int(code))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(97)
	}
}

// record appends a call, as a line of JSON.
func record(state string, call []string) error {
	f, err := os.OpenFile(filepath.Join(state, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewEncoder(f).Encode(call)
}

// calls returns how a program was called, in order.
func calls(t *testing.T, state, name string) (all [][]string) {
	t.Helper()
	f, err := os.Open(filepath.Join(state, "calls"))
	if err != nil {
		return nil // nothing was
	}
	defer f.Close()
	for dec := json.NewDecoder(f); dec.More(); {
		var call []string
		if err := dec.Decode(&call); err != nil {
			t.Fatal(err)
		}
		if call[0] == name {
			all = append(all, slices.Clone(call[1:]))
		}
	}
	return all
}

// set leaves a text for the programs.
func set(t *testing.T, state, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(state, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
