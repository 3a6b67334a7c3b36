// Package bus carries hints between the parts and the nodes of a deployment: that
// there is something new to read. A hint may be lost; the store is the truth, and
// whoever waits for a hint also looks by itself now and then.
package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bus is a connection to NATS, with or without a server of its own.
type Bus struct {
	conn   *nats.Conn
	server *server.Server
}

// Open connects to the NATS at url, or starts one inside the process that listens
// nowhere when url is empty.
func Open(url string) (*Bus, error) {
	b, opts := &Bus{}, []nats.Option{nats.Name("pepay"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(url != "")}
	if url == "" {
		var err error
		if b.server, err = server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, ServerName: "pepay"}); err != nil {
			return nil, fmt.Errorf("start bus: %w", err)
		}
		b.server.Start()
		if !b.server.ReadyForConnections(5 * time.Second) {
			return nil, errors.New("start bus: not ready after 5 s")
		}
		opts = append(opts, nats.InProcessServer(b.server))
	}
	var err error
	if b.conn, err = nats.Connect(url, opts...); err != nil {
		return nil, fmt.Errorf("connect to bus: %w", err)
	}
	return b, nil
}

const (
	subjectEvents = "pepay.events."
	subjectJobs   = "pepay.jobs"
)

// Events hints that a merchant has new events.
func (b *Bus) Events(merchant int64) { _ = b.conn.Publish(subjectEvents+strconv.FormatInt(merchant, 10), nil) }

// Jobs hints that a job is due.
func (b *Bus) Jobs() { _ = b.conn.Publish(subjectJobs, nil) }

// OnEvents calls f with the merchant of each hint of new events, one at a time.
func (b *Bus) OnEvents(f func(merchant int64)) error {
	_, err := b.conn.Subscribe(subjectEvents+"*", func(m *nats.Msg) {
		if id, err := strconv.ParseInt(strings.TrimPrefix(m.Subject, subjectEvents), 10, 64); err == nil {
			f(id)
		}
	})
	return err
}

// OnJobs returns a channel that wakes a job runner. Hints that come while one
// waits there are dropped.
func (b *Bus) OnJobs() (<-chan struct{}, error) {
	wake := make(chan struct{}, 1)
	_, err := b.conn.Subscribe(subjectJobs, func(*nats.Msg) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	return wake, err
}

// Up reports whether the bus is reachable now.
func (b *Bus) Up() bool { return b.conn.IsConnected() }

// Close disconnects, and stops the server if it is our own.
func (b *Bus) Close() {
	b.conn.Close()
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}
