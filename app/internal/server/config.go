package server

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/pagecache"
)

// Strategies returns the table of caching strategies as the API has it.
func Strategies() []api.Strategy { return described(pagecache.Strategies()) }

func described(table []pagecache.Strategy) []api.Strategy {
	var out []api.Strategy
	for _, s := range table {
		out = append(out, api.Strategy{Name: s.Name, Summary: s.Summary, Cold: s.Cold, Expiry: s.Expiry, Hits: s.Hits, Stale: s.Stale})
	}
	return out
}

// knobs are the values in force, and what puts new ones in force.
type knobs struct {
	mu     sync.Mutex // guards config, and keeps changes apart
	config api.Config // of every knob; never modified, only replaced
}

func (k *knobs) get() api.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.config
}

// change replaces the values that are in change, if the store and the cache take them, and returns all of them.
func (k *knobs) change(change api.Config, store *housing.Store, cache *pagecache.Cache) (api.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	config := maps.Clone(k.config)
	maps.Copy(config, change)
	next := cache.Config().With(config)
	if err := next.Validate(); err != nil {
		return nil, err
	}
	if err := store.SetDistance(config.Duration("sqlite_rtt"), config.Duration("sqlite_jitter")); err != nil {
		return nil, err
	}
	if err := cache.SetConfig(next); err != nil {
		return nil, err
	}
	k.config = config
	return config, nil
}

func (s *Server) getConfig(c *gin.Context) { s.json(c, nil, s.knobs.get().RunTime()) }

// maxConfigBody is more than any configuration takes.
const maxConfigBody = 4096

// putConfig changes the knobs that the body names and answers with all that can be changed while the app runs.
func (s *Server) putConfig(c *gin.Context) {
	change, err := parseChange(http.MaxBytesReader(c.Writer, c.Request.Body, maxConfigBody))
	var config api.Config
	if err == nil {
		config, err = s.knobs.change(change, s.Store, s.Cache)
	}
	if err != nil {
		s.problem(c, nil, http.StatusBadRequest, err.Error(), changeable()...)
		return
	}
	s.json(c, nil, config.RunTime())
}

// changeable returns the names of the knobs that can be changed while the app runs.
func changeable() []string {
	var names []string
	for _, k := range api.Knobs() {
		if k.RunTime {
			names = append(names, k.Name)
		}
	}
	return names
}

// parseChange reads values of knobs that can be changed while the app runs. The error names the field that is wrong.
func parseChange(body io.Reader) (api.Config, error) {
	var change api.Config
	if err := decode(body, &change); err != nil {
		return nil, fmt.Errorf("the body must be a JSON object of knobs and their values, such as {\"ttl\": \"2s\"}: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(change)) {
		knob, ok := api.KnobNamed(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("there is no knob %q", name)
		case !knob.RunTime:
			return nil, fmt.Errorf("%s cannot be changed while the app runs: start the app with --%s", name, knob.Flag())
		}
		value, err := knob.Parse(name, change[name])
		if err != nil {
			return nil, err
		}
		change[name] = value
	}
	return change, nil
}
