package app_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/app"
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

// On a chain that is not the one configured, or whose factory is not ours, nobody is
// given an address: the start is refused and says why.
func TestStartRefusesAWrongChain(t *testing.T) {
	t.Parallel()
	c := testkit.StartChain(t)
	for name, test := range map[string]struct {
		change func(*app.NetworkOptions)
		want   string
	}{
		"another chain id":      {func(n *app.NetworkOptions) { n.ChainID = 1 }, "network ethereum: the node is on chain 1337; this network is chain 1"},
		"no factory":            {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_getCode", "0x"} }, "is not deployed at 0x"},
		"another's factory":     {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_getCode", "0x6001"} }, "is not the deposit factory's; deploy the factory with: pepay chain deploy"},
		"a factory that errs":   {func(n *app.NetworkOptions) { n.HTTP = liar{"eth_call", "0x" + strings.Repeat("00", 32)} }, "the factory on this chain answers 0x00"},
		"no node":               {func(n *app.NetworkOptions) { n.RPC = nil }, "no rpc is configured"},
		"a node that is not up": {func(n *app.NetworkOptions) { n.RPC = []string{"http://127.0.0.1:1/" + hidden} }, "no node answers"},
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
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), hidden) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
