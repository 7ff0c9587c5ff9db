package scenario_test

import (
	"fmt"

	"loadlab/loadgen/internal/scenario"
)

func ExampleParse() {
	s, err := scenario.Parse("scenarios/example.yaml", []byte(`
why: one phase of each shape
modes:
  page: GET /api/properties/cached/
phases:
  - {name: constant, rate: 200/s, arrivals: constant, for: 6s}
  - {name: poisson,  rate: 200/s, for: 6s}
  - {name: ramp,     rate: 50/s..500/s, for: 10s}
  - {name: spike,    steps: [{rate: 50/s, for: 2s}, {rate: 1000/s, for: 1s}, {rate: 50/s, for: 2s}]}
  - {name: users,    users: 50, think: 1s..2s, for: 10s}
  - {name: work,     users: 8, requests: 1000}
  - {name: few,      requests: 20}
  - {name: burst,    burst: 50, before: [flush]}
`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range s.Phases {
		fmt.Printf("%-9s %-7s %s\n", p.Name, p.Kind, p.Describe())
	}
	// Output:
	// constant  open    200/s constant for 6s
	// poisson   open    200/s poisson for 6s
	// ramp      open    50/s to 500/s poisson for 10s
	// spike     open    50/s poisson for 2s, 1000/s poisson for 1s, 50/s poisson for 2s
	// users     closed  50 users, think 1s to 2s, for 10s
	// work      closed  8 users, 1000 requests
	// few       closed  20 requests
	// burst     burst   burst of 50
}

func ExampleErrors() {
	_, err := scenario.Parse("scenarios/example.yaml", []byte(`
why: four slips of the pen
modes:
  page: GET /api/properties/cached/
phases:
  - {name: warm, rat: 200/s, for: 6}
gates:
  - p99("page", "warm") <= 10*ms
rounds: none
`), nil)
	fmt.Println(err)
	// Output:
	// scenarios/example.yaml:6:18: unknown key "rat", did you mean "rate"? (allowed: name, warmup, rate, steps, arrivals, users, think, requests, burst, for, mix, before, during, faults, app, world, connections, timeout, trace, abort_when)
	// scenarios/example.yaml:6:35: for needs a unit: 6s or 6ms
	// scenarios/example.yaml:9:9: rounds wants a whole number, got "none"
}
