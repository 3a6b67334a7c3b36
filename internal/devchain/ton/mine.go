package ton

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/pepay/pepay/internal/chain/ton"
)

func b64(hash []byte) string { return base64.StdEncoding.EncodeToString(hash) }

func sum(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) //nolint:gosec // small
		_, _ = h.Write(p)
	}
	return b64(h.Sum(nil))
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func shard(a ton.Address) string {
	if a[0]&0x80 == 0 {
		return shardLo
	}
	return shardHi
}

// Mine makes a block with what waits, and with all that it leads to: each message that is sent
// arrives in a later block of its shard.
func (c *Chain) Mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	seqno := uint32(len(c.rounds) + 1) //nolint:gosec // small
	r := round{blocks: make([]ton.Block, 1)}
	now := c.time()
	c.lt += 1000
	start := c.lt
	add := func(shard string, txs int) ton.BlockID {
		id := ton.BlockID{Workchain: 0, Shard: shard, Seqno: c.tops[shard] + 1}
		r.blocks = append(r.blocks, c.block(id, seqno, now, c.lt, txs, ton.BlockID{Workchain: 0, Shard: shard, Seqno: c.tops[shard]}))
		c.tops[shard]++
		return id
	}
	wave := c.waiting
	c.waiting = nil
	for len(wave) > 0 {
		var next []message
		for _, s := range []string{shardLo, shardHi} {
			c.lt += 1000
			var txs []ton.Tx
			for _, m := range wave {
				if shard(m.To) != s {
					continue
				}
				if tx, sent, ok := c.execute(m, now); ok {
					txs, next = append(txs, tx), append(next, sent...)
				}
			}
			if len(txs) == 0 {
				continue
			}
			id := add(s, len(txs))
			for i := range txs {
				txs[i].Block, txs[i].McSeqno, txs[i].Now = id, seqno, int64(now) //nolint:gosec // small
			}
			r.txs = append(r.txs, txs...)
		}
		wave = next
	}
	if len(r.txs) == 0 && seqno%2 == 0 { // shards are not always in step with the masterchain
		add(shardLo, 0)
	}
	hashes := []byte{}
	for _, t := range r.txs {
		hashes = append(hashes, t.Hash...)
	}
	r.blocks[0] = c.block(ton.BlockID{Workchain: -1, Shard: "8000000000000000", Seqno: seqno}, seqno, now, start, 0,
		ton.BlockID{Workchain: -1, Shard: "8000000000000000", Seqno: seqno - 1})
	prev := ""
	if seqno > 1 {
		prev = c.rounds[seqno-2].blocks[0].RootHash
	}
	r.blocks[0].RootHash = sum(number(uint64(seqno)), number(c.salt), []byte(prev), hashes)
	r.accounts, r.tops, r.lt = maps.Clone(c.accounts), maps.Clone(c.tops), c.lt
	if old := len(c.rounds) - keep; old >= 0 {
		c.rounds[old].accounts = nil
	}
	c.rounds = append(c.rounds, r)
}

func (c *Chain) block(id ton.BlockID, master uint32, now, lt uint64, txs int, prev ton.BlockID) ton.Block {
	return ton.Block{
		BlockID: id, RootHash: sum(number(uint64(id.Seqno)), []byte(id.Shard), number(c.salt)), GlobalID: ton.Testnet,
		GenUtime: ton.Number(now), StartLT: ton.Number(lt), TxCount: txs, Prev: []ton.BlockID{prev},
		MasterRef: &ton.BlockID{Workchain: -1, Shard: "8000000000000000", Seqno: master},
	}
}

// allTxs returns all transactions, newest first.
func (c *Chain) allTxs(keep func(ton.Tx) bool) (all []ton.Tx) {
	for _, r := range slices.Backward(c.rounds) {
		for _, t := range slices.Backward(r.txs) {
			if keep(t) {
				all = append(all, t)
			}
		}
	}
	return all
}
