package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// liar answers one method for the node.
type liar struct{ method, result string }

func (l liar) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte(l.method)) {
		return http.DefaultTransport.RoundTrip(r)
	}
	_, id, _ := strings.Cut(string(body), `"id":`)
	id, _, _ = strings.Cut(id, ",")
	answer := `{"jsonrpc":"2.0","id":` + id + `,"result":"` + l.result + `"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// mute hangs up on calls that hold a text.
type mute struct{ text string }

func (m mute) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Body = io.NopCloser(bytes.NewReader(body)); bytes.Contains(body, []byte(m.text)) {
		return nil, errors.New("connection reset by peer")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// busy refuses calls that hold a text, as a node does that was asked too much.
type busy struct{ text string }

func (b busy) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Body = io.NopCloser(bytes.NewReader(body)); !bytes.Contains(body, []byte(b.text)) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{Status: "429 Too Many Requests", StatusCode: http.StatusTooManyRequests, Body: http.NoBody}, nil
}

// only is the way to the node whose address ends so; to others there is the usual one.
type only struct {
	node string
	way  http.RoundTripper
}

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.String(), o.node) {
		return o.way.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// two makes a chain's node the first and the second of a network, with a way to the one of
// them whose address ends so.
func two(n *app.NetworkOptions, node string, way http.RoundTripper) {
	n.RPC, n.HTTP = []string{n.RPC[0] + "?1", n.RPC[0] + "?2"}, only{node, way}
}

var (
	dollar   = contracts.TestDollar.Hex()
	stranger = "0x5000000000000000000000000000000000000001"
)

// A token whose contract spells its symbol in its own way, or in the way of old, is taken;
// as is one that only the second node answers for.
func TestStartTakesATokenAsItIs(t *testing.T) {
	t.Parallel()
	c := testkit.StartChain(t)
	old := "0x4441490000000000000000000000000000000000000000000000000000000000" // "DAI"
	for name, change := range map[string]func(*app.NetworkOptions){
		"its own spelling":                    func(n *app.NetworkOptions) { n.Tokens[0].Symbol, n.Tokens[0].Spelled = "USDC", "DUSDC" },
		"32 bytes":                            func(n *app.NetworkOptions) { n.Tokens[0].Symbol, n.HTTP = "DAI", liar{"0x95d89b41", old} },
		"by its tag":                          func(n *app.NetworkOptions) { n.Finality = pay.Finalized },
		"a first node that is asked too much": func(n *app.NetworkOptions) { two(n, "?1", busy{"eth_getCode"}) },
		"one that hangs up when called":       func(n *app.NetworkOptions) { two(n, "?1", mute{"eth_call"}) },
		"one that does not tell what is final": func(n *app.NetworkOptions) {
			n.Finality = pay.Finalized
			two(n, "?1", busy{`"finalized"`})
		},
		"a first node that is away":  func(n *app.NetworkOptions) { two(n, "?1", mute{""}) },
		"a second node that is away": func(n *app.NetworkOptions) { two(n, "?2", mute{""}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testkit.OptionsAt(t.TempDir()+"/test.db", c.URL())
			change(&o.Networks[0])
			testkit.Run(t, o)
		})
	}
}

// On a chain that is not the one configured, or whose factory is not ours, nobody is
// given an address: the start is refused and says why.
func TestStartRefusesAWrongChain(t *testing.T) {
	t.Parallel()
	c := testkit.StartChain(t)
	for name, test := range map[string]struct {
		change func(*app.NetworkOptions)
		want   string
	}{
		"another chain id":           {func(n *app.NetworkOptions) { n.ChainID = 1 }, "network ethereum: node 1 of ethereum is on chain 1337; this network is chain 1"},
		"of the second node":         {func(n *app.NetworkOptions) { two(n, "?2", liar{"eth_chainId", "0x1"}) }, "network ethereum: node 2 of ethereum is on chain 1; this network is chain 1337"},
		"asked too much":             {func(n *app.NetworkOptions) { n.HTTP = busy{"eth_getCode"} }, "no node answers: cannot read the factory: its code: 429 Too Many Requests"},
		"no factory":                 {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_getCode", "0x"} }, "on this chain; deploy the factory with: pepay chain deploy"},
		"another's factory":          {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_getCode", "0x6001"} }, "is not the deposit factory's"},
		"a factory that errs":        {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_call", "0x" + strings.Repeat("00", 32)} }, "the factory on this chain answers 0x00"},
		"other decimals":             {func(n *app.NetworkOptions) { n.Tokens[0].Decimals = 18 }, "the contract of DUSDC at " + dollar + " answers with the decimals 6, and not 18; correct the decimals or the address in tokens"},
		"another symbol":             {func(n *app.NetworkOptions) { n.Tokens[0].Symbol = "USDC" }, "the contract of USDC at " + dollar + ` answers with the symbol "DUSDC", and not "USDC"; correct the address`},
		"another spelling":           {func(n *app.NetworkOptions) { n.Tokens[0].Spelled = "USD₮0" }, `answers with the symbol "DUSDC", and not "USD₮0"`},
		"no token":                   {func(n *app.NetworkOptions) { n.Tokens[0].Address = stranger }, "there is no token at " + stranger + ", the contract of DUSDC; correct its address in tokens, or chain"},
		"a contract of another kind": {func(n *app.NetworkOptions) { n.Tokens[0].Address = contracts.Factory.Hex() }, "there is no token at " + contracts.Factory.Hex()},
		"a symbol of nonsense":       {func(n *app.NetworkOptions) { n.HTTP = liar{"0x95d89b41", "0xff"} }, `answers with the symbol "", and not "DUSDC"`},
		"half decimals":              {func(n *app.NetworkOptions) { n.HTTP = liar{"0x313ce567", "0x0006"} }, "there is no token at " + dollar},
		"silent on decimals":         {func(n *app.NetworkOptions) { n.HTTP = mute{"0x313ce567"} }, "read the decimals of DUSDC: no node answers"},
		"silent on the symbol":       {func(n *app.NetworkOptions) { n.HTTP = mute{"0x95d89b41"} }, "read the symbol of DUSDC: no node answers"},
		"no final block":             {func(n *app.NetworkOptions) { n.Finality, n.HTTP = pay.Finalized, liar{`"finalized"`, ""} }, "the node does not tell which block is finalized"},
		"no node":                    {func(n *app.NetworkOptions) { n.RPC = nil }, "no rpc is configured"},
		"a node that is not up":      {func(n *app.NetworkOptions) { n.RPC = []string{"http://127.0.0.1:1/" + hidden} }, "no node answers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testkit.OptionsAt(t.TempDir()+"/test.db", c.URL())
			test.change(&o.Networks[0])
			a, err := app.Start(context.Background(), o)
			if err == nil {
				_ = a.Stop(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), hidden) ||
				strings.Contains(err.Error(), "chain deploy") != strings.Contains(test.want, "chain deploy") {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
