package app_test

import (
	"slices"
	"testing"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

func TestEVMLinks(t *testing.T) {
	t.Parallel()
	const to, token = "0x7Ad2C41fE09b53F8a6De0B1c9E4477f2D35C8aB6", "0x5FbDB2315678afecb367f032d93F642f64180aa3"
	for _, c := range []struct {
		chain       uint64
		token, unit string
		want        string // of the URI, after its scheme
	}{
		{1, "", "1000000000000000000", to + "@1?value=1000000000000000000"},
		{1337, token, "25500000", token + "@1337/transfer?address=" + to + "&uint256=25500000"},
		{137, token, "115792089237316195423570985008687907853269984665640564039457584007913129639935", token + "@137/transfer?address=" + to + "&uint256=115792089237316195423570985008687907853269984665640564039457584007913129639935"},
	} {
		units, err := money.ParseUnits(c.unit)
		if err != nil {
			t.Fatal(err)
		}
		n, tk := pay.Network{Name: "ethereum", ChainID: c.chain}, pay.Token{Address: c.token}
		if got := app.EVMWallets.URI(n, tk, to, units); got != "ethereum:"+c.want {
			t.Errorf("got %s, want ethereum:%s", got, c.want)
		}
		want := []pay.Link{{Name: "MetaMask", URL: "https://link.metamask.io/send/" + c.want}}
		if c.chain == 1337 {
			want = nil // no phone reaches it
		}
		if got := app.EVMWallets.Links(n, tk, to, units); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
