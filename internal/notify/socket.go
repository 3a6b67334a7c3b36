package notify

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/internal/view"
)

// How far a reader may fall behind, how long one write may take, how long a
// connection may be silent although it was pinged, and the longest message that a
// client may send.
const (
	maxBehind    = 256
	writeTimeout = 10 * time.Second
	maxSilence   = 75 * time.Second
	maxIncoming  = 512
)

// socket is one websocket. It costs one goroutine while nothing happens; a second
// one lives while there is something to write.
type socket struct {
	conn *websocket.Conn
	sub  Subscription

	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	cursor int64 // the room's events up to this one are not for it; set when it is let in

	mu      sync.Mutex
	room    *room
	queue   []*websocket.PreparedMessage // nil is a ping
	writing bool
	gone    bool
	goodbye []byte        // the closing frame, sent once the queue is empty
	until   time.Time     // when gone, how long what is queued may take
	space   chan struct{} // when not nil, closed once the queue is empty
}

// send queues a frame. It never blocks; a reader too far behind is cut off, and can
// come back with since.
func (k *socket) send(m *websocket.PreparedMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.gone:
		return
	case len(k.queue) >= maxBehind:
		k.queue = nil
		k.leave(websocket.CloseTryAgainLater, "too slow; connect again with since")
		return
	}
	k.queue = append(k.queue, m)
	k.start()
}

// start makes sure that somebody writes. The socket is locked.
func (k *socket) start() {
	if !k.writing {
		k.writing = true
		go k.write()
	}
}

// wait is send for a replay: it waits for the reader instead of cutting it off. It
// reports whether the socket is still there.
func (k *socket) wait(m *websocket.PreparedMessage) bool {
	k.mu.Lock()
	if len(k.queue) >= maxBehind/2 {
		space := make(chan struct{})
		k.space = space
		k.mu.Unlock()
		select {
		case <-space:
		case <-k.ctx.Done():
			return false
		}
		k.mu.Lock()
	}
	gone := k.gone
	k.mu.Unlock()
	k.send(m)
	return !gone
}

// write empties the queue.
func (k *socket) write() {
	for {
		k.mu.Lock()
		batch, goodbye := k.queue, k.goodbye
		k.queue, k.writing = nil, len(batch) > 0
		if k.space != nil {
			close(k.space)
			k.space = nil
		}
		k.mu.Unlock()
		if len(batch) == 0 {
			if goodbye != nil {
				_ = k.conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
				_ = k.conn.Close()
			}
			return
		}
		for _, m := range batch {
			if err := k.put(m); err != nil {
				_ = k.conn.Close() // the reader notices
				break
			}
		}
	}
}

func (k *socket) put(m *websocket.PreparedMessage) error {
	deadline := time.Now().Add(writeTimeout)
	k.mu.Lock()
	if k.gone && k.until.Before(deadline) {
		deadline = k.until
	}
	k.mu.Unlock()
	if m == nil {
		return k.conn.WriteControl(websocket.PingMessage, nil, deadline)
	}
	if err := k.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	return k.conn.WritePreparedMessage(m)
}

var pong = frame(map[string]string{"type": "pong"})

// read keeps the connection alive and answers JSON pings, until it ends.
func (k *socket) read() {
	alive := func(string) error { return k.conn.SetReadDeadline(time.Now().Add(maxSilence)) }
	k.conn.SetReadLimit(maxIncoming)
	k.conn.SetPongHandler(alive)
	_ = alive("")
	for {
		_, b, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		_ = alive("")
		if bytes.Contains(b, []byte(`"ping"`)) {
			k.send(pong)
		}
	}
}

// fail tells the reader why and closes with a websocket's code.
func (k *socket) fail(closing int, code, message string) {
	k.send(frame(view.StreamError(code, message)))
	k.close(closing, message)
}

// close ends the connection once what is queued has been written.
func (k *socket) close(code int, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(code, text)
}

// leave is close for a locked socket.
func (k *socket) leave(code int, text string) {
	if !k.gone {
		k.gone, k.goodbye, k.until = true, websocket.FormatCloseMessage(code, text), time.Now().Add(writeTimeout)
		k.start()
	}
}

// end marks the socket as ended and returns the room it was in.
func (k *socket) end() *room {
	_ = k.conn.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = true
	k.cancel()
	return k.room
}
