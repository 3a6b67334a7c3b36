// Package bus carries hints between the parts and the nodes of a deployment: that
// there is something new to read. A hint may be lost; the store is the truth, and
// whoever waits for a hint also looks by itself now and then.
package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Bus is a connection to NATS, with or without a server of its own.
type Bus struct {
	conn   *nats.Conn
	server *server.Server
	id     string // of this connection among all

	mu    sync.Mutex
	hints map[string]bool // subjects to be published; twice is once
	kick  chan struct{}
	done  chan struct{}
	ended chan struct{}
}

// How soon a server that stopped answering is noticed, and another connection tried.
const (
	pingEvery     = 5 * time.Second
	reconnectWait = 500 * time.Millisecond
	writeTimeout  = 2 * time.Second
)

// Open connects to the NATS at url, or starts one inside the process that listens
// nowhere when url is empty.
func Open(url string) (*Bus, error) {
	b := &Bus{id: nats.NewInbox(), hints: map[string]bool{}, kick: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	opts := []nats.Option{
		nats.Name("pepay"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(url != ""), nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingEvery), nats.IgnoreAuthErrorAbort(), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(writeTimeout),
	}
	if url == "" {
		var err error
		if b.server, err = server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, ServerName: "pepay"}); err != nil {
			return nil, fmt.Errorf("start bus: %w", err)
		}
		b.server.Start()
		if !b.server.ReadyForConnections(5 * time.Second) {
			b.server.Shutdown()
			return nil, errors.New("start bus: not ready after 5 s")
		}
		opts = append(opts, nats.InProcessServer(b.server))
	}
	var err error
	if b.conn, err = nats.Connect(url, opts...); err != nil {
		if b.server != nil {
			b.server.Shutdown()
		}
		return nil, fmt.Errorf("connect to bus: %w", err)
	}
	go b.publish()
	return b, nil
}

const (
	subjectEvents = "pepay.events."
	subjectJobs   = "pepay.jobs"
	subjectSpent  = "pepay.spent"
	headerNode    = "Pepay-Node"
)

// Spent tells the other nodes what callers have used up of their limits here. It may
// wait for the network.
func (b *Bus) Spent(what []byte) {
	m := nats.NewMsg(subjectSpent)
	m.Header.Set(headerNode, b.id)
	m.Data = what
	_ = b.conn.PublishMsg(m)
}

// OnSpent calls f with what each other node tells by Spent, one at a time.
func (b *Bus) OnSpent(f func(what []byte)) error {
	_, err := b.conn.Subscribe(subjectSpent, func(m *nats.Msg) {
		if m.Header.Get(headerNode) != b.id {
			f(m.Data)
		}
	})
	return err
}

// Alone reports whether the bus is inside the process: there are no other nodes.
func (b *Bus) Alone() bool { return b.server != nil }

// Events hints that a merchant has new events. It never waits for the network.
func (b *Bus) Events(merchant int64) { b.hint(subjectEvents + strconv.FormatInt(merchant, 10)) }

// Jobs hints that a job is due. It never waits for the network.
func (b *Bus) Jobs() { b.hint(subjectJobs) }

func (b *Bus) hint(subject string) {
	b.mu.Lock()
	b.hints[subject] = true
	b.mu.Unlock()
	select {
	case b.kick <- struct{}{}:
	default: // publish is about to look
	}
}

// publish sends the hints: NATS may make it wait, and whoever hints has just
// committed and must not.
func (b *Bus) publish() {
	defer close(b.ended)
	for {
		select {
		case <-b.done:
			return
		case <-b.kick:
		}
		b.mu.Lock()
		hints := b.hints
		b.hints = map[string]bool{}
		b.mu.Unlock()
		for subject := range hints {
			_ = b.conn.Publish(subject, nil)
		}
	}
}

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

// Close disconnects, and stops the server if it is our own. It is called once; hints
// given later are lost.
func (b *Bus) Close() {
	close(b.done)
	b.conn.Close()
	<-b.ended
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}
