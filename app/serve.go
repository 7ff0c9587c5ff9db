package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"loadlab/app/api"
)

// Limits of the two HTTP servers.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 60 * time.Second // a CPU profile takes 30 s
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

func (a *app) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// serve serves until ctx ends, then lets the requests that run end.
func (a *app) serve(ctx context.Context) error {
	defer a.close()
	servers := [...]*http.Server{a.httpServer(a.server.API()), a.httpServer(a.server.Lab())}
	failed := make(chan error, len(servers))
	for i, srv := range servers {
		go func() { failed <- srv.Serve(a.listeners[i]) }()
	}
	ready := api.Ready{API: a.listeners[0].Addr().String(), Lab: a.listeners[1].Addr().String(), PID: os.Getpid()}
	if err := writeReady(a.cfg.readyFile, ready); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "ready", "api", ready.API, "lab", ready.Lab, "database", a.server.Info.Database, "cache", a.server.Info.Cache,
		"properties", a.server.Info.Properties)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	a.server.Drain()
	most := a.cfg.knobs.Duration("drain")
	a.log.Info("draining", "most", most.String())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	for _, srv := range servers {
		if err := srv.Shutdown(drain); err != nil {
			return fmt.Errorf("drain: requests were still running after %s: %w", most, err)
		}
	}
	return nil
}

// writeReady writes the ready file at once as a whole: whoever waits for it must never read half of it.
func writeReady(path string, ready api.Ready) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(ready)
	if err != nil {
		return fmt.Errorf("encode the ready file: %w", err)
	}
	if err := os.WriteFile(path+".tmp", data, 0o600); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return os.Rename(path+".tmp", path)
}
