package app

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
)

var symbol = regexp.MustCompile(`^[A-Za-z0-9.]{1,16}$`)

// maxDecimals is beyond what any token uses.
const maxDecimals = 36

// token reads a token of a network, such as "1001 USDC 0x3c49… 6 stable". That the chain
// says the same is for the start to see.
func token(line string, n pay.Network) (t pay.Token, err error) {
	wrong := func(what string) (pay.Token, error) { return t, fmt.Errorf("%s in %.80q", what, line) }
	f := strings.Fields(line)
	if len(f) < 4 {
		return wrong("an id, a symbol, a contract or the word native, and decimals")
	}
	t = pay.Token{Network: n.Name, Environment: n.Environment, Symbol: f[1], Name: f[1], Price: f[1], Buffer: 50}
	if t.ID, err = strconv.ParseInt(f[0], 10, 64); err != nil || t.ID < pay.OwnTokens || t.ID > 1<<53 {
		return wrong("an id from " + strconv.Itoa(pay.OwnTokens))
	}
	if !symbol.MatchString(t.Symbol) {
		return wrong("a symbol of letters and digits")
	}
	if t.Decimals, err = strconv.Atoi(f[3]); err != nil || t.Decimals < 1 || t.Decimals > maxDecimals {
		return wrong("decimals from 1 to " + strconv.Itoa(maxDecimals))
	}
	if t.Type = pay.Native; f[2] != "native" {
		if t.Type, t.Address, err = contract(n, f[2]); err != nil {
			return wrong("a contract's address that is none: it " + err.Error())
		}
	}
	for _, more := range f[4:] {
		switch key, value, _ := strings.Cut(more, "="); {
		case more == "stable" && t.Type != pay.Native:
			t.Stable, t.Buffer = true, 0
		case key == "price" && value != "":
			t.Price = value
		case key == "spelled" && value != "" && t.Type != pay.Native:
			t.Spelled = value
		default:
			return wrong(fmt.Sprintf("stable, price=… or spelled=…, not %.40q", more))
		}
	}
	if !slices.Contains(rates.Quotable(), t.Price) {
		return wrong(fmt.Sprintf("price= and one of %v: nobody quotes %.16q", rates.Quotable(), t.Price))
	}
	return t, nil
}

// contract returns the canonical form of what names a token on a network, which is called a
// mint, a jetton master, a coin type or an asset elsewhere, and how such a token lives there.
func contract(n pay.Network, text string) (kind pay.TokenType, at string, err error) {
	switch n.Name.Family() {
	case pay.Solana:
		k, err := solana.ParseKey(text)
		return pay.SPL, k.String(), err
	case pay.TON:
		if n.Environment == pay.Mainnet {
			at, err = ton.Canonical(text)
		} else {
			at, err = ton.CanonicalTestnet(text)
		}
		return pay.Jetton, at, err
	case pay.Sui:
		if at, err = sui.CanonicalCoin(text); err == nil && at == "" {
			err = errors.New("is the network's own coin, which is taken as it is")
		}
		return pay.Coin, at, err
	case pay.Cardano:
		at, err = cardano.CanonicalToken(text)
		return pay.Asset, at, err
	case pay.EVM:
	}
	at, err = canonical(text)
	return pay.ERC20, at, err
}
