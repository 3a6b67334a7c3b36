package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Ethereum is the mainnet of Ethereum. Twelve confirmations, about two and a half
// minutes, are what exchanges have long asked for; no reorganisation since the
// merge came near that depth.
var Ethereum = Network{
	Name: "ethereum", Environment: Mainnet, ChainID: 1, Confirmations: 12, BlockTime: 12 * time.Second, SweepMinimum: 5_00 * money.Cent,
}

// EthereumTokens are the tokens taken on Ethereum. The contracts are those that
// their issuers, Circle and Tether, publish.
var EthereumTokens = []Token{
	{ID: 1, Network: "ethereum", Environment: Mainnet, Symbol: "ETH", Name: "Ether", Type: Native, Decimals: 18, Price: "ETH", Buffer: 50},
	{ID: 2, Network: "ethereum", Environment: Mainnet, Symbol: "USDC", Name: "USD Coin", Type: ERC20, Address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", Decimals: 6, Stable: true, Price: "USDC"},
	{ID: 3, Network: "ethereum", Environment: Mainnet, Symbol: "USDT", Name: "Tether USD", Type: ERC20, Address: "0xdAC17F958D2ee523a2206206994597C13D831ec7", Decimals: 6, Stable: true, Price: "USDT"},
}

// BSC is the mainnet of BNB Smart Chain, on which refunds are paid. Its validators vote a
// block final within two or three more (BEP-126); fifteen confirmations are what was
// asked for before they did, and still only seconds.
var BSC = Network{
	Name: "bsc", Environment: Mainnet, ChainID: 56, Confirmations: 15, BlockTime: 750 * time.Millisecond, SweepMinimum: 1_00 * money.Cent,
}

// BSCTokens are the tokens taken on BSC: dollars that Binance issues against those of
// other chains, with 18 decimals instead of the usual six.
var BSCTokens = []Token{
	{ID: 4, Network: "bsc", Environment: Mainnet, Symbol: "USDT", Name: "Tether USD", Type: ERC20, Address: "0x55d398326f99059fF775485246999027B3197955", Decimals: 18, Stable: true, Price: "USDT"},
	{ID: 5, Network: "bsc", Environment: Mainnet, Symbol: "USDC", Name: "USD Coin", Type: ERC20, Address: "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", Decimals: 18, Stable: true, Price: "USDC"},
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
