package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/internal/localserver"
)

// A value that a knob cannot have is refused by every way of setting the knob, with the same words.
func TestKnobs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	app, loadgen := filepath.Join(programs, "app"), filepath.Join(programs, "loadgen")
	config := "http://" + serveApp(ctx, t, app, 1).Lab + api.PathLabConfig
	file := filepath.Join(t.TempDir(), "refused.yaml")
	for _, k := range api.Knobs() {
		for _, value := range impossible(k) {
			want := fmt.Sprintf(" must be from %s to %s, got %s", k.Least, k.Most, value)
			switch {
			case k.Kind == api.KindBoolean:
				want = fmt.Sprintf(" wants true or false, got %q", value)
			case k.Kind.Choices() != nil:
				want = fmt.Sprintf(" wants one of %s, got %q", strings.Join(k.Kind.Choices(), ", "), value)
			}
			byFlag, byEnv := exec.CommandContext(ctx, app, "--"+k.Flag()+"="+value), exec.CommandContext(ctx, app)
			byFlag.Env, byEnv.Env = environment(), append(environment(), k.Env()+"="+value)
			refused(t, "--"+k.Flag()+want, byFlag)
			refused(t, k.Env()+want, byEnv)

			if !k.Scenario {
				want = ` unknown key "` + k.Name + `"`
			}
			text := "why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}]\napp: {" + k.Name + ": " + value + "}\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, want, exec.CommandContext(ctx, loadgen, "validate", file))

			if !k.RunTime {
				continue
			}
			if status, answer := put(ctx, t, config, k, value); status != http.StatusBadRequest || !strings.Contains(answer, k.Name+want) {
				t.Errorf("PUT %s=%s: got %d %s, want 400 and %q", k.Name, value, status, answer, k.Name+want)
			}
		}
	}
}

// impossible returns values next to the bounds of a knob, outside of them.
func impossible(k api.Knob) []string {
	least, most := k.Bounds()
	switch k.Kind {
	case api.KindDuration:
		return []string{(time.Duration(least) - time.Millisecond).String(), (time.Duration(most) + time.Millisecond).String()}
	case api.KindBoolean:
		return []string{"maybe"}
	case api.KindCount, api.KindNumber:
		return []string{strconv.FormatFloat(least-1, 'f', -1, 64), strconv.FormatFloat(most+1, 'f', -1, 64)}
	default:
		return []string{"none", k.Default + "x"}
	}
}

// refused checks that a program ends as after a usage error, which says want.
func refused(t *testing.T, want string, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), want) {
		t.Errorf("%s: got %v and %q, want exit code 2 and %q", strings.Join(cmd.Args[1:], " "), err, out, want)
	}
}

// put changes one knob of a running app and returns the status and the problem that the answer has.
func put(ctx context.Context, t *testing.T, url string, k api.Knob, value string) (status int, answer string) {
	t.Helper()
	if k.Kind == api.KindDuration || k.Kind.Choices() != nil {
		value = strconv.Quote(value)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(`{"`+k.Name+`":`+value+`}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var problem api.Problem
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, problem.Detail
}

// serveApp runs the app until the test ends and returns its addresses.
func serveApp(ctx context.Context, t *testing.T, program string, properties int) (ready api.Ready) {
	t.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Remove(); err != nil {
			t.Error(err)
		}
	})
	readyFile := filepath.Join(folder.Path(), "ready.json")
	cmd := exec.CommandContext(ctx, program, "--addr=127.0.0.1:0", "--lab-addr=127.0.0.1:0", "--properties="+strconv.Itoa(properties), "--ready-file="+readyFile)
	cmd.Env = environment()
	process, err := folder.Start("app", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(20*time.Second, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	err = process.Await(ctx, 10*time.Millisecond, func(context.Context) error {
		text, err := os.ReadFile(readyFile)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &ready)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ready
}
