package ton

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/pepay/pepay/internal/pay"
)

// Verify makes sure that the nodes are of the configured network, and that each token is a
// jetton whose wallets are where we look for them, with the configured decimals. It is for the
// start of the program.
func (d *Driver) Verify(ctx context.Context) error {
	if _, err := d.Head(ctx); err != nil {
		return err
	}
	for _, t := range d.Tokens {
		if canonical, err := CanonicalTestnet(t.Address); err != nil || canonical != t.Address {
			return fmt.Errorf("token %s: its address must be %s: %w", t.Symbol, canonical, cmpErr(err))
		}
		told, err := d.ask(ctx, t.Address)
		if err != nil {
			return fmt.Errorf("token %s %s: %w", t.Symbol, t.Address, err)
		}
		if j, ok := Known(t.Address); ok && j.Wallet(sample) != told.jetton.Wallet(sample) {
			return fmt.Errorf("token %s %s: its wallets are not where they were when this program was made", t.Symbol, t.Address)
		}
		decimals, symbol := told.decimals, told.symbol
		for _, k := range known {
			if k.master == t.Address && decimals < 0 {
				decimals = k.decimals
			}
		}
		switch {
		case decimals < 0:
			d.Log.WarnContext(ctx, "a jetton keeps its description off the chain: its decimals are believed", "token", t.Symbol, "decimals", t.Decimals)
		case decimals != t.Decimals:
			return fmt.Errorf("token %s %s has %d decimals, not %d", t.Symbol, t.Address, decimals, t.Decimals)
		}
		if symbol != "" && symbol != t.Symbol && symbol != t.Spelled {
			return fmt.Errorf("token %s %s has the symbol %.32q on the chain, not %q", t.Symbol, t.Address, symbol, t.Written())
		}
	}
	return nil
}

var errForm = errors.New("it is not in canonical form")

func cmpErr(err error) error {
	if err != nil {
		return err
	}
	return errForm
}

// sample is an owner to try computed addresses with.
var sample = Address(sha256.Sum256([]byte("an owner of jettons")))

// NoJetton is the error of a contract that is not that of a jetton whose wallets can be computed, as
// its nodes agree. That they do not answer is another.
type NoJetton string

func (e NoJetton) Error() string { return string(e) }

// told is what a master contract says of its jetton.
type told struct {
	none     NoJetton // why it is none, and there is nothing else; "" if it is one
	jetton   Jetton
	decimals int // -1 when it is not on the chain
	symbol   string
}

// JettonWallet returns the account that holds a token for an owner, both in canonical form. It
// asks the nodes about a token that is not known, once.
func (d *Driver) JettonWallet(ctx context.Context, owner string, token pay.Token) (string, error) {
	j, err := d.jetton(ctx, token.Address)
	if err != nil {
		return "", err
	}
	a, err := Parse(owner, false)
	return j.Wallet(a).String(), err
}

// Jetton returns the jetton of a master, which the nodes are asked about if it is not known.
func (d *Driver) Jetton(ctx context.Context, master string) (Jetton, error) {
	return d.jetton(ctx, master)
}

func (d *Driver) jetton(ctx context.Context, master string) (Jetton, error) {
	if j, ok := Known(master); ok {
		return j, nil
	}
	if _, err := d.ready(); err != nil {
		return Jetton{}, err
	}
	d.mu.Lock()
	j, ok := d.learned[master]
	d.mu.Unlock()
	if ok {
		return j, nil
	}
	t, err := d.ask(ctx, master)
	if err != nil {
		return Jetton{}, fmt.Errorf("jetton %s: %w", master, err)
	}
	d.mu.Lock()
	d.learned[master] = t.jetton
	d.mu.Unlock()
	return t.jetton, nil
}

// ask asks the nodes about a jetton.
func (d *Driver) ask(ctx context.Context, master string) (told, error) {
	a, err := Parse(master, false)
	if err != nil {
		return told{}, NoJetton(err.Error())
	}
	t, err := Agreed(ctx, d, func(ctx context.Context, n *Node) (told, error) {
		t, err := n.about(ctx, a)
		if none, ok := errors.AsType[NoJetton](err); ok {
			return told{none: none}, nil
		}
		return t, err
	}, func(a, b told) (told, bool) {
		if a.none != "" || b.none != "" {
			return a, a.none != "" && b.none != ""
		}
		return a, a.jetton.Wallet(sample) == b.jetton.Wallet(sample) && a.decimals == b.decimals && a.symbol == b.symbol
	})
	if err == nil && t.none != "" {
		err = t.none
	}
	return t, err
}

// about asks a master for the code of its wallets, and makes sure by an example that their
// addresses follow from it in one of the ways that are known.
func (n *Node) about(ctx context.Context, master Address) (t told, err error) {
	if err := n.Check(ctx, func(ctx context.Context) error { _, err := n.last(ctx); return err }); err != nil {
		return t, err
	}
	data, err := n.run(ctx, master, "get_jetton_data")
	if err != nil {
		return t, err
	}
	if len(data) < 5 {
		return t, NoJetton("get_jetton_data is not of a jetton")
	}
	content, err := data[3].cell()
	if err != nil {
		return t, err
	}
	code, err := data[4].cell()
	if err != nil {
		return t, err
	}
	t.decimals, t.symbol = described(content)
	where, err := n.run(ctx, master, "get_wallet_address", StackItem{"slice", Encode64(cell.BeginCell().MustStoreAddr(sample.cell()).EndCell())})
	if err != nil {
		return t, err
	}
	if len(where) == 0 {
		return t, NoJetton("get_wallet_address says nothing")
	}
	c, err := where[0].cell()
	if err != nil {
		return t, err
	}
	r := read(c)
	wallet, ok := r.address()
	if !ok {
		return t, errors.Join(errors.New("get_wallet_address is not of an account"), r.err)
	}
	for _, governed := range []bool{true, false} {
		if t.jetton = (Jetton{master, code, governed}); t.jetton.Wallet(sample) == wallet {
			return t, nil
		}
	}
	return t, NoJetton("the addresses of its wallets cannot be computed: it is of a kind that is not supported")
}

// described reads decimals and symbol of a description that is on the chain (TEP-64).
func described(content *Cell) (decimals int, symbol string) {
	defer func() {
		if recover() != nil { // the library trusts dictionaries
			decimals, symbol = -1, ""
		}
	}()
	r := read(content)
	if r.uint(8) != 0 || r.err != nil {
		return -1, ""
	}
	dict, err := r.LoadDict(256)
	if err != nil || dict == nil {
		return -1, ""
	}
	value := func(key string) string {
		sum := sha256.Sum256([]byte(key))
		v, err := dict.LoadValue(cell.BeginCell().MustStoreSlice(sum[:], 256).EndCell())
		if err != nil {
			return ""
		}
		if v.BitsLeft() == 0 && v.RefsNum() > 0 {
			if v, err = v.LoadRef(); err != nil {
				return ""
			}
		}
		if prefix, err := v.LoadUInt(8); err != nil || prefix != 0 {
			return ""
		}
		b, err := v.LoadBinarySnake()
		if err != nil || len(b) > 64 {
			return ""
		}
		return string(bytes.ToValidUTF8(b, nil))
	}
	decimals = 9 // by default
	if s := value("decimals"); s != "" {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil {
			return -1, ""
		}
		decimals = int(n) //nolint:gosec // of 8 bits
	} else if value("uri") != "" {
		decimals = -1 // the rest is elsewhere
	}
	return decimals, value("symbol")
}
