package ton

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// What messages about jettons are (TEP-74).
const (
	OpTransfer     = 0x0f8a7ea5 // owner to its jetton wallet
	OpInternal     = 0x178d4519 // jetton wallet to jetton wallet
	OpNotification = 0x7362d09c // jetton wallet to its owner
	OpExcesses     = 0xd53276db // what is left of the coin that paid for a transfer
)

// Jetton is a token: a master contract, and how the address of an owner's jetton wallet
// follows from the owner.
type Jetton struct {
	Master   Address
	Code     *Cell // of the jetton wallets
	Governed bool  // the wallets' data begins with a status and does not hold the code, as with USDT
}

// known are the jettons whose wallets' addresses can be computed without asking a node.
var known = []struct {
	master   string
	code     *Cell // a library cell: the code itself is on the masterchain
	decimals int
	governed bool
}{
	// Tether USD. The master's data names the code by this hash.
	{"UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p", mustCell("te6ccgEBAQEAIwAIQgKPRS16Tf10BmtoI2UXclntBXNENb52tf1L1divK3w9aA=="), 6, true},
}

// Known returns the jetton of a master, if its wallets' addresses can be computed without
// asking a node.
func Known(master string) (Jetton, bool) {
	for _, k := range known {
		if k.master == master {
			a, err := Parse(k.master, false)
			return Jetton{a, k.code, k.governed}, err == nil
		}
	}
	return Jetton{}, false
}

// Wallet returns the account that holds the token for an owner.
func (j Jetton) Wallet(owner Address) Address { return Address(j.Init(owner).Hash()) }

// Init returns the state that an owner's jetton wallet is deployed with.
func (j Jetton) Init(owner Address) *Cell { return stateInit(j.Code, j.Data(owner, new(big.Int))) }

// Data returns the data of an owner's jetton wallet that holds units.
func (j Jetton) Data(owner Address, units *big.Int) *Cell {
	b := cell.BeginCell()
	if j.Governed {
		b.MustStoreUInt(0, 4)
	}
	b.MustStoreBigCoins(units).MustStoreAddr(owner.cell()).MustStoreAddr(j.Master.cell())
	if !j.Governed {
		b.MustStoreRef(j.Code)
	}
	return b.EndCell()
}

// Lock is what the master of a governed jetton keeps a wallet of it from doing, 0 for nothing. The
// bits are those of the status in the wallet's data, which begins with them: see the comment on
// storage in github.com/ton-blockchain/stablecoin-contract, contracts/jetton-wallet.fc. The master
// itself may move units whatever they are, and units that come back are always taken.
type Lock uint8

// The locks.
const (
	LockedOut Lock = 1 << iota // its owner cannot send
	LockedIn                   // it cannot receive
)

// Holding reads the data of an owner's jetton wallet: no units for none, before it is deployed.
func (j Jetton) Holding(data *Cell) (owner Address, units *big.Int, lock Lock, err error) {
	if data == nil {
		return owner, new(big.Int), 0, nil
	}
	r := read(data)
	if j.Governed {
		lock = Lock(r.uint(4)) //nolint:gosec // of 4 bits
	}
	units = r.coins()
	owner, ok := r.address()
	master, _ := r.address()
	if r.err != nil || !ok || master != j.Master {
		return owner, nil, 0, errors.New("the account's data is not that of a wallet of the jetton")
	}
	return owner, units, lock, nil
}

// Transfer is what an owner asks of its jetton wallet.
type Transfer struct {
	Units   *big.Int
	To      Address
	Answer  Address  // gets what is left of the coin that paid
	Forward *big.Int // nanotons that tell the new owner
}

// Body returns the message's.
func (t Transfer) Body() *Cell {
	return cell.BeginCell().MustStoreUInt(OpTransfer, 32).MustStoreUInt(0, 64).MustStoreBigCoins(t.Units).MustStoreAddr(t.To.cell()).
		MustStoreAddr(t.Answer.cell()).MustStoreUInt(0, 1).MustStoreBigCoins(t.Forward).MustStoreUInt(0, 1).EndCell()
}

// ParseTransfer reads what Body wrote.
func ParseTransfer(body *Cell) (t Transfer, err error) {
	r := read(body)
	op := r.uint(32)
	r.uint(64)
	t.Units = r.coins()
	to, ok := r.address()
	t.To = to
	t.Answer, _ = r.address()
	r.maybeRef()
	t.Forward = r.coins()
	if r.err != nil || op != OpTransfer || !ok {
		return t, errors.New("not a transfer of a jetton")
	}
	return t, nil
}

// Arrival is what a jetton wallet tells another: units come from an owner, who is nobody when
// they are new.
type Arrival struct {
	Units   *big.Int
	From    Address
	Sent    bool // From says who
	Answer  Address
	Forward *big.Int
}

// Body returns the message's.
func (a Arrival) Body() *Cell {
	b := cell.BeginCell().MustStoreUInt(OpInternal, 32).MustStoreUInt(0, 64).MustStoreBigCoins(a.Units)
	if a.Sent {
		b.MustStoreAddr(a.From.cell())
	} else {
		b.MustStoreUInt(0, 2)
	}
	return b.MustStoreAddr(a.Answer.cell()).MustStoreBigCoins(a.Forward).MustStoreUInt(0, 1).EndCell()
}

// ParseArrival reads what Body wrote; false when the body is about something else.
func ParseArrival(body *Cell) (a Arrival, ok bool, err error) {
	if Op(body) != OpInternal {
		return a, false, nil
	}
	r := read(body)
	r.uint(32)
	r.uint(64)
	a.Units = r.coins()
	a.From, a.Sent = r.address()
	if r.err != nil {
		return a, true, errors.New("an arrival of a jetton that cannot be read")
	}
	if a.Answer, _ = r.address(); r.err == nil {
		a.Forward = r.coins()
	}
	return a, true, nil
}
