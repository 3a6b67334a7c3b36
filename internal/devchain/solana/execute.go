package solana

import (
	"maps"
	"slices"

	"github.com/pepay/pepay/internal/chain/solana"
)

// signatureFee is what each signature costs, in lamports.
const signatureFee = 5000

// rent is the least that an account of a size must hold.
func rent(size int) uint64 { return uint64(128+size) * 6960 } //nolint:gosec // small

// fault is an error of an instruction, by the number that the programs give it, or by name.
type fault struct {
	custom int
	name   string
}

func (f fault) wire() any {
	if f.name != "" {
		return f.name
	}
	return map[string]int{"Custom": f.custom}
}

// The faults that programs report.
var (
	missingSignature = &fault{name: "MissingRequiredSignature"}
	invalidData      = &fault{name: "InvalidInstructionData"}
	invalidAccount   = &fault{name: "InvalidAccountData"}
	wrongSeeds       = &fault{name: "InvalidSeeds"}
	readOnly         = &fault{name: "ReadonlyLamportChange"}
	insufficient     = &fault{custom: 1}
	mismatch         = &fault{custom: 3}
	wrongOwner       = &fault{custom: 4}
	notEmpty         = &fault{custom: 11}
	frozen           = &fault{custom: 17}
	wrongDecimals    = &fault{custom: 18}
)

// execute runs a transaction on the accounts that there are; false when it has no place in a
// block at all.
func (c *Chain) execute(s state, t solana.Transaction) (r *record, after state, ok bool) {
	m := t.Message
	if !c.recent(m.Blockhash) || c.records[t.ID()] != nil {
		return nil, nil, false
	}
	r = &record{id: t.ID(), tx: t, fee: fee(m)}
	read := func(s state) (all []solana.Account) {
		for _, k := range m.Keys {
			all = append(all, s[k])
		}
		return all
	}
	r.pre = read(s)
	payer := s[m.Keys[0]]
	if payer.Lamports < r.fee || payer.Lamports-r.fee < rent(0) && payer.Lamports != r.fee || len(payer.Data) > 0 {
		return nil, nil, false
	}
	paid := maps.Clone(s)
	payer.Lamports -= r.fee
	paid[m.Keys[0]] = payer
	after = maps.Clone(paid)
	for i, x := range m.Instructions {
		if f := apply(after, m, x); f != nil {
			r.failure = map[string]any{"InstructionError": []any{i, f.wire()}}
			break
		}
	}
	for i, k := range m.Keys {
		switch a := after[k]; {
		case a.Lamports == 0:
			delete(after, k)
		case a.Lamports < rent(len(a.Data)) && a.Lamports != s[k].Lamports && r.failure == nil:
			r.failure = map[string]any{"InsufficientFundsForRent": map[string]int{"account_index": i}}
		}
	}
	if r.failure != nil {
		after = paid
	}
	r.post = read(after)
	return r, after, true
}

// fee is what a transaction costs: its signatures, and what it offers for computation.
func fee(m solana.Message) uint64 {
	limit, price := uint64(200_000*len(m.Instructions)), uint64(0) //nolint:gosec // small
	for _, x := range m.Instructions {
		switch v, _ := m.Read(x); v.Op {
		case "limit":
			limit = v.Units
		case "price":
			price = v.Units
		}
	}
	return uint64(m.Signed)*signatureFee + (limit*price+999_999)/1_000_000 //nolint:gosec // small
}

// apply runs an instruction, which changes the accounts or fails.
func apply(s state, m solana.Message, x solana.Compiled) *fault {
	v, ok := m.Read(x)
	if !ok {
		return invalidData
	}
	signer := func(i int) bool { return slices.Index(m.Keys, v.Accounts[i]) < m.Signed }
	for i, place := range x.Accounts { // those whose lamports or data the instruction changes
		changes := map[string][]int{"transfer": {0, 1}, "create": {0, 1}, "tokens": {0, 2}, "close": {0, 1}}[v.Op]
		if slices.Contains(changes, i) && !m.Writable(int(place)) {
			return readOnly
		}
	}
	switch program := m.Keys[x.Program]; v.Op {
	case "transfer":
		if !signer(0) {
			return missingSignature
		}
		return pay(s, v.Accounts[0], v.Accounts[1], v.Units)
	case "create":
		if !signer(0) {
			return missingSignature
		}
		return create(s, v.Accounts)
	case "tokens":
		if !signer(3) {
			return missingSignature
		}
		return move(s, program, v)
	case "close":
		if !signer(2) {
			return missingSignature
		}
		return closeAccount(s, program, v)
	}
	return nil
}

// pay moves lamports of an account that is no program's.
func pay(s state, from, to solana.Key, lamports uint64) *fault {
	a := s[from]
	if len(a.Data) > 0 {
		return invalidAccount
	}
	if a.Lamports < lamports {
		return insufficient
	}
	a.Lamports -= lamports
	s[from] = a
	b, ok := s[to]
	if !ok {
		b.Owner = solana.System.String()
	}
	b.Lamports += lamports
	s[to] = b
	return nil
}

// create makes a token account if there is none.
func create(s state, keys []solana.Key) *fault {
	payer, account, owner, mint, program := keys[0], keys[1], keys[2], keys[3], keys[5]
	if solana.TokenAccount(owner, program, mint) != account {
		return wrongSeeds
	}
	m, err := solana.ParseMint(s[mint])
	if err != nil || m.Program != program {
		return invalidAccount
	}
	if _, ok := s[account]; ok {
		h, err := solana.ParseHolding(s[account])
		if err != nil || h.Owner != owner || h.Mint != mint {
			return wrongOwner
		}
		return nil
	}
	data := holding(program, mint, owner, 0)
	if f := pay(s, payer, account, rent(len(data))); f != nil {
		return f
	}
	s[account] = solana.Account{Lamports: s[account].Lamports, Owner: program.String(), Data: data}
	return nil
}

// holding lays out a token account. Of Token-2022 its owner can never change, and there is
// room for what fees and hooks of its mint may need.
func holding(program, mint, owner solana.Key, units uint64) []byte {
	d := slices.Concat(mint[:], owner[:], number(units), make([]byte, 93))
	d[108] = 1
	if program == solana.Token2022 {
		d = slices.Concat(d, []byte{2, 7, 0, 0, 0, 2, 0, 8, 0}, number(0), []byte{15, 0, 1, 0, 0})
	}
	return d
}

func move(s state, program solana.Key, v solana.Move) *fault {
	from, mint, to, owner := v.Accounts[0], v.Accounts[1], v.Accounts[2], v.Accounts[3]
	a, err1 := solana.ParseHolding(s[from])
	b, err2 := solana.ParseHolding(s[to])
	m, err3 := solana.ParseMint(s[mint])
	switch {
	case err1 != nil || err2 != nil || err3 != nil || m.Program != program || s[from].Owner != program.String() || s[to].Owner != program.String() || b.Memo:
		return invalidAccount
	case a.Mint != mint || b.Mint != mint:
		return mismatch
	case a.Owner != owner:
		return wrongOwner
	case a.Frozen || b.Frozen:
		return frozen
	case v.Decimals != m.Decimals:
		return wrongDecimals
	case a.Units < v.Units:
		return insufficient
	case from == to:
		return nil
	}
	set(s, from, a.Units-v.Units)
	set(s, to, b.Units+v.Units)
	return nil
}

func set(s state, k solana.Key, units uint64) {
	a := s[k]
	a.Data = slices.Concat(a.Data[:64], number(units), a.Data[72:])
	s[k] = a
}

func closeAccount(s state, program solana.Key, v solana.Move) *fault {
	account, to, owner := v.Accounts[0], v.Accounts[1], v.Accounts[2]
	h, err := solana.ParseHolding(s[account])
	switch {
	case err != nil || s[account].Owner != program.String() || account == to:
		return invalidAccount
	case h.Owner != owner:
		return wrongOwner
	case h.Units != 0:
		return notEmpty
	}
	lamports := s[account].Lamports
	s[account] = solana.Account{Lamports: lamports, Owner: solana.System.String()}
	return pay(s, account, to, lamports)
}
