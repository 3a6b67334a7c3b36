package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/notify"
)

// What merchants are told of an attempt that failed has neither the URL nor an address of
// the network that we are in.
func TestCausesNameNoAddress(t *testing.T) {
	t.Parallel()
	inside, outside := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 40000}, &net.TCPAddr{IP: net.IPv4(192, 168, 7, 7), Port: 443}
	lookup := func(e net.DNSError) error {
		e.Err, e.Name, e.Server = "no such host", "shop.example", "10.255.255.53:53"
		return &net.OpError{Op: "dial", Net: "tcp", Err: &e}
	}
	during := func(op string, err error) error {
		return &net.OpError{Op: op, Net: "tcp", Source: inside, Addr: outside, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{lookup(net.DNSError{IsNotFound: true}), "the host name does not exist"},
		{lookup(net.DNSError{IsTimeout: true}), "the host name could not be looked up"},
		{lookup(net.DNSError{IsTemporary: true}), "the host name could not be looked up"},
		{during("dial", notify.NewGuard(false).Control("tcp4", "192.168.7.7:443", nil)), "the host name does not lead to a public address"},
		{during("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED)), "dial: connect: connection refused"},
		{fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", during("read", os.NewSyscallError("read", syscall.ECONNRESET))), "read: read: connection reset by peer"},
		{during("dial", os.ErrDeadlineExceeded), "there was no answer in time"},
		{errors.New("url must begin with https://"), "url must begin with https://"},
	} {
		if got := notify.Cause(&url.Error{Op: "Post", URL: "https://shop.example/token-of-theirs", Err: c.err}); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mute := silent.Addr().String()
	defer func() { _ = silent.Close() }() // it takes connections, and that is all
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for address, want := range map[string]string{mute: "there was no answer in time", gone.Addr().String(): "dial: connect: connection refused"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = notify.NewGuard(true).Client(100 * time.Millisecond).Do(r)
		if got := notify.Cause(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
