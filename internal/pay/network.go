package pay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Environment separates test money from real money.
type Environment string

// The two environments of the contract.
const (
	Devnet  Environment = "devnet"
	Mainnet Environment = "mainnet"
)

// NetworkName is a network's name in the contract.
type NetworkName string

// Networks are the names the contract knows, in its order. A deployment serves
// those it has a Network for.
var Networks = []NetworkName{
	"ethereum", "base", "solana", "avalanche", "ton", "bsc", "arbitrum", "optimism", "cardano", "sui",
}

// Finality is what makes a block final on a network.
type Finality string

// Either enough blocks follow it, or the network itself says so.
const (
	Deep      Finality = ""          // Confirmations
	Safe      Finality = "safe"      // the nodes' block tag of that name: on a rollup, what stands on its parent chain
	Finalized Finality = "finalized" // the nodes' block tag of that name: what the validators voted final
)

// Network is a chain that this deployment watches, and its rules.
type Network struct {
	Name        NetworkName
	Environment Environment
	ChainID     uint64 // of the EVM family; 0 elsewhere
	Identity    string // what names the chain elsewhere: its first block or checkpoint, or Cardano's network magic
	Finality    Finality
	// Confirmations are the blocks, counting the one with the deposit, until it counts. Where
	// Finality is a tag they decide nothing: they are how many it usually takes.
	Confirmations uint64
	BlockTime     time.Duration // usual time between blocks
	Simulated     bool          // there is no such chain: a program in the deployment pretends
	SweepMinimum  money.USD     // proceeds below this stay where they are until more arrive
	Explorer      Explorer
}

// Explorer is where people look things up, as addresses in which %s stands for what is
// looked up; they are empty where there is nobody to ask.
type Explorer struct{ Tx, Address string }

// TxURL returns where people look up a transaction, "" for nowhere.
func (e Explorer) TxURL(hash string) string { return strings.Replace(e.Tx, "%s", hash, 1) }

// AddressURL returns where people look up an address, "" for nowhere.
func (e Explorer) AddressURL(address string) string {
	return strings.Replace(e.Address, "%s", address, 1)
}

// TokenType is how a token lives on its network.
type TokenType string

// The token types of the contract, and ours for Cardano, which it has none for.
const (
	Native TokenType = "native"
	ERC20  TokenType = "erc20"
	SPL    TokenType = "spl"     // a mint of Solana, of either token program
	Jetton TokenType = "ton"     // a jetton master of TON
	Coin   TokenType = "sui"     // a coin type of Sui
	Asset  TokenType = "cardano" // a native asset of Cardano
)

// Token is an asset on one network.
type Token struct {
	ID          int64 // stable for ever: quotes and payments refer to it
	Network     NetworkName
	Environment Environment
	Symbol      string
	Name        string
	Type        TokenType
	Address     string // the contract, in the network's canonical form; "" when native
	Decimals    int
	Stable      bool   // settles as a dollar
	Price       string // the symbol its price is quoted under, as in "ETH"
	Buffer      int64  // basis points added to a quote against price moves
	Photo       string // path or address of its logo, "" for none
	Spelled     string // how its contract writes the symbol, where that is not Symbol
}

// Written returns the symbol that the token's contract must answer with.
func (t Token) Written() string { return cmp.Or(t.Spelled, t.Symbol) }

// Registry is every network and token that a deployment serves. It is read-only
// once built.
type Registry struct {
	Networks []Network
	Tokens   []Token
}

// Network returns the network of that name, if it is served.
func (r *Registry) Network(name NetworkName) (Network, bool) {
	i := slices.IndexFunc(r.Networks, func(n Network) bool { return n.Name == name })
	if i < 0 {
		return Network{}, false
	}
	return r.Networks[i], true
}

// Names are the networks that callers may name: the contract's, in its order, and those of
// the operator's own that are served.
func (r *Registry) Names() []NetworkName {
	names := slices.Clone(Networks)
	for _, n := range r.Networks {
		if !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// Known reports whether there is a network of this name, served or not.
func (r *Registry) Known(n NetworkName) bool { return slices.Contains(r.Names(), n) }

// SimulatedToken is what simulated payments are made in: a dollar that there is not, on
// any network.
var SimulatedToken = Token{ID: -1, Environment: Devnet, Symbol: "USDC", Name: "Simulated USD Coin", Decimals: 6, Stable: true, Price: "USDC"}

// Token returns the token with that id, if it is served or simulated.
func (r *Registry) Token(id int64) (Token, bool) {
	if id == SimulatedToken.ID {
		return SimulatedToken, true
	}
	i := slices.IndexFunc(r.Tokens, func(t Token) bool { return t.ID == id })
	if i < 0 {
		return Token{}, false
	}
	return r.Tokens[i], true
}

// TokenAt returns the token that lives at a contract address of a network, or the
// network's native token for "".
func (r *Registry) TokenAt(n NetworkName, address string) (Token, bool) {
	i := slices.IndexFunc(r.Tokens, func(t Token) bool { return t.Network == n && t.Address == address })
	if i < 0 {
		return Token{}, false
	}
	return r.Tokens[i], true
}

// Title is the network's name for people.
func (n NetworkName) Title() string {
	switch n {
	case "bsc", "ton":
		return strings.ToUpper(string(n))
	case "":
		return ""
	}
	return strings.ToUpper(string(n[:1])) + string(n[1:])
}

// Family is a kind of network: those of one family have the same form of addresses, and
// are read, paid and settled in the same way.
type Family string

// The families of the contract's networks.
const (
	EVM     Family = "evm"
	Solana  Family = "solana"
	TON     Family = "ton"
	Sui     Family = "sui"
	Cardano Family = "cardano"
)

// Families are all of them, in the contract's order of their first networks.
var Families = []Family{EVM, Solana, TON, Cardano, Sui}

// Family returns the network's: EVM unless it is one of its own.
func (n NetworkName) Family() Family {
	if f := Family(n); f != EVM && slices.Contains(Families, f) {
		return f
	}
	return EVM
}

// URIScheme is how addresses begin that open a wallet with a payment on the family's
// networks, before the colon.
func (f Family) URIScheme() string {
	switch f {
	case Solana, TON, Sui:
		return string(f)
	case Cardano:
		return "web+cardano"
	case EVM:
	}
	return "ethereum"
}

// Shared reports whether an address given out on one network of the family is the
// merchant's on all of them. On EVM networks the same contract makes them all, and a
// network on which it is not ours is not served.
func (f Family) Shared() bool { return f == EVM }

// Shares reports whether an address given out on the other network is the merchant's on
// this one, too.
func (n NetworkName) Shares(other NetworkName) bool {
	return n == other || n.Family() == other.Family() && n.Family().Shared()
}
