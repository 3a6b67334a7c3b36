package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
)

// How often a socket is pinged, how long it may be silent, how long a connection may
// take, how long the server may take to say where the socket begins, and the longest
// frame there may be.
const (
	pingEvery   = 25 * time.Second
	maxSilence  = time.Minute
	dialTimeout = 30 * time.Second
	syncTimeout = 30 * time.Second
	maxFrame    = 4 << 20
)

// frame is one message of a stream.
type frame struct {
	Object  string `json:"object"` // event, ws_control, ws_error; "" for what is none of these
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Reason  string `json:"reason"`        // of resync_required: too_old, unknown
	Last    string `json:"last_event_id"` // the newest event of the account, or null
	event   api.Event
}

// connection gives what one websocket brings, until it ends.
//
// Until the server has said that the socket is live, what comes by it is dropped:
// everything that had happened by then can be read, and is, whatever of it the
// socket brought, left out, repeated or turned around.
func (f *follower) connection(ctx context.Context) error {
	conn, err := f.dial(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	frames, ended := make(chan frame), make(chan error, 1)
	go func() { ended <- read(ctx, conn, frames) }()
	go ping(ctx, conn)
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer cancel()
	live, late := false, time.NewTimer(syncTimeout)
	defer late.Stop()
	for {
		select {
		case v := <-frames:
			switch {
			case v.Object == "ws_error":
				return fmt.Errorf("pepay: the stream ended: %s: %s", v.Code, v.Message)
			case v.Object == "ws_control" && v.Type != "replay_start" && !live:
				if err := f.catchUp(ctx); err != nil {
					return err
				}
				if f.renew != nil && v.Type == "resync_required" {
					f.lose(v)
				}
				live, f.fails = true, 0
				late.Stop()
			case v.Object == "event" && (live || f.renew != nil):
				if err := f.give(v.event); err != nil {
					return err
				}
			}
		case <-late.C:
			return errors.New("pepay: the stream does not say where it begins")
		case err := <-ended:
			return fmt.Errorf("pepay: the stream ended: %w", err)
		}
	}
}

// lose makes do with the place where the server begins: it does not know the cursor.
func (f *follower) lose(v frame) {
	if f.cursor != "" && f.cursor != f.forgotten {
		f.forgotten = f.cursor
		f.notice(ErrForgotten)
	}
	if v.Reason == "unknown" {
		f.cursor = v.Last
	}
}

// dial opens the websocket, with another ticket if the one at hand is refused.
func (f *follower) dial(ctx context.Context) (*websocket.Conn, error) {
	conn, err := f.open(ctx)
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusUnauthorized || f.renew == nil {
		return conn, err
	}
	if f.ticket, err = f.renew(ctx); err != nil {
		return nil, err
	}
	return f.open(ctx)
}

func (f *follower) open(ctx context.Context) (*websocket.Conn, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := websocket.Dialer{NetDialContext: f.c.dial, HandshakeTimeout: dialTimeout}
	if f.c.dial == nil {
		d.Proxy = websocket.DefaultDialer.Proxy
	}
	conn, resp, err := d.DialContext(ctx, address, f.c.header)
	if resp != nil && err != nil {
		body, _ := io.ReadAll(resp.Body) // its beginning, already in memory
		_ = resp.Body.Close()
		return nil, readError(resp, body)
	}
	if err != nil {
		return nil, fmt.Errorf("pepay: connect to the stream: %w", err)
	}
	return conn, nil
}

// read passes on frames until the connection ends or has been silent too long.
func read(ctx context.Context, conn *websocket.Conn, frames chan<- frame) error {
	alive := func(string) error { return conn.SetReadDeadline(time.Now().Add(maxSilence)) }
	answer := conn.PingHandler()
	conn.SetPingHandler(func(s string) error { return errors.Join(alive(s), answer(s)) })
	conn.SetPongHandler(alive)
	conn.SetReadLimit(maxFrame)
	for {
		_ = alive("")
		_, b, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		var v frame
		if err = json.Unmarshal(b, &v); err == nil && v.Object == "event" {
			err = json.Unmarshal(b, &v.event)
		}
		if err != nil {
			return fmt.Errorf("decode a frame: %w", err)
		}
		select {
		case frames <- v:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ping asks for a sign of life until the connection ends.
func ping(ctx context.Context, conn *websocket.Conn) {
	for wait(ctx, pingEvery) == nil {
		if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(pingEvery)) != nil {
			return
		}
	}
}
