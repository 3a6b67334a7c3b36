package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pepay/pepay/internal/app"
)

// stopTimeout is how long a stop waits for requests, sockets and jobs.
const stopTimeout = 30 * time.Second

type configFlag struct {
	Config string `help:"The configuration file (TOML). Each key can also be set by an environment variable: limits.key_per_minute by PEPAY_LIMITS_KEY_PER_MINUTE." type:"path" placeholder:"FILE"`
}

// options reads the configuration and makes the logger it asks for.
func (c configFlag) options() (o app.Options, err error) {
	conf, err := app.ReadConfig(c.Config, os.Environ())
	if err != nil {
		return o, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(conf.LogLevel)); err != nil {
		return o, errors.New("log_level: expected debug, info, warn or error")
	}
	if o, err = conf.Options(); err != nil {
		return o, err
	}
	o.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	return o, nil
}

type serveCommand struct{ configFlag }

// Run serves until it is told to stop.
func (c serveCommand) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	a, err := app.Start(ctx, o)
	if err != nil {
		return err
	}
	o.Log.Info("serving", "listen", o.Listen, "public_url", a.URL, "operations", a.OpsURL, "database", a.Store.Engine())
	return wait(ctx, a)
}

// wait waits for the order to stop, or for a failure, and stops in order.
func wait(ctx context.Context, a *app.App) (err error) {
	select {
	case <-ctx.Done():
	case err = <-a.Failed():
		return errors.Join(fmt.Errorf("the HTTP server ended: %w", err), a.Stop(context.Background()))
	}
	stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return a.Stop(stop)
}
