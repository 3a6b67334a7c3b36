package settle_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// sound is a node with all that a relay in block 20 is asked for, which is final.
func sound() answers {
	return answers{
		"eth_getTransactionReceipt": receipt, "eth_getTransactionCount": `"0x6"`, "eth_estimateGas": `"0x186a0"`,
		"eth_maxPriorityFeePerGas": `"0x0"`, "eth_getBalance": `"0xffffffffffffff"`, "eth_call": `"0x"`, "eth_sendRawTransaction": `"0x"`,
		latest: blockAt(40, time.Now()), "getBlockByNumber safe": blockAt(25, time.Now().Add(-time.Minute)),
	}
}

// step runs one of a job's, which has 36 seconds.
func step(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 36*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		t.Error(err)
	}
}

// A node that hangs, whichever it is, keeps nothing from being sent, and from being known
// to be final, in time: it is remembered.
func TestNodeThatHangs(t *testing.T) {
	t.Parallel()
	for _, sick := range []answers{{"*": hangs}, {}} {
		for n := range 3 {
			for _, rule := range []pay.Finality{pay.Deep, pay.Safe} {
				synctest.Test(t, func(t *testing.T) {
					nodes := slices.Insert([]answers{sound(), sound()}, n, sick)
					r := relayerOn(t, pay.Network{Finality: rule, Confirmations: 3}, nodes...)
					l := relayOf(t, r.Key, 5, time.Now())
					step(t, func(ctx context.Context) error {
						_, err := r.Prepare(ctx, []pay.SweepItem{{Address: "0x1", Receiver: "0x2", Salt: "0x3"}})
						r.Send(ctx, l)
						return err
					})
					from := time.Now()
					step(t, func(ctx context.Context) error {
						f, err := r.Fate(ctx, l)
						if f.State != pay.RelayDone {
							t.Errorf("its fate is %+v", f)
						}
						return err
					})
					if took := time.Since(from); took > 20*time.Second {
						t.Errorf("it took %s to find that out", took)
					}
				})
			}
		}
	}
}

// A node that stands still, whichever it is, is not believed that there is no receipt, nor
// what the next nonce is, and what is final does not wait for it.
func TestNodeThatStandsStill(t *testing.T) {
	t.Parallel()
	still := answers{
		"eth_getTransactionReceipt": "null", "eth_getTransactionCount": `"0x5"`, "eth_estimateGas": `{"code":3,"message":"execution reverted"}`,
		"eth_maxPriorityFeePerGas": `"0x0"`, "eth_getBalance": `"0x0"`, "eth_call": `"0x"`,
		latest: blockAt(15, time.Now().Add(-10*time.Minute)), "getBlockByNumber safe": blockAt(9, time.Now().Add(-11*time.Minute)),
	}
	for n := range 2 {
		for _, rule := range []pay.Finality{pay.Deep, pay.Safe} {
			r := relayerOn(t, pay.Network{Finality: rule, Confirmations: 3}, slices.Insert([]answers{sound()}, n, still)...)
			if f, err := r.Fate(t.Context(), relayOf(t, r.Key, 5, time.Now())); err != nil || f.State != pay.RelayDone {
				t.Errorf("node %d stands still: its fate is %+v, %v", n+1, f, err)
			}
			p, err := r.Prepare(t.Context(), []pay.SweepItem{{Address: "0x1", Receiver: "0x2", Salt: "0x3"}})
			if err != nil || p.Nonce != 6 || len(p.Items) != 1 {
				t.Errorf("node %d stands still: prepared %+v, %v", n+1, p, err)
			}
		}
	}
}

// A first node that is one block behind does not know yet what has come: whoever has the
// block that two have is asked before it.
func TestNodeBehindByABlock(t *testing.T) {
	t.Parallel()
	behind := sound()
	behind[latest], behind["eth_getBalance"] = blockAt(39, time.Now()), `"0x0"`
	item := pay.SweepItem{Address: "0xa1", Receiver: "0x2", Salt: "0x3"}
	for n := range 3 {
		r := relayerOn(t, pay.Network{Finality: pay.Deep, Confirmations: 1}, slices.Insert([]answers{sound(), sound()}, n, behind)...)
		if p, err := r.Prepare(t.Context(), []pay.SweepItem{item}); err != nil || len(p.Items) != 1 || len(p.Left) != 0 {
			t.Errorf("node %d is behind: prepared %+v, %v", n+1, p, err)
		}
	}
}

// A node that lost a receipt, and is up to date, is not believed while another has it.
func TestNodeWithoutReceipt(t *testing.T) {
	t.Parallel()
	without := sound()
	without["eth_getTransactionReceipt"] = "null"
	r := relayerOn(t, pay.Network{Confirmations: 3}, without, sound())
	if f, err := r.Fate(t.Context(), relayOf(t, r.Key, 5, time.Now())); err != nil || f.State != pay.RelayDone {
		t.Errorf("its fate is %+v, %v", f, err)
	}
	r = relayerOn(t, pay.Network{Confirmations: 3}, without, answers{})
	if f, err := r.Fate(t.Context(), relayOf(t, r.Key, 5, time.Now())); err != nil || f.State != pay.RelayFailed {
		t.Errorf("when no node has it, its fate is %+v, %v", f, err)
	}
}
