package cardano

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
)

type object = map[string]any

// ServeHTTP answers as the API does, under /api/v0 or without that.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// routes is what there is of the API. A handler returns nil for what it does not know.
func (c *Chain) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(*http.Request) any{
		"/genesis":                          c.genesis,
		"/epochs/latest/parameters":         c.parameters,
		"/assets/{unit}":                    c.asset,
		"/blocks/{id}":                      func(r *http.Request) any { return shown(c.block(r), c.showBlock) },
		"/blocks/{id}/next":                 c.nextBlocks,
		"/blocks/{id}/txs/cbor":             c.blockTxs,
		"/txs/{hash}":                       func(r *http.Request) any { return shown(c.tx(r), c.showTx) },
		"/txs/{hash}/cbor":                  func(r *http.Request) any { return shown(c.tx(r), showRaw) },
		"/txs/{hash}/utxos":                 func(r *http.Request) any { return shown(c.tx(r), c.showUtxos) },
		"/addresses/{address}/utxos":        c.utxos,
		"/addresses/{address}/transactions": c.transactions,
	} {
		handle := func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			v := answer(r)
			c.mu.Unlock()
			if v == nil {
				refuse(w, http.StatusNotFound, "The requested component has not been found.")
				return
			}
			write(w, http.StatusOK, v)
		}
		mux.HandleFunc("GET "+pattern, handle)
		mux.HandleFunc("GET /api/v0"+pattern, handle)
	}
	mux.HandleFunc("POST /tx/submit", c.take)
	mux.HandleFunc("POST /api/v0/tx/submit", c.take)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "Invalid path. Please check https://docs.blockfrost.io/")
	})
	return mux
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, message string) {
	write(w, status, object{"status_code": status, "error": http.StatusText(status), "message": message})
}

// shown is how something found looks, nil for nothing.
func shown[T any](v *T, show func(*T) object) any {
	if v == nil {
		return nil
	}
	return show(v)
}

// page returns the part of a list that the query asks for.
func page[T any](r *http.Request, all []T) []T {
	number := func(key string, otherwise int) int {
		n, err := strconv.Atoi(r.URL.Query().Get(key))
		if err != nil || n < 1 {
			return otherwise
		}
		return n
	}
	count := min(number("count", 100), 100)
	from := min((min(number("page", 1), 1<<20)-1)*count, len(all))
	return all[from:min(from+count, len(all))]
}

func (c *Chain) take(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<18))
	if err != nil || r.Header.Get("Content-Type") != "application/cbor" {
		refuse(w, http.StatusUnsupportedMediaType, "Only application/cbor is taken.")
		return
	}
	if err := c.Submit(raw); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	t, _ := cardano.DecodeTx(raw) // it was taken
	write(w, http.StatusOK, t.Hash.String())
}

func (c *Chain) genesis(*http.Request) any {
	return object{
		"network_magic": Magic, "network_id": "Testnet", "epoch_length": 432000, "slot_length": 1, "security_param": 2160, "active_slots_coefficient": 0.05,
		"update_quorum": 5, "max_lovelace_supply": "45000000000000000", "system_start": c.o.Start.Unix(), "slots_per_kes_period": 129600, "max_kes_evolutions": 62,
	}
}

func (c *Chain) parameters(*http.Request) any {
	p := c.o.Params
	return object{
		"epoch": 0, "min_fee_a": p.FeePerByte, "min_fee_b": p.FeeBase, "max_tx_size": p.MaxTx, "max_val_size": strconv.Itoa(p.MaxValue),
		"coins_per_utxo_size": strconv.FormatUint(p.PerByte, 10), "coins_per_utxo_word": strconv.FormatUint(p.PerByte, 10),
		"protocol_major_ver": 10, "protocol_minor_ver": 0, "key_deposit": "2000000", "pool_deposit": "500000000", "min_utxo": strconv.FormatUint(p.PerByte, 10),
	}
}

func (c *Chain) asset(r *http.Request) any {
	i := slices.IndexFunc(c.o.Assets, func(a Asset) bool { return a.Unit == r.PathValue("unit") })
	if i < 0 {
		return nil
	}
	a := c.o.Assets[i]
	v := object{
		"asset": a.Unit, "policy_id": a.Unit[:56], "asset_name": a.Unit[56:], "quantity": "1000000000000000", "mint_or_burn_count": 1,
		"onchain_metadata": nil, "onchain_metadata_standard": nil, "metadata": nil,
	}
	if !a.Silent {
		v["metadata"] = object{"name": a.Ticker, "description": "for development", "ticker": a.Ticker, "url": nil, "logo": nil, "decimals": a.Decimals}
	}
	return v
}

// block returns the one that a path names, by hash, height or as the newest.
func (c *Chain) block(r *http.Request) *block {
	id := r.PathValue("id")
	if id == "latest" {
		return c.blocks[len(c.blocks)-1]
	}
	if h, err := strconv.ParseUint(id, 10, 64); err == nil && len(id) < 20 {
		if h < uint64(len(c.blocks)) {
			return c.blocks[h]
		}
		return nil
	}
	for _, b := range slices.Backward(c.blocks) {
		if b.hash == id {
			return b
		}
	}
	return nil
}

func (c *Chain) showBlock(b *block) object {
	v := object{
		"time": c.o.Start.Add(time.Duration(b.slot) * time.Second).Unix(), "height": b.height, "hash": b.hash, "slot": b.slot, "epoch": 0, "epoch_slot": b.slot,
		"tx_count": len(b.txs), "previous_block": nil, "next_block": nil, "confirmations": len(c.blocks) - 1 - int(b.height), "size": 3, "slot_leader": "Genesis",
	}
	if b.parent != "" {
		v["previous_block"] = b.parent
	}
	if b.height+1 < uint64(len(c.blocks)) {
		v["next_block"] = c.blocks[b.height+1].hash
	}
	return v
}

func (c *Chain) nextBlocks(r *http.Request) any {
	b := c.block(r)
	if b == nil {
		return nil
	}
	list := []object{}
	for _, b := range page(r, c.blocks[b.height+1:]) {
		list = append(list, c.showBlock(b))
	}
	return list
}

func (c *Chain) blockTxs(r *http.Request) any {
	b := c.block(r)
	if b == nil {
		return nil
	}
	list := []object{}
	for _, e := range page(r, b.txs) {
		list = append(list, object{"tx_hash": e.Hash.String(), "cbor": hex.EncodeToString(e.raw)})
	}
	return list
}

// tx returns the transaction that a path names, if it is in a block.
func (c *Chain) tx(r *http.Request) *entry {
	if e := c.txs[r.PathValue("hash")]; e != nil && e.block != nil {
		return e
	}
	return nil
}

func (c *Chain) showTx(e *entry) object {
	return object{
		"hash": e.Hash.String(), "block": e.block.hash, "block_height": e.block.height, "slot": e.block.slot, "index": slices.Index(e.block.txs, e),
		"block_time": c.o.Start.Add(time.Duration(e.block.slot) * time.Second).Unix(), "fees": strconv.FormatUint(e.Fee, 10), "size": e.Size,
		"invalid_before": nil, "invalid_hereafter": strconv.FormatUint(e.TTL, 10), "utxo_count": len(e.Spends()) + len(e.Makes()), "valid_contract": e.Valid,
	}
}

func showRaw(e *entry) object { return object{"cbor": hex.EncodeToString(e.raw)} }

func amounts(v cardano.Value) []object {
	list := []object{{"unit": "lovelace", "quantity": strconv.FormatUint(v.Lovelace, 10)}}
	for _, unit := range v.Units() {
		list = append(list, object{"unit": unit, "quantity": strconv.FormatUint(v.Assets[unit], 10)})
	}
	return list
}

func (c *Chain) showOut(r cardano.Ref, o *out) object {
	v := object{
		"address": o.Address, "tx_hash": r.Hash.String(), "tx_index": r.Index, "output_index": r.Index, "amount": amounts(o.Value), "block": o.by.block.hash,
		"data_hash": nil, "inline_datum": nil, "reference_script_hash": nil, "collateral": !o.by.Valid, "consumed_by_tx": nil,
	}
	if o.taken != nil && o.taken.block != nil {
		v["consumed_by_tx"] = o.taken.Hash.String()
	}
	return v
}

func (c *Chain) showUtxos(e *entry) object {
	inputs, outputs := []object{}, []object{}
	for _, r := range e.Spends() {
		if o := c.outs[r]; o != nil {
			inputs = append(inputs, c.showOut(r, o))
		}
	}
	for _, m := range e.Makes() {
		r := cardano.Ref{Hash: e.Hash, Index: uint64(m.Index)}
		outputs = append(outputs, c.showOut(r, c.outs[r]))
	}
	return object{"hash": e.Hash.String(), "inputs": inputs, "outputs": outputs}
}

func (c *Chain) utxos(r *http.Request) any {
	refs, known := c.at[r.PathValue("address")]
	if !known {
		return nil
	}
	list := []object{}
	for _, ref := range refs {
		if o := c.outs[ref]; o.here() {
			list = append(list, c.showOut(ref, o))
		}
	}
	if r.URL.Query().Get("order") == "desc" {
		slices.Reverse(list)
	}
	return page(r, list)
}

func (c *Chain) transactions(r *http.Request) any {
	address := r.PathValue("address")
	if _, known := c.at[address]; !known {
		return nil
	}
	from, _ := strconv.ParseUint(r.URL.Query().Get("from"), 10, 64)
	to, err := strconv.ParseUint(r.URL.Query().Get("to"), 10, 64)
	list := []object{}
	for _, b := range c.blocks {
		for _, e := range b.txs {
			if b.height >= from && (err != nil || b.height <= to) && c.touches(e, address) {
				list = append(list, c.showTx(e))
			}
		}
	}
	return page(r, list)
}

func (c *Chain) touches(e *entry, address string) bool {
	return slices.ContainsFunc(e.Makes(), func(m cardano.Made) bool { return m.Address == address }) ||
		slices.ContainsFunc(e.Spends(), func(r cardano.Ref) bool { return c.outs[r] != nil && c.outs[r].Address == address })
}
