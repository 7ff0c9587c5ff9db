// Package composetest has the test that runs docker-compose.yml: make test-compose. It has tests alone, on Linux, as root.
//
// A Docker engine of the test's own builds the app's and the generator's images from their Dockerfiles, and runs every service as the compose file has it. No
// image is pulled: what the compose file names is made from what the machine has, under the same names. PostgreSQL, Redis and Prometheus are real, of the
// machine's versions; Jaeger and Grafana are the program standin, which answers health checks and counts spans. What the images that are pulled elsewhere do
// otherwise than these is not tested.
//
// A test of its own builds the images as make images does, and runs them held as deploy/ has them.
//
// The engine keeps its images and what was built in .cache/engine. Nothing else is left behind, and no other engine is touched.
package composetest
