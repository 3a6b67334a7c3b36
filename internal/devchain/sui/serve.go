package sui

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pepay/pepay/internal/chain/sui"
)

// maxRequest bounds what a caller sends.
const maxRequest = 1 << 20

// ServeHTTP answers a call of gRPC.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, ours := strings.CutPrefix(r.URL.Path, sui.Prefix)
	if !ours || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/grpc" {
		http.Error(w, "this is a node of gRPC", http.StatusUnsupportedMediaType)
		return
	}
	var answer sui.Fields
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		answer, err = c.call(method, body)
	}
	w.Header().Set("Content-Type", "application/grpc")
	code, message := 0, ""
	if err != nil {
		code, message = 2, err.Error()
		if e, ok := errors.AsType[sui.Refusal](err); ok {
			code, message = e.Code, e.Message
		}
		if e, ok := errors.AsType[errRefused](err); ok {
			code, message = sui.CodeInvalid, string(e)
		}
	} else {
		_, _ = w.Write(sui.Frame(answer))
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(code))
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", url.PathEscape(message))
}

func (c *Chain) call(method string, body []byte) (sui.Fields, error) {
	raw, err := sui.Unframe(body)
	if err != nil {
		return nil, sui.Refusal{Code: sui.CodeInvalid, Message: err.Error()}
	}
	m, err := sui.ParseMessage(raw)
	if err != nil {
		return nil, sui.Refusal{Code: sui.CodeInvalid, Message: err.Error()}
	}
	serve, ok := map[string]func(sui.Message) (sui.Fields, error){
		sui.GetServiceInfo: c.serviceInfo, sui.GetCheckpoint: c.checkpoint, sui.GetTransaction: c.transaction, sui.GetEpoch: c.getEpoch,
		sui.BatchGetObjects: c.objects,
		sui.GetCoinInfo:     c.coinInfo, sui.GetBalance: c.balance, sui.ListOwnedObjects: c.ownedObjects,
		sui.SimulateTransaction: c.simulateTransaction, sui.ExecuteTransaction: c.executeTransaction,
	}[method]
	if !ok {
		return nil, sui.Refusal{Code: sui.CodeUnimplemented, Message: "not implemented"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return serve(m)
}

// mask says which fields a caller wants.
type mask []string

func maskOf(m sui.Message, num protowire.Number) mask {
	paths, err := m.At(num)
	if err != nil {
		return nil
	}
	return paths.Texts(1)
}

// wants reports whether a field, or something in it, is wanted.
func (k mask) wants(path string) bool {
	return slices.ContainsFunc(k, func(p string) bool {
		return p == path || strings.HasPrefix(path, p+".") || strings.HasPrefix(p, path+".")
	})
}

func bcs(raw []byte) sui.Fields { return sui.Fields{}.Bytes(2, raw) }

func (c *Chain) serviceInfo(sui.Message) (sui.Fields, error) {
	return sui.Fields{}.Text(1, c.ID()).Text(2, "unknown").Uint(3, c.epoch).Uint(4, uint64(len(c.blocks)-1)).Uint(6, 0), nil
}

func (c *Chain) getEpoch(m sui.Message) (sui.Fields, error) {
	epoch := c.epoch
	if m.Has(1) {
		epoch = m.Uint(1)
	}
	i := slices.IndexFunc(c.blocks, func(b block) bool { return b.Epoch == epoch })
	if i < 0 && epoch != c.epoch {
		return nil, sui.Refusal{Code: sui.CodeNotFound, Message: "no such epoch"}
	}
	return sui.Fields{}.Bytes(1, sui.Fields{}.Uint(1, epoch).Uint(4, uint64(max(i, 0))).Uint(8, GasPrice)), nil
}

func (c *Chain) checkpoint(m sui.Message) (sui.Fields, error) {
	height, want := uint64(len(c.blocks)-1), maskOf(m, 3)
	if m.Has(1) {
		height = m.Uint(1)
	}
	if height >= uint64(len(c.blocks)) {
		return nil, sui.Refusal{Code: sui.CodeNotFound, Message: "Checkpoint " + strconv.FormatUint(height, 10) + " not found"}
	}
	b, out := c.blocks[height], sui.Fields{}
	if want.wants("digest") {
		out = out.Text(2, b.digest.String())
	}
	if want.wants("summary.bcs") {
		out = out.Bytes(3, sui.Fields{}.Bytes(1, bcs(b.raw)))
	}
	if want.wants("contents.bcs") {
		out = out.Bytes(5, sui.Fields{}.Bytes(1, bcs(b.contents)))
	}
	if want.wants("transactions") {
		for _, t := range b.txs {
			out = out.Bytes(6, t.render(want, "transactions."))
		}
	}
	return sui.Fields{}.Bytes(1, out), nil
}

func (c *Chain) transaction(m sui.Message) (sui.Fields, error) {
	t, ok := c.txs[m.Text(1)]
	if !ok {
		return nil, sui.Refusal{Code: sui.CodeNotFound, Message: "Transaction " + m.Text(1) + " not found"}
	}
	return sui.Fields{}.Bytes(1, t.render(maskOf(m, 2), "")), nil
}

// render shows a transaction as a node does.
func (t *tx) render(want mask, at string) (out sui.Fields) {
	if want.wants(at + "digest") {
		out = out.Text(1, t.digest.String())
	}
	if want.wants(at + "transaction.sender") {
		out = out.Bytes(2, sui.Fields{}.Text(5, t.sender.String()))
	}
	var effects sui.Fields
	if want.wants(at + "effects.status") {
		status := sui.Fields{}.Uint(1, 1)
		if t.failure != "" {
			status = sui.Fields{}.Uint(1, 0).Bytes(2, sui.Fields{}.Text(1, t.failure))
		}
		effects = effects.Bytes(4, status)
	}
	if want.wants(at + "effects.gas_used") {
		effects = effects.Bytes(6, sui.Fields{}.Uint(1, t.gas.computation).Uint(2, t.gas.storage).Uint(3, t.gas.rebate).Uint(4, t.gas.kept))
	}
	if len(effects) > 0 {
		out = out.Bytes(4, effects)
	}
	if want.wants(at+"checkpoint") && t.included {
		out = out.Uint(6, t.height)
	}
	if want.wants(at + "balance_changes") {
		for h, n := range sorted(t.changes) {
			out = out.Bytes(8, sui.Fields{}.Text(1, h.address.String()).Text(2, h.coin).Text(3, n.String()))
		}
	}
	return out
}

// sorted yields by address and coin, as nodes do.
func sorted(changes map[holder]*big.Int) func(func(holder, *big.Int) bool) {
	var hs []holder
	for h := range changes {
		hs = append(hs, h)
	}
	slices.SortFunc(hs, func(a, b holder) int {
		return cmp.Or(slices.Compare(a.address[:], b.address[:]), cmp.Compare(a.coin, b.coin))
	})
	return func(yield func(holder, *big.Int) bool) {
		for _, h := range hs {
			if !yield(h, changes[h]) {
				return
			}
		}
	}
}

func (c *Chain) coinInfo(m sui.Message) (sui.Fields, error) {
	name, err := fullCoin(m.Text(1))
	if err != nil {
		return nil, sui.Refusal{Code: sui.CodeInvalid, Message: err.Error()}
	}
	decimals, symbol := uint64(6), "USDC"
	switch name {
	case sui.Native:
		decimals, symbol = 9, "SUI"
	case Dollar, FakeDollar:
	default:
		return nil, sui.Refusal{Code: sui.CodeNotFound, Message: "Coin type " + m.Text(1) + " not found"}
	}
	return sui.Fields{}.Text(1, name).Bytes(2, sui.Fields{}.Uint(2, decimals).Text(3, symbol).Text(4, symbol)), nil
}

// fullCoin reads a coin type in any form.
func fullCoin(s string) (string, error) {
	if token, err := sui.CanonicalCoin(s); token != "" || err != nil {
		return token, err
	}
	return sui.Native, nil
}

func (c *Chain) owner(m sui.Message, coin string) (h holder, err error) {
	if h.address, err = sui.ParseAddress(m.Text(1)); err == nil {
		h.coin, err = fullCoin(coin)
	}
	if err != nil {
		return h, sui.Refusal{Code: sui.CodeInvalid, Message: err.Error()}
	}
	return h, nil
}

func (c *Chain) balance(m sui.Message) (sui.Fields, error) {
	h, err := c.owner(m, m.Text(2))
	if err != nil {
		return nil, err
	}
	coins := uint64(0)
	for _, o := range c.coins(h) {
		coins += o.units
	}
	held := c.state.held[h]
	return sui.Fields{}.Bytes(1, sui.Fields{}.Text(1, h.coin).Uint(3, coins+held).Uint(4, held).Uint(5, coins)), nil
}

// coins returns an owner's coins, the largest first.
func (c *Chain) coins(h holder) (coins []object) {
	for _, o := range c.state.objects {
		if o.owner == h.address && o.coin == h.coin {
			coins = append(coins, o)
		}
	}
	slices.SortFunc(coins, func(a, b object) int {
		return cmp.Or(cmp.Compare(b.units, a.units), slices.Compare(a.ID[:], b.ID[:]))
	})
	return coins
}

// objects serves coins as they are now, by their ids.
func (c *Chain) objects(m sui.Message) (out sui.Fields, err error) {
	want := maskOf(m, 2)
	err = m.Each(1, func(m sui.Message) error {
		id, err := sui.ParseAddress(m.Text(1))
		if err != nil {
			return sui.Refusal{Code: sui.CodeInvalid, Message: err.Error()}
		}
		if o, ok := c.state.objects[id]; ok {
			out = out.Bytes(1, sui.Fields{}.Bytes(1, o.render(want)))
		} else {
			out = out.Bytes(1, sui.Fields{}.Bytes(2, sui.Fields{}.Uint(1, sui.CodeNotFound)))
		}
		return nil
	})
	return out, err
}

// render shows a coin as a node does.
func (o object) render(want mask) (f sui.Fields) {
	if want.wants("object_id") {
		f = f.Text(2, o.ID.String())
	}
	if want.wants("version") {
		f = f.Uint(3, o.Version)
	}
	if want.wants("digest") {
		f = f.Text(4, o.Digest.String())
	}
	if want.wants("owner") {
		f = f.Bytes(5, sui.Fields{}.Uint(1, 1).Text(2, o.owner.String()))
	}
	if want.wants("previous_transaction") {
		f = f.Text(10, o.by.String())
	}
	if want.wants("balance") {
		f = f.Uint(101, o.units)
	}
	return f
}

func (c *Chain) ownedObjects(m sui.Message) (sui.Fields, error) {
	kind, ok := strings.CutPrefix(m.Text(5), "0x2::coin::Coin<")
	kind, ok2 := strings.CutSuffix(kind, ">")
	if !ok || !ok2 {
		return nil, sui.Refusal{Code: sui.CodeInvalid, Message: "only coins are served"}
	}
	h, err := c.owner(m, kind)
	if err != nil {
		return nil, err
	}
	coins, size := c.coins(h), 50
	if n := m.Uint(2); n > 0 {
		size = int(min(n, 1000)) //nolint:gosec // small
	}
	from, err := strconv.Atoi(cmp.Or(m.Text(3), "0"))
	if err != nil || from < 0 {
		return nil, sui.Refusal{Code: sui.CodeInvalid, Message: "invalid page_token"}
	}
	coins = coins[min(from, len(coins)):]
	want, out := maskOf(m, 4), sui.Fields{}
	for _, o := range coins[:min(size, len(coins))] {
		out = out.Bytes(1, o.render(want))
	}
	if len(coins) > size {
		out = out.Text(2, strconv.Itoa(from+size))
	}
	return out, nil
}

// decode reads the transaction of a request.
func decode(m sui.Message) (raw []byte, t sui.Transaction, err error) {
	encoded, err := m.At(1, 1)
	if err != nil {
		return nil, t, errRefused(err.Error())
	}
	raw = encoded.Bytes(2)
	if t, err = sui.DecodeTransaction(raw); err != nil {
		return nil, t, errRefused(err.Error())
	}
	return raw, t, nil
}

func (c *Chain) simulateTransaction(m sui.Message) (sui.Fields, error) {
	raw, t, err := decode(m)
	if err != nil {
		return nil, err
	}
	if err := c.check(t); err != nil {
		return nil, err
	}
	state, pending, made, txs := c.state, c.pending, c.made, maps.Clone(c.txs)
	done := c.execute(t, sui.TxDigest(raw))
	c.state, c.pending, c.made, c.txs = state, pending, made, txs
	return sui.Fields{}.Bytes(1, done.render(maskOf(m, 2), "transaction.")), nil
}

func (c *Chain) executeTransaction(m sui.Message) (sui.Fields, error) {
	raw, t, err := decode(m)
	if err != nil {
		return nil, err
	}
	signers := map[sui.Address]bool{}
	if err := m.Each(2, func(m sui.Message) error {
		signature, err := m.At(1)
		if err != nil {
			return err
		}
		a, err := sui.Signer(signature.Bytes(2), raw)
		signers[a] = true
		return err
	}); err != nil {
		return nil, errRefused("Invalid user signature: " + err.Error())
	}
	if want := map[sui.Address]bool{t.Sender: true, t.Payer: true}; len(signers) != len(want) || !signers[t.Sender] || !signers[t.Payer] {
		return nil, errRefused("Required signatures are absent")
	}
	digest := sui.TxDigest(raw)
	done, ok := c.txs[digest.String()]
	if !ok { // twice is once
		if err := c.check(t); err != nil {
			return nil, err
		}
		done = c.execute(t, digest)
	}
	want := maskOf(m, 3)
	if len(want) == 0 {
		want = mask{"effects.status", "checkpoint"}
	}
	return sui.Fields{}.Bytes(1, done.render(want, "")), nil
}
