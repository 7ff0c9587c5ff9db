package promtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Config is a Prometheus configuration, as far as the lab's own uses it. Prometheus' package for it pulls its service discoveries in,
// which is why this one exists; it is as strict.
type Config struct {
	Global  Global   `yaml:"global"`
	Rules   []string `yaml:"rule_files,omitempty"`
	Storage Storage  `yaml:"storage"`
	Scrapes []Scrape `yaml:"scrape_configs"`
}

// Global holds for all scrapes.
type Global struct {
	ScrapeInterval     string `yaml:"scrape_interval"`
	ScrapeTimeout      string `yaml:"scrape_timeout"`
	EvaluationInterval string `yaml:"evaluation_interval"`
	Native             bool   `yaml:"scrape_native_histograms,omitempty"`
	AlwaysClassic      bool   `yaml:"always_scrape_classic_histograms,omitempty"`
}

// Storage is how much is kept.
type Storage struct {
	Exemplars Exemplars `yaml:"exemplars"`
}

// Exemplars is how many exemplars are kept.
type Exemplars struct {
	Max int `yaml:"max_exemplars"`
}

// Scrape is one job.
type Scrape struct {
	Job     string   `yaml:"job_name"`
	Targets []Target `yaml:"static_configs,omitempty"`
	DNS     []DNS    `yaml:"dns_sd_configs,omitempty"`
}

// DNS is a set of addresses that names stand for.
type DNS struct {
	Names           []string `yaml:"names"`
	Type            string   `yaml:"type"`
	Port            int      `yaml:"port"`
	RefreshInterval string   `yaml:"refresh_interval"`
}

// Target is a set of addresses, host:port.
type Target struct {
	Addresses []string `yaml:"targets"`
}

// ReadConfig reads a configuration. A key that it does not know is an error that names the line. Its files of rules are where it is, wherever it is written to.
func ReadConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the Prometheus configuration: %w", err)
	}
	var c Config
	if err := yaml.UnmarshalWithOptions(data, &c, yaml.Strict()); err != nil {
		return Config{}, fmt.Errorf("read %s: %w", path, err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("read the Prometheus configuration: %w", err)
	}
	for i, rules := range c.Rules {
		c.Rules[i] = filepath.Join(folder, rules)
	}
	return c, nil
}

// For is the configuration that a Prometheus of version v understands, with the targets of each job in the place of its own. Jobs that
// are not in targets are left out.
func (c Config) For(v Version, targets map[string][]string) (Config, error) {
	c.Global.Native = c.Global.Native && v.nativeByConfig()
	c.Global.AlwaysClassic = c.Global.AlwaysClassic && !v.before(3, 0)
	all := c.Scrapes
	c.Scrapes = nil
	for _, s := range all {
		addresses, ok := targets[s.Job]
		if !ok {
			continue
		}
		s.Targets, s.DNS = []Target{{Addresses: addresses}}, nil
		c.Scrapes = append(c.Scrapes, s)
	}
	if len(c.Scrapes) != len(targets) {
		return Config{}, fmt.Errorf("%d jobs were given targets, the configuration has %d of them", len(targets), len(c.Scrapes))
	}
	return c, nil
}

// YAML is the configuration as a file.
func (c Config) YAML() ([]byte, error) { return yaml.Marshal(c) }

// Version is that of a Prometheus.
type Version struct{ Major, Minor int }

// ParseVersion reads the first line of prometheus --version: "prometheus, version 2.42.0+ds (branch: ...)".
func ParseVersion(text string) (Version, error) {
	_, rest, _ := strings.Cut(text, "version ")
	fields := strings.SplitN(rest, ".", 3)
	if len(fields) == 3 {
		major, errMajor := strconv.Atoi(fields[0])
		minor, errMinor := strconv.Atoi(fields[1])
		if errMajor == nil && errMinor == nil {
			return Version{major, minor}, nil
		}
	}
	return Version{}, fmt.Errorf("no version in %q", text)
}

func (v Version) before(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}

// nativeByConfig is whether native histograms are enabled in the configuration, and not by a feature flag.
func (v Version) nativeByConfig() bool { return !v.before(3, 8) }

// KeepsBoth is whether it can keep a histogram as a native and as a classic one. An older one keeps what Options.Native selects.
func (v Version) KeepsBoth() bool { return !v.before(3, 0) }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
