package pay

import (
	"slices"
	"time"
)

// Listing is a network that comes with Pepay, and the tokens taken on it.
type Listing struct {
	Network
	Tokens []Token
}

// Listings are all of them, by the contract's names: of each the mainnet and its public
// testnet, which is of the environment devnet. The ids of tokens are stable for ever,
// since quotes and payments refer to them: 1 to 5 are from before there was a plan, 10
// and 11 are the development chain's, and the n-th network of the contract has the 50
// from 100+50n, the first 25 for its mainnet. From OwnTokens on they are the operator's.
var Listings = slices.Concat(evmListings, familyListings)

// OwnTokens is the least id of a token that an operator adds.
const OwnTokens = 1000

// Listed returns the network of a name in an environment, if it comes with Pepay.
func Listed(n NetworkName, e Environment) (Listing, bool) {
	i := slices.IndexFunc(Listings, func(l Listing) bool { return l.Name == n && l.Environment == e })
	if i < 0 {
		return Listing{}, false
	}
	return Listings[i], true
}

// list makes a listing: its tokens are of the network.
func list(n Network, ts ...Token) Listing {
	for i := range ts {
		ts[i].Network, ts[i].Environment = n.Name, n.Environment
	}
	return Listing{n, ts}
}

// Devchain is the development chain, in the place of Ethereum.
var Devchain = Network{
	Name: "ethereum", Environment: Devnet, ChainID: 1337, Confirmations: 3, BlockTime: time.Second,
}

// DevchainTokens returns the tokens of the development chain, whose dollar is the
// contract at the address.
func DevchainTokens(dollar string) []Token {
	return []Token{
		{ID: 10, Network: "ethereum", Environment: Devnet, Symbol: "DUSDC", Name: "Devnet USDC", Type: ERC20, Address: dollar, Decimals: 6, Stable: true, Price: "USDC"},
		{ID: 11, Network: "ethereum", Environment: Devnet, Symbol: "ETH", Name: "Devnet Ether", Type: Native, Decimals: 18, Price: "ETH", Buffer: 50},
	}
}
