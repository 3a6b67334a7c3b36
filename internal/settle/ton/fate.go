package ton

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// historyPages is how much of the relayer's history is searched for a relay.
const historyPages = 20

// Fate implements settle.Mover. Two nodes must say the same, if there are as many. A relay is
// done when every message that it led to has arrived. It is failed when another took its place,
// or when the masterchain is past its end and the wallet that sends it still waits for it. That is
// the wallet that it was signed for, which another key's may have replaced since.
func (m *Mover) Fate(ctx context.Context, l pay.Relay) (settle.Fate, error) {
	return ton.Agreed(ctx, m.Chain, func(ctx context.Context, n *ton.Node) (settle.Fate, error) { return m.fate(ctx, n, l) },
		func(a, b settle.Fate) (settle.Fate, bool) {
			return a, a.State == b.State && a.Mined == b.Mined && a.TxHash == b.TxHash && a.Reason == b.Reason && slices.Equal(a.Refused, b.Refused)
		})
}

func (m *Mover) fate(ctx context.Context, n *ton.Node, l pay.Relay) (f settle.Fate, err error) {
	f = settle.Fate{State: pay.RelaySent, TxHash: l.Sends[len(l.Sends)-1].TxHash}
	seqno, until := uint32(l.Nonce>>32), time.Unix(int64(uint32(l.Nonce)), 0) //nolint:gosec // two halves
	head, err := n.Head(ctx)
	if err != nil {
		return f, err
	}
	sender, _, err := opened(l.Sends[0])
	if err != nil {
		return f, fmt.Errorf("a stored message cannot be read: %w", err)
	}
	h, err := n.Holding(ctx, sender) // after the head, so that it is not older
	if err != nil {
		return f, err
	}
	w, now, err := ton.WalletAt(sender, h.Data)
	if err != nil {
		return f, err
	}
	if now <= seqno {
		if now == seqno && head.Time.After(until.Add(innerLife+margin)) {
			f.State, f.Reason = pay.RelayFailed, "it was not taken before its time was over"
		}
		return f, nil
	}
	t, ok, err := place(ctx, n, w, seqno)
	if err != nil || !ok {
		return f, err
	}
	if !slices.ContainsFunc(l.Sends, func(s pay.RelaySend) bool { return is(t, s) }) {
		f.State, f.Reason = pay.RelayFailed, "another transaction of the account took its place"
		return f, nil
	}
	f.Mined = true
	if f.TxHash, err = txHash(t); err != nil {
		return f, err
	}
	for _, i := range l.Sweeps {
		moved, arrived, err := m.moved(ctx, n, t, i)
		if err != nil || !arrived {
			return f, err
		}
		if !moved {
			f.Refused = append(f.Refused, i)
		}
	}
	f.State = pay.RelayDone
	return f, nil
}

func txHash(t ton.Tx) (string, error) {
	b, err := base64.StdEncoding.DecodeString(t.Hash)
	if err != nil || len(b) != 32 {
		return "", errors.New("a transaction without a hash")
	}
	return hex.EncodeToString(b), nil
}

// place returns the transaction of a wallet that used a sequence number.
func place(ctx context.Context, n *ton.Node, w ton.Wallet, seqno uint32) (found ton.Tx, ok bool, err error) {
	err = n.History(ctx, historyPages, func(t ton.Tx) bool {
		if t.In == nil || t.In.Source != nil {
			return true
		}
		r, signed, err := ton.ParseRequest(t.In.Body(), w.Key)
		if err != nil || !signed {
			return true
		}
		if ok = r.Seqno == seqno; ok {
			found = t
		}
		return r.Seqno > seqno
	}, w.Address())
	return found, ok, err
}

// is reports whether a transaction is that of a send.
func is(t ton.Tx, s pay.RelaySend) bool {
	_, body, err := opened(s)
	return err == nil && bytes.Equal(body.Hash(), t.In.Body().Hash())
}

// opened returns the wallet that a send is for, and the request that it brings.
func opened(s pay.RelaySend) (sender ton.Address, body *ton.Cell, err error) {
	message, err := decode(s)
	if err != nil {
		return sender, nil, err
	}
	sender, _, body, err = ton.ParseExternal(message)
	return sender, body, err
}

// moved follows the messages that a relay led to for one item, until they have all arrived.
func (m *Mover) moved(ctx context.Context, n *ton.Node, t ton.Tx, i pay.SweepItem) (moved, arrived bool, err error) {
	deposit, err := ton.Parse(i.Address, false)
	if err != nil {
		return false, false, err
	}
	to, err := ton.Parse(i.Receiver, m.Chain.Testnet)
	if err != nil {
		return false, false, err
	}
	path := []ton.Address{deposit, to}
	if i.Token != "" {
		j, err := m.Chain.Jetton(ctx, i.Token)
		if err != nil {
			return false, false, err
		}
		path = []ton.Address{deposit, j.Wallet(deposit), j.Wallet(to)}
	}
	for _, next := range path {
		at := slices.IndexFunc(t.Out, func(o ton.Msg) bool {
			to, ok := o.To()
			return ok && to == next && (o.Bounced == nil || !*o.Bounced)
		})
		if at < 0 {
			return false, true, nil
		}
		if i.Token == "" && next == to {
			return true, true, nil // plain coin stays where it is sent
		}
		var ok bool
		if t, ok, err = n.Receipt(ctx, t.Out[at]); err != nil || !ok {
			return false, false, err
		}
		if account, ok := t.At(); !ok || account != next {
			return false, false, fmt.Errorf("%s: a message arrived at another account", n.Name)
		}
	}
	return !t.Failed(), true, nil
}
