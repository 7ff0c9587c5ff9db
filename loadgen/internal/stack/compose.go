package stack

import (
	"fmt"

	"loadlab/app/api"
)

// OnCompose returns the configuration with the addresses that replicas of the app, and the links, have in the network of docker-compose.yml.
func (c Config) OnCompose(replicas int) Config {
	c.Kind, c.LinksAddr, c.Targets, c.Labs = Compose, "links:8474", nil, nil
	for i := range replicas {
		host := "app"
		if i > 0 {
			host = fmt.Sprintf("loadlab-replica-%d", i) // a container of the service replica
		}
		c.Targets = append(c.Targets, "http://"+host+":8000")
		c.Labs = append(c.Labs, "http://"+host+":"+api.LabPort)
	}
	return c
}

// ComposeMetrics is where docker-compose.yml has Prometheus look for the generator's metrics, on a host that is called loadgen.
const ComposeMetrics = ":9464"

// ComposeGrafana is where docker-compose.yml has Grafana for a browser, unless its port was moved.
const ComposeGrafana = "http://localhost:3000"

// DefaultJaeger is where docker-compose.yml has Jaeger for a browser, unless its port was moved, and where a Jaeger of one's own has it.
const DefaultJaeger = "http://localhost:16686"
