package notify_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
)

// Every class of address, and whether production and development may dial it.
var addresses = []struct {
	ip        string
	prod, dev bool
}{
	{"1.1.1.1", true, true},
	{"93.184.216.34", true, true},
	{"2606:4700:4700::1111", true, true},
	{"127.0.0.1", false, true},
	{"127.255.255.254", false, true},
	{"::1", false, true},
	{"0.0.0.0", false, false},
	{"0.1.2.3", false, false},
	{"10.0.0.1", false, false},
	{"10.255.255.255", false, false},
	{"100.64.0.1", false, false}, // carrier-grade NAT
	{"100.127.255.255", false, false},
	{"169.254.0.1", false, false},
	{"169.254.169.254", false, false}, // metadata of clouds
	{"172.16.0.1", false, false},
	{"172.31.255.255", false, false},
	{"192.0.0.1", false, false},
	{"192.0.0.192", false, false}, // metadata of Oracle's cloud
	{"192.0.2.1", false, false},
	{"192.88.99.1", false, false},
	{"192.168.1.1", false, false},
	{"198.18.0.1", false, false},
	{"198.19.255.255", false, false},
	{"198.51.100.1", false, false},
	{"203.0.113.1", false, false},
	{"224.0.0.1", false, false},
	{"239.255.255.255", false, false},
	{"240.0.0.1", false, false},
	{"255.255.255.255", false, false},
	{"::", false, false},
	{"::127.0.0.1", false, false},
	{"::ffff:10.0.0.1", false, false},
	{"::ffff:127.0.0.1", false, false},
	{"::ffff:169.254.169.254", false, false},
	{"64:ff9b::a00:1", false, false},   // 10.0.0.1 behind NAT64
	{"64:ff9b:1::a00:1", false, false}, // the same, local use
	{"100::1", false, false},
	{"2001::1", false, false}, // Teredo
	{"2001:db8::1", false, false},
	{"2002:a00:1::1", false, false}, // 10.0.0.1 by 6to4
	{"3fff::1", false, false},
	{"5f00::1", false, false},
	{"fc00::1", false, false},
	{"fd00:ec2::254", false, false}, // metadata of EC2
	{"fe80::1", false, false},
	{"fec0::1", false, false},
	{"ff02::1", false, false},
	{"fe80::1%lo", false, false},
	{"::1%lo", false, false},
	{"2606:4700:4700::1111%lo", false, false},
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, a := range addresses {
		ip := netip.MustParseAddr(a.ip)
		network := "tcp6"
		if ip.Is4() {
			network = "tcp4"
		}
		for dev, want := range map[bool]bool{false: a.prod, true: a.dev} {
			g := notify.NewGuard(dev)
			if got := g.Control(network, netip.AddrPortFrom(ip, 443).String(), nil) == nil; got != want {
				t.Errorf("dial %s, dev %t: allowed %t", a.ip, dev, got)
			}
			host := a.ip
			if ip.Is6() {
				host = "[" + strings.ReplaceAll(a.ip, "%", "%25") + "]"
			}
			check(t, g, "https://"+host+"/hook", want)
			check(t, g, "https://"+host+":8443/hook", want)
		}
	}
	for _, bad := range []struct{ network, address string }{
		{"udp4", "1.1.1.1:53"}, {"unix", "/run/x.sock"}, {"tcp4", "example.com:443"}, {"tcp4", ""},
	} {
		if notify.NewGuard(true).Control(bad.network, bad.address, nil) == nil {
			t.Errorf("dialling %s %q is allowed", bad.network, bad.address)
		}
	}
}

func check(t *testing.T, g *notify.Guard, raw string, want bool) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	err = g.Allowed(u)
	if (err == nil) != want {
		t.Errorf("%s, dev %t: %v", raw, g.Dev, err)
	}
	if err != nil && pay.CodeOf(err) != pay.CodeValidation {
		t.Errorf("%s: %v is not a validation error", raw, err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, n := range []struct {
		url       string
		prod, dev bool
	}{
		{"https://hooks.example.com/pepay", true, true},
		{"https://HOOKS.Example.COM./pepay", true, true},
		{"https://xn--bcher-kva.example/x", true, true},
		{"https://bücher.example/x", true, true},
		{"https://127.0.0.1.nip.io/", true, true}, // Control judges what it resolves to
		{"http://hooks.example.com/", false, true},
		{"http://127.0.0.1:8080/", false, true},
		{"http://[::1]:8080/", false, true},
		{"https://localhost/", false, true},
		{"https://LOCALHOST./", false, true},
		{"https://x.localhost./", false, true},
		{"ftp://hooks.example.com/", false, false},
		{"file:///etc/passwd", false, false},
		{"//hooks.example.com/", false, false},
		{"https:///x", false, false},
		{"https://./x", false, false},
		{"https://foo../x", false, false},
		{"https://foo.../x", false, false},
		{"https://../x", false, false},
		{"https://127.1/", false, false},
		{"https://0x7f000001/", false, false},
		{"https://0x7f.0.0.1/", false, false},
		{"https://0177.0.0.1/", false, false},
		{"https://2130706433/", false, false},
		{"https://10.0.0.1./", false, false},
		{"https://1.2.3.4.5/", false, false},
		{"https://127.0.0.0x1/", false, false},
		{"https://metadata.google.internal/", false, false},
		{"https://metadata/", false, false},
		{"https://printer.local/", false, false},
		{"https://printer.LOCAL./", false, false},
		{"https://1.0.0.127.in-addr.arpa/", false, false},
	} {
		check(t, notify.NewGuard(false), n.url, n.prod)
		check(t, notify.NewGuard(true), n.url, n.dev)
	}
}

// resolver answers every question for an IPv4 address with the next of ips, and
// knows no IPv6 addresses.
func resolver(t *testing.T, ips ...string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe() // not a PacketConn, so the resolver speaks as over TCP
		t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
		ip := ips[0]
		if len(ips) > 1 {
			ips = ips[1:]
		}
		go func() {
			for {
				var size [2]byte
				if _, err := io.ReadFull(server, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(server, q); err != nil {
					return
				}
				end := 12
				for q[end] != 0 {
					end += int(q[end]) + 1
				}
				end += 5
				r := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
				if q[end-3] == 1 { // A
					r[7] = 1
					r = append(r, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					r = append(r, netip.MustParseAddr(ip).AsSlice()...)
				}
				_, _ = server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...))
			}
		}()
		return client, nil
	}}
}

// What a name resolves to when it is dialled is what counts, each time.
func TestRebinding(t *testing.T) {
	t.Parallel()
	errStop := errors.New("judged")
	g := notify.NewGuard(false)
	for ip, want := range map[string]bool{"1.1.1.1": true, "127.0.0.1": false, "169.254.169.254": false, "10.1.2.3": false} {
		var verdicts []error
		d := net.Dialer{Resolver: resolver(t, ip), Control: func(network, address string, c syscall.RawConn) error {
			verdicts = append(verdicts, g.Control(network, address, c))
			return errStop // nothing is ever connected to
		}}
		check(t, g, "https://rebind.example.com/", true)
		if _, err := d.DialContext(t.Context(), "tcp", "rebind.example.com:443"); !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		if len(verdicts) != 1 || (verdicts[0] == nil) != want {
			t.Errorf("a name that resolves to %s: %v", ip, verdicts)
		}
	}
}

// Production's client never reaches this machine, whatever it is called: the listener
// sees no connection.
func TestClientIsGuarded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	accepted := make(chan struct{})
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.Close()
			close(accepted)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := notify.NewGuard(false).Client(5 * time.Second)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		resp, err := c.Get("http://" + host + ":" + port + "/")
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
	select {
	case <-accepted:
		t.Error("a connection was made")
	default:
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := notify.NewGuard(true).Client(5 * time.Second)
	if notify.Proxied(c) {
		t.Error("a proxy of the environment would be used, and would resolve names for us")
	}
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(s.Close)
	resp, err := c.Post(s.URL+"/hook", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || len(asked) != 1 {
		t.Errorf("status %d after asking for %v: a redirect was followed", resp.StatusCode, asked)
	}
}
