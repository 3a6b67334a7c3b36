package devchain_test

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/internal/devchain"
)

// What dev_dropTransaction takes back is gone, and the chain is longer than before.
func TestDropTransaction(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{})
	control, err := rpc.DialContext(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(control.Close)
	drop := func(h common.Hash) error { return control.CallContext(t.Context(), nil, "dev_dropTransaction", h) }
	send := func(amount int64) common.Hash {
		nonce, err := c.Client().PendingNonceAt(t.Context(), crypto.PubkeyToAddress(c.Payer().PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		h, err := pay(t.Context(), c.Client(), c.Payer(), nonce, sink, amount, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Mine()
		return h
	}
	for _, deeper := range []int{0, 1} {
		lost := send(5)
		for range deeper {
			c.Mine()
		}
		before, _ := c.Client().BlockNumber(t.Context())
		if err := drop(lost); err != nil {
			t.Fatal(err)
		}
		after, _ := c.Client().BlockNumber(t.Context())
		c.Mine()
		if got := balance(t, c.Client(), sink).Int64(); got != 0 || after <= before {
			t.Errorf("%d blocks deep: the sink has %d, the head went from %d to %d", deeper, got, before, after)
		}
	}
	kept := send(7)
	c.Mine()
	c.Mine()
	for name, h := range map[string]common.Hash{"too deep": kept, "unknown": {1}} {
		if drop(h) == nil {
			t.Errorf("%s: dropped", name)
		}
	}
	if got := balance(t, c.Client(), sink).Int64(); got != 7 {
		t.Errorf("what was refused changed something: %d", got)
	}
}

// After blocks that were made in no time, none is made until the clock has caught up with them.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{Period: time.Second})
	for range 3 {
		c.Mine()
	}
	h, err := c.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Unix(int64(h.Time), 0)
	if !until.After(time.Now().Add(time.Second)) {
		t.Fatalf("the chain is at %s", until)
	}
	select {
	case <-t.Context().Done():
	case <-time.After(time.Until(until)):
	}
	if at, err := c.Client().BlockNumber(t.Context()); err != nil || at > h.Number.Uint64()+1 {
		t.Errorf("at %s it has %d blocks, %d were made at once: %v", until, at, h.Number, err)
	}
}
