package sui_test

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
)

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func addressOf(k ed25519.PrivateKey) sui.Address {
	return sui.AddressOf(k.Public().(ed25519.PublicKey))
}

// dial serves a network on loopback and returns a caller of its node.
func dial(t *testing.T, c *devchain.Chain) *sui.Node {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Server()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	nodes, err := sui.Dial("sui", c.ID(), []string{"http://" + l.Addr().String()}, nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return nodes[0]
}

// coin returns the largest coin of an owner.
func coin(t *testing.T, n *sui.Node, owner sui.Address, kind string) sui.ObjectRef {
	t.Helper()
	m, err := n.Call(t.Context(), sui.ListOwnedObjects, sui.Fields{}.Text(1, owner.String()).Uint(2, 1).Mask(4, "object_id", "version", "digest").Text(5, "0x2::coin::Coin<"+kind+">"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := m.At(1)
	if err != nil {
		t.Fatal(err)
	}
	id, err1 := sui.ParseAddress(o.Text(2))
	digest, err2 := sui.ParseDigest(o.Text(4))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return sui.ObjectRef{ID: id, Version: o.Uint(3), Digest: digest}
}

// What the real network would refuse is refused, and changes nothing.
func TestRefuses(t *testing.T) {
	t.Parallel()
	owner, payer, other := key(1), key(2), key(3)
	to := addressOf(key(9))
	arg := func(n uint16) sui.Argument { return sui.Argument{N: n} }
	for name, x := range map[string]struct {
		change  func(*sui.Transaction, *devchain.Chain)
		signers []ed25519.PrivateKey
		why     string // of a refusal
		failure string // of an execution
	}{
		"right":           {},
		"no sponsor":      {signers: []ed25519.PrivateKey{owner}, why: "signatures are absent"},
		"no owner":        {signers: []ed25519.PrivateKey{payer}, why: "signatures are absent"},
		"another signer":  {signers: []ed25519.PrivateKey{owner, other}, why: "signatures are absent"},
		"one signer more": {signers: []ed25519.PrivateKey{owner, payer, other}, why: "signatures are absent"},
		"expired":         {change: func(_ *sui.Transaction, c *devchain.Chain) { c.NextEpoch() }, why: "Expired"},
		"other chain":     {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Expires.Chain = sui.Digest{1} }, why: "Invalid expiration"},
		"old version":     {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs[0].Object.Version-- }, why: "version has changed"},
		"other digest":    {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs[0].Object.Digest[0]++ }, why: "version has changed"},
		"unknown object":  {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs[0].Object.ID[5]++ }, why: "Could not find"},
		"somebody's coin": {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs[0].Object = &x.Payment[0] }, why: "owned by another"},
		"used twice":      {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs = append(x.Inputs, x.Inputs[0]) }, why: "more than once"},
		"frozen":          {change: func(_ *sui.Transaction, c *devchain.Chain) { c.Deny(addressOf(owner), devchain.Dollar) }, why: "denied"},
		"gas of dollars": {change: func(x *sui.Transaction, _ *devchain.Chain) {
			x.Payer, x.Payment = x.Sender, []sui.ObjectRef{*x.Inputs[0].Object}
			x.Inputs = nil
		}, signers: []ed25519.PrivateKey{owner}, why: "not SUI"},
		"too cheap":          {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Price-- }, why: "Gas price"},
		"no budget":          {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Budget = 1 }, why: "budget"},
		"budget too large":   {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Budget = 2e9 }, why: "lower than the needed"},
		"no payment":         {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Payment = nil }, why: "without gas payment"},
		"takes too much":     {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Inputs[1].Withdraw.Units++ }, why: "Insufficient funds"},
		"receiver frozen":    {change: func(_ *sui.Transaction, c *devchain.Chain) { c.Deny(to, devchain.Dollar) }, failure: "AddressDenied"},
		"unused result":      {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Commands = x.Commands[:1] }, failure: "UnusedValue"},
		"other type":         {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Commands[0].Coin = sui.Native }, failure: "TypeMismatch"},
		"no such input":      {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Commands[0].Coins[0].N = 9 }, failure: "CommandArgument"},
		"merged with itself": {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Commands[1].Coins[0] = x.Commands[1].Into }, failure: "CommandArgument"},
		"sent nowhere":       {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Commands[2].Into = arg(0) }, failure: "CommandArgument"},
		"sent twice": {change: func(x *sui.Transaction, _ *devchain.Chain) {
			x.Commands = append(x.Commands, x.Commands[2])
		}, failure: "CommandArgument"},
		"budget spent": {change: func(x *sui.Transaction, _ *devchain.Chain) { x.Budget = 600_000 }, failure: "InsufficientGas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := devchain.New(devchain.Options{})
			n := dial(t, c)
			c.Fund(addressOf(owner), devchain.Dollar, 5)
			c.Pay(devchain.Transfer{To: addressOf(owner), Coin: devchain.Dollar, Units: 7, Direct: true})
			c.Fund(addressOf(payer), sui.Native, 1e9)
			dollars := coin(t, n, addressOf(owner), devchain.Dollar)
			tx := sui.Transaction{
				Inputs: []sui.Input{{Object: &dollars}, {Withdraw: &sui.Withdraw{Units: 7, Coin: devchain.Dollar}}, {Pure: to[:]}},
				Commands: []sui.Command{
					{Kind: sui.Redeem, Coin: devchain.Dollar, Coins: []sui.Argument{arg(1)}},
					{Kind: sui.Merge, Into: arg(0), Coins: []sui.Argument{{Result: true}}},
					{Kind: sui.Transfer, Coins: []sui.Argument{arg(0)}, Into: arg(2)},
				},
				Sender: addressOf(owner), Payer: addressOf(payer), Payment: []sui.ObjectRef{coin(t, n, addressOf(payer), sui.Native)},
				Price: devchain.GasPrice, Budget: 1e8,
			}
			if x.change != nil {
				x.change(&tx, c)
			}
			if x.signers == nil {
				x.signers = []ed25519.PrivateKey{owner, payer}
			}
			raw := tx.Bytes()
			f := sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, raw)))
			simulated := f
			for _, k := range x.signers {
				f = f.Bytes(2, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, sui.Sign(k, raw))))
			}
			before := c.Holds(addressOf(payer), sui.Native)
			_, _ = n.Call(t.Context(), sui.SimulateTransaction, simulated)
			if c.Holds(addressOf(payer), sui.Native).Cmp(before) != 0 || c.Holds(to, devchain.Dollar).Sign() != 0 {
				t.Fatal("a simulation moved something")
			}
			m, err := n.Call(t.Context(), sui.ExecuteTransaction, f)
			if x.why != "" {
				if !sui.Refused(err, sui.CodeInvalid) || !strings.Contains(err.Error(), x.why) {
					t.Errorf("%v, want %s", err, x.why)
				}
				if c.Holds(addressOf(payer), sui.Native).Cmp(before) != 0 || c.Holds(addressOf(owner), devchain.Dollar).Int64() != 12 {
					t.Error("a refused transaction changed something")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			status, err := m.At(1, 4, 4)
			if err != nil {
				t.Fatal(err)
			}
			why, _ := status.At(2)
			if want := x.failure == ""; (status.Uint(1) == 1) != want || !strings.Contains(why.Text(1), x.failure) {
				t.Errorf("outcome %d %q, want %q", status.Uint(1), why.Text(1), x.failure)
			}
			moved := int64(12)
			if x.failure != "" {
				moved = 0
			}
			if got := c.Holds(to, devchain.Dollar).Int64(); got != moved || c.Holds(addressOf(owner), devchain.Dollar).Int64() != 12-moved {
				t.Errorf("%d moved, want %d", got, moved)
			}
			spent := before.Sub(before, c.Holds(addressOf(payer), sui.Native))
			if spent.Sign() <= 0 || !spent.IsUint64() || spent.Uint64() > tx.Budget {
				t.Errorf("spent %s of %d", spent, tx.Budget)
			}
			if _, err := n.Call(t.Context(), sui.ExecuteTransaction, f); err != nil {
				t.Errorf("sent again: %v", err)
			}
			if got := c.Holds(to, devchain.Dollar).Int64(); got != moved {
				t.Errorf("%d moved twice", got)
			}
		})
	}
}

func TestSignatureOfOtherBytes(t *testing.T) {
	t.Parallel()
	c := devchain.New(devchain.Options{})
	n := dial(t, c)
	raw := sui.Transaction{}.Bytes()
	signature := sui.Sign(key(1), append(raw, 0))
	f := sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, raw))).Bytes(2, sui.Fields{}.Bytes(1, sui.Fields{}.Bytes(2, signature)))
	if _, err := n.Call(t.Context(), sui.ExecuteTransaction, f); err == nil || !strings.Contains(err.Error(), "Invalid user signature") {
		t.Error(err)
	}
}

func TestBadCalls(t *testing.T) {
	t.Parallel()
	n := dial(t, devchain.New(devchain.Options{}))
	for method, bad := range map[string][]sui.Fields{
		"LedgerService/Nothing": {nil},
		sui.GetCheckpoint:       {sui.Fields("\xff"), sui.Fields{}.Uint(1, 1<<40)},
		sui.GetEpoch:            {sui.Fields{}.Uint(1, 99)},
		sui.GetTransaction:      {nil, sui.Fields{}.Text(1, "x")},
		sui.GetCoinInfo:         {nil, sui.Fields{}.Text(1, "0x9::a::B")},
		sui.GetBalance:          {nil, sui.Fields{}.Text(1, addressOf(key(1)).String()).Text(2, "x")},
		sui.ListOwnedObjects:    {nil, sui.Fields{}.Text(5, "0x2::coin::Coin<0x2::sui::SUI>"), sui.Fields{}.Text(1, addressOf(key(1)).String()).Text(3, "-1").Text(5, "0x2::coin::Coin<0x2::sui::SUI>")},
		sui.ExecuteTransaction:  {nil, sui.Fields{}.Bytes(1, []byte("\xff"))},
		sui.SimulateTransaction: {nil},
	} {
		for _, f := range bad {
			if m, err := n.Call(t.Context(), method, f); err == nil {
				t.Errorf("%s %x: %v", method, []byte(f), m)
			}
		}
	}
	w := httptest.NewRecorder()
	devchain.New(devchain.Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a browser gets %d", w.Code)
	}
}

func TestForkTakesBack(t *testing.T) {
	t.Parallel()
	c, to := devchain.New(devchain.Options{Seed: "a"}), addressOf(key(1))
	if c.ID() != devchain.New(devchain.Options{Seed: "a"}).ID() || c.ID() == devchain.New(devchain.Options{Seed: "b"}).ID() {
		t.Error("a seed is not a chain")
	}
	c.Fund(to, sui.Native, 1)
	c.Fund(to, sui.Native, 2)
	if err := c.Fork(1, devchain.Transfer{To: to, Coin: sui.Native, Units: 5}); err != nil || c.Holds(to, sui.Native).Int64() != 6 || c.Height() != 3 {
		t.Errorf("%v: holds %s at %d", err, c.Holds(to, sui.Native), c.Height())
	}
	for _, depth := range []int{-1, 0, 9} {
		if err := c.Fork(depth); err == nil {
			t.Errorf("took back %d", depth)
		}
	}
	for range 40 {
		c.Mine()
	}
	if c.Fork(16) != nil || c.Fork(17) == nil {
		t.Error("takes back as many as it says")
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	c := devchain.New(devchain.Options{Now: func() time.Time { return now }})
	n := dial(t, c)
	ctx := t.Context()
	go c.Run(ctx, time.Millisecond)
	for c.Height() < 3 {
		if _, err := n.Call(ctx, sui.GetServiceInfo, nil); err != nil {
			t.Fatal(err)
		}
	}
}
