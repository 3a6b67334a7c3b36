package ton

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const api = "/api/v3"

// ServeHTTP speaks the HTTP API, under /api/v3.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route := map[string]func(*http.Request) (any, int){
		"GET /masterchainInfo": c.info, "GET /blocks": c.blocks, "GET /masterchainBlockShardState": c.shards,
		"GET /transactionsByMasterchainBlock": c.ofBlock, "GET /transactions": c.transactions,
		"GET /transactionsByMessage": c.byMessage, "GET /accountStates": c.states,
		"POST /runGetMethod": c.method, "POST /message": c.message,
	}[r.Method+" "+strings.TrimPrefix(r.URL.Path, api)]
	var answer any = map[string]any{"code": 404, "error": "not found"}
	status := http.StatusNotFound
	if route != nil {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		answer, status = route(r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // who asked may be gone
}

func failed(status int, text string) (any, int) {
	return map[string]any{"code": status, "error": text}, status
}

func page[T any](r *http.Request, newestFirst []T) []T {
	limit, offset := 10, 0
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil {
		limit = min(max(n, 1), 1000)
	}
	if n, err := strconv.Atoi(r.FormValue("offset")); err == nil {
		offset = max(n, 0)
	}
	if r.FormValue("sort") == "asc" {
		slices.Reverse(newestFirst)
	}
	offset = min(offset, len(newestFirst))
	return newestFirst[offset:min(len(newestFirst), offset+limit)]
}

func (c *Chain) at(r *http.Request, name string) *round {
	n, err := strconv.Atoi(r.FormValue(name))
	if err != nil || n < 1 || n > len(c.rounds) {
		return nil
	}
	return &c.rounds[n-1]
}

func (c *Chain) info(*http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ton.MasterchainInfo{Last: &c.rounds[len(c.rounds)-1].blocks[0]}, http.StatusOK
}

func (c *Chain) blocks(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []ton.Block
	number := func(name string, otherwise ton.Number) ton.Number {
		if n, err := strconv.ParseUint(r.FormValue(name), 10, 63); err == nil {
			return ton.Number(n)
		}
		return otherwise
	}
	seqno, from, to := number("seqno", 1<<62), number("start_lt", 0), number("end_lt", 1<<62)
	rounds := c.rounds
	if r.FormValue("mc_seqno") != "" {
		if rounds = nil; c.at(r, "mc_seqno") != nil {
			rounds = []round{*c.at(r, "mc_seqno")}
		}
	}
	for _, one := range slices.Backward(rounds) {
		for _, b := range slices.Backward(one.blocks) {
			if w := r.FormValue("workchain"); (w == "" || w == strconv.Itoa(int(b.Workchain))) && (seqno == 1<<62 || ton.Number(b.Seqno) == seqno) &&
				b.StartLT >= from && b.StartLT <= to {
				all = append(all, b)
			}
		}
	}
	// By time only, as the real index does: blocks of one second are in any order.
	sign := -1
	if r.FormValue("sort") == "asc" {
		sign = 1
		slices.Reverse(all)
	}
	slices.SortStableFunc(all, func(a, b ton.Block) int {
		return cmp.Or(sign*cmp.Compare(a.GenUtime, b.GenUtime), strings.Compare(a.RootHash, b.RootHash))
	})
	if sign > 0 {
		slices.Reverse(all) // page turns it again
	}
	return ton.Blocks{Blocks: page(r, all)}, http.StatusOK
}

func (c *Chain) shards(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.at(r, "seqno")
	if one == nil {
		return failed(http.StatusNotFound, "blocks not found")
	}
	var all []ton.Block
	for _, s := range []string{shardLo, shardHi} {
		all = append(all, ton.Block{BlockID: ton.BlockID{Workchain: 0, Shard: s, Seqno: one.tops[s]}, GlobalID: ton.Testnet})
	}
	return ton.Blocks{Blocks: all}, http.StatusOK
}

func (c *Chain) ofBlock(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []ton.Tx
	if one := c.at(r, "seqno"); one != nil {
		all = slices.Clone(one.txs)
		slices.Reverse(all)
	}
	return ton.Transactions{Transactions: page(r, all)}, http.StatusOK
}

func hash64(text string) string {
	if b, err := hex.DecodeString(text); err == nil {
		return base64.StdEncoding.EncodeToString(b)
	}
	return strings.NewReplacer("-", "+", "_", "/").Replace(text)
}

func (c *Chain) transactions(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := map[string]bool{}
	_ = r.ParseForm()
	for _, text := range r.Form["account"] {
		a, err := ton.Parse(text, true)
		if err != nil {
			return failed(http.StatusUnprocessableEntity, "account: "+err.Error())
		}
		of[a.Raw()] = true
	}
	hash := hash64(r.FormValue("hash"))
	return ton.Transactions{Transactions: page(r, c.allTxs(func(t ton.Tx) bool {
		return (len(of) == 0 || of[t.Account]) && (hash == "" || t.Hash == hash)
	}))}, http.StatusOK
}

func (c *Chain) byMessage(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := hash64(r.FormValue("msg_hash"))
	return ton.Transactions{Transactions: page(r, c.allTxs(func(t ton.Tx) bool { return t.In.Hash == hash }))}, http.StatusOK
}

func (c *Chain) states(r *http.Request) (any, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = r.ParseForm()
	answer := ton.AccountStates{Accounts: []ton.AccountState{}}
	for _, text := range r.Form["address"] {
		a, err := ton.Parse(text, true)
		if err != nil {
			return failed(http.StatusUnprocessableEntity, "address: "+err.Error())
		}
		s, ok := c.accounts[a]
		if !ok {
			continue
		}
		balance := s.balance.String()
		one := ton.AccountState{Address: a.Raw(), Balance: &balance, Status: "uninit"}
		if data := s.data(); data != nil {
			text := ton.Encode64(data)
			one.Status, one.Data = "active", &text
		}
		answer.Accounts = append(answer.Accounts, one)
	}
	return answer, http.StatusOK
}

func (c *Chain) message(r *http.Request) (any, int) {
	var in ton.SendMessage
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return failed(http.StatusUnprocessableEntity, err.Error())
	}
	m, err := ton.Decode64(in.BoC)
	if err == nil {
		err = c.Submit(m)
	}
	if err != nil {
		return failed(http.StatusInternalServerError, "LITE_SERVER_UNKNOWN: "+err.Error())
	}
	return map[string]string{"message_hash": b64(m.Hash())}, http.StatusOK
}

// method runs the two methods of a jetton's master that are asked for.
func (c *Chain) method(r *http.Request) (any, int) {
	var in ton.MethodCall
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return failed(http.StatusUnprocessableEntity, err.Error())
	}
	a, err := ton.Parse(in.Address, true)
	c.mu.Lock()
	j, ok := c.jettons[a]
	c.mu.Unlock()
	if err != nil || !ok {
		return ton.MethodResult{ExitCode: -13, Stack: []ton.StackItem{}}, http.StatusOK
	}
	item := func(c *ton.Cell) ton.StackItem { return ton.StackItem{Type: "cell", Value: ton.Encode64(c)} }
	switch in.Method {
	case "get_jetton_data":
		num := ton.StackItem{Type: "num", Value: "0x1"}
		return ton.MethodResult{Stack: []ton.StackItem{num, num, item(addressCell(a)), item(content(j)), item(j.Code)}}, http.StatusOK
	case "get_wallet_address":
		if len(in.Stack) == 1 {
			text, _ := in.Stack[0].Value.(string)
			if arg, err := ton.Decode64(text); err == nil {
				if owner, err := arg.BeginParse().LoadAddr(); err == nil && len(owner.Data()) == 32 {
					return ton.MethodResult{Stack: []ton.StackItem{item(addressCell(j.Wallet(ton.Address(owner.Data()))))}}, http.StatusOK
				}
			}
		}
	}
	return ton.MethodResult{ExitCode: 11, Stack: []ton.StackItem{}}, http.StatusOK
}

func addressCell(a ton.Address) *ton.Cell {
	return cell.BeginCell().MustStoreAddr(address.NewAddress(0, 0, a[:])).EndCell()
}

// content is how a jetton describes itself (TEP-64).
func content(j ton.Jetton) *ton.Cell {
	if j.Governed {
		return cell.BeginCell().MustStoreUInt(1, 8).MustStoreStringSnake("https://example.com/usdt.json").EndCell()
	}
	dict := cell.NewDict(256)
	for key, value := range map[string]string{"symbol": "USDT", "decimals": "6"} {
		hash := sha256.Sum256([]byte(key))
		_ = dict.SetIntKey(new(big.Int).SetBytes(hash[:]), cell.BeginCell().MustStoreRef(cell.BeginCell().MustStoreUInt(0, 8).MustStoreStringSnake(value).EndCell()).EndCell())
	}
	return cell.BeginCell().MustStoreUInt(0, 8).MustStoreDict(dict).EndCell()
}
