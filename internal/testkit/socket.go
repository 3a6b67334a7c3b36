package testkit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pepay/pepay/api"
)

// Frame is one message of a websocket: an event, a control frame or an error.
type Frame struct {
	Object  string          `json:"object"` // "event", "ws_control" or "ws_error"; "" for a pong
	Type    string          `json:"type"`   // of the event or the control frame
	Since   *string         `json:"since"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Raw     json.RawMessage `json:"-"` // as it came
	Event   api.Event       `json:"-"` // zero unless Object is "event"
}

// Socket is the client's end of a websocket. It is used by one goroutine.
type Socket struct {
	*websocket.Conn
	Got []api.Event // every event so far, in the order of arrival
	t   testing.TB
}

// socketPatience is how long a Socket waits for a frame before it fails the test.
const socketPatience = 30 * time.Second

// Dial connects to a stream at an http or ws address and closes it when the test
// ends. It fails the test when the server refuses.
func Dial(t testing.TB, url string, header http.Header) *Socket {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: socketPatience}
	c, resp, err := d.Dial("ws"+strings.TrimPrefix(strings.TrimPrefix(url, "http"), "ws"), header) //nolint:bodyclose // its body is in memory
	if err != nil {
		status := ""
		if resp != nil {
			status = resp.Status
		}
		t.Fatalf("websocket %s: %v %s", url, err, status)
	}
	return NewSocket(t, c)
}

// NewSocket reads from a connection made otherwise than by Dial.
func NewSocket(t testing.TB, c *websocket.Conn) *Socket {
	s := &Socket{Conn: c, t: t}
	t.Cleanup(s.Close)
	return s
}

// Read returns the next frame, or how the connection ended.
func (s *Socket) Read() (f Frame, err error) {
	s.t.Helper()
	if err = s.SetReadDeadline(time.Now().Add(socketPatience)); err != nil {
		return f, err
	}
	_, b, err := s.ReadMessage()
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(b, &f); err != nil {
		s.t.Errorf("websocket frame %s: %v", b, err)
	}
	if f.Raw = bytes.Clone(b); f.Object == "event" {
		if err := json.Unmarshal(b, &f.Event); err != nil {
			s.t.Errorf("websocket event %s: %v", b, err)
		}
		s.Got = append(s.Got, f.Event)
	}
	return f, nil
}

// Next returns the next frame. It fails the test when none comes within 30 s.
func (s *Socket) Next() Frame {
	s.t.Helper()
	f, err := s.Read()
	if err != nil {
		s.t.Fatalf("websocket, after %d events: %v", len(s.Got), err)
	}
	return f
}

// Until reads on to the first event that f accepts, and fails the test when nothing comes
// within 30 s, or it does not within five minutes: how long others take to come before it
// says nothing. Got has those.
func (s *Socket) Until(f func(api.Event) bool) api.Event {
	s.t.Helper()
	for end := time.Now().Add(10 * socketPatience); time.Now().Before(end); {
		if v := s.Next(); v.Object == "event" && f(v.Event) {
			return v.Event
		}
	}
	s.t.Fatalf("websocket: the event did not come within %s; %d others did", 10*socketPatience, len(s.Got))
	return api.Event{}
}

// Ended reads on until the server closes and returns its code and text. A connection
// that ends without goodbye has code 1006.
func (s *Socket) Ended() (code int, text string) {
	s.t.Helper()
	for {
		_, err := s.Read()
		if err == nil {
			continue
		}
		if e, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // ReadMessage returns it bare
			return e.Code, e.Text
		}
		return websocket.CloseAbnormalClosure, err.Error()
	}
}

// Close ends the connection without goodbye.
func (s *Socket) Close() { _ = s.Conn.Close() }
