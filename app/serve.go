package main

import (
	"context"
	"encoding/json"
	"errors"
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
func (a *app) serve(ctx context.Context) (err error) {
	defer func() {
		a.close() // and with it all work in the background
		err = errors.Join(err, writeFile(a.cfg.finalFile, a.server.Counters()))
	}()
	servers := [...]*http.Server{a.httpServer(a.server.API()), a.httpServer(a.server.Lab())}
	failed := make(chan error, len(servers))
	for i, srv := range servers {
		go func() { failed <- srv.Serve(a.listeners[i]) }()
	}
	ready := api.Ready{API: a.listeners[0].Addr().String(), Lab: a.listeners[1].Addr().String(), PID: os.Getpid()}
	if err := writeFile(a.cfg.readyFile, ready); err != nil {
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
	a.lameDuck(context.WithoutCancel(ctx), failed)
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

// lameDuck serves on for a time in which /readyz fails already: a balancer needs it to notice, and what it sends meanwhile is served.
func (a *app) lameDuck(ctx context.Context, failed <-chan error) {
	d := a.cfg.knobs.Duration("lame_duck")
	if d == 0 {
		return
	}
	a.log.InfoContext(ctx, "no longer ready", "serves", d.String())
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case err := <-failed: // there is nothing left to wait for
		a.log.ErrorContext(ctx, "serve", "error", err)
	}
}

// writeFile writes a value as JSON at once as a whole, unless path is empty: whoever waits for the file must never read half of it.
func writeFile(path string, v any) error {
	if path == "" {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.WriteFile(path+".tmp", data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".tmp", path)
}
