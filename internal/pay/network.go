package pay

import (
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

// Known reports whether the contract has a network of this name.
func (n NetworkName) Known() bool { return slices.Contains(Networks, n) }

// Network is a chain that this deployment watches, and its rules.
type Network struct {
	Name          NetworkName
	Environment   Environment
	ChainID       uint64
	Confirmations uint64        // blocks, counting the one with the deposit, until it counts
	BlockTime     time.Duration // usual time between blocks
	Simulated     bool          // there is no such chain: a program in the deployment pretends
	SweepMinimum  money.USD     // proceeds below this stay where they are until more arrive
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
}

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
