package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// EtherscanLike is the explorer at an address whose pages are named as Etherscan's are.
func EtherscanLike(base string) Explorer {
	return Explorer{Tx: base + "/tx/%s", Address: base + "/address/%s"}
}

// The tokens of EVM networks. The contracts of USDC are those that Circle publishes
// (developers.circle.com/stablecoins/usdc-contract-addresses), where it issues them; those
// of USDT on Ethereum and Avalanche are Tether's (tether.to/supported-protocols), those on
// Arbitrum and Optimism USDT0's, the form in which it is moved there. What is not its
// issuer's own on the network says so in its name.

func coin(id int64, symbol, name string) Token {
	return Token{ID: id, Symbol: symbol, Name: name, Type: Native, Decimals: 18, Price: symbol, Buffer: 50}
}

func dollar(id int64, symbol, name, address string) Token {
	return Token{ID: id, Symbol: symbol, Name: name, Type: ERC20, Address: address, Decimals: 6, Stable: true, Price: symbol}
}

func usdc(id int64, address string) Token { return dollar(id, "USDC", "USD Coin", address) }

func usdt(id int64, address, spelled string) Token {
	t := dollar(id, "USDT", "Tether USD", address)
	t.Spelled = spelled
	return t
}

// pegged is a token that Binance issues on its chain against one of another chain, with 18
// decimals instead of the usual six.
func pegged(t Token) Token {
	t.Decimals, t.Name = 18, t.Name+" (Binance-Peg)"
	return t
}

// play is a token that a faucet of BSC's testnet gives away, in the likeness of a pegged one.
func play(t Token) Token {
	t.Decimals, t.Name = 18, t.Name+" (faucet)"
	return t
}

// usdt0 is Tether's dollar as LayerZero's bridge issues it, against one locked on Ethereum.
func usdt0(id int64, address string) Token {
	t := dollar(id, "USDT0", "Tether USD (USDT0)", address)
	t.Price, t.Spelled = "USDT", "USD₮0"
	return t
}

// Ethereum is the mainnet of Ethereum. Twelve confirmations, about two and a half
// minutes, are what exchanges have long asked for; no reorganisation since the
// merge came near that depth. Its validators finalize a block after about 13 minutes,
// which is longer than a shop's customer waits.
var Ethereum = Network{
	Name: "ethereum", Environment: Mainnet, ChainID: 1, Confirmations: 12, BlockTime: 12 * time.Second, SweepMinimum: 5_00 * money.Cent,
	Explorer: EtherscanLike("https://etherscan.io"),
}

// evmListings are the six EVM networks of the contract, each with its testnet.
var evmListings = []Listing{
	list(Ethereum,
		coin(1, "ETH", "Ether"),
		usdc(2, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
		usdt(3, "0xdAC17F958D2ee523a2206206994597C13D831ec7", ""),
	),
	list(Network{
		Name: "ethereum", Environment: Devnet, ChainID: 11155111, Confirmations: 12, BlockTime: 12 * time.Second, Explorer: EtherscanLike("https://sepolia.etherscan.io"),
	}, coin(125, "ETH", "Sepolia Ether"), usdc(126, "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238")),

	// Base and Optimism are rollups of the OP stack: one sequencer makes the blocks, and they
	// follow from Ethereum some minutes later (safe), for good after 15 to 30 (finalized). A
	// payor cannot take a block back, the sequencer can, though everybody would see it; faults
	// of it have undone seconds. Exchanges count one block to a few dozen. The wait is a
	// minute on both: Base makes five blocks a second since its Denim upgrade
	// (docs.base.org, upgrades/denim).
	list(Network{
		Name: "base", Environment: Mainnet, ChainID: 8453, Confirmations: 300, BlockTime: 200 * time.Millisecond, SweepMinimum: 1_00 * money.Cent,
		Explorer: EtherscanLike("https://basescan.org"),
	}, coin(150, "ETH", "Ether"), usdc(151, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")), // Tether issues nothing on Base
	list(Network{
		Name: "base", Environment: Devnet, ChainID: 84532, Confirmations: 300, BlockTime: 200 * time.Millisecond, Explorer: EtherscanLike("https://sepolia.basescan.org"),
	}, coin(175, "ETH", "Base Sepolia Ether"), usdc(176, "0x036CbD53842c5426634e7929541eC2318f3dCF7e")),

	// Avalanche's validators agree on a block before there is a next one (Snowman): what a node
	// serves is accepted, and accepted is final.
	list(Network{
		Name: "avalanche", Environment: Mainnet, ChainID: 43114, Confirmations: 1, BlockTime: 2 * time.Second, SweepMinimum: 1_00 * money.Cent,
		Explorer: EtherscanLike("https://snowtrace.io"),
	}, coin(250, "AVAX", "Avalanche"),
		usdc(251, "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E"), usdt(252, "0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7", "USDt")),
	list(Network{
		Name: "avalanche", Environment: Devnet, ChainID: 43113, Confirmations: 1, BlockTime: 2 * time.Second, Explorer: EtherscanLike("https://testnet.snowtrace.io"),
	}, coin(275, "AVAX", "Fuji Avalanche"), usdc(276, "0x5425890298aed601595a70AB815c96711a31Bc65")),

	// BSC, on which refunds are paid: its validators vote a block final within two or three
	// more (BEP-126), and would lose their stake if they took it back. Depth says less there: a
	// validator makes 16 blocks in a row, so that 15 confirmations can all be one's.
	list(Network{
		Name: "bsc", Environment: Mainnet, ChainID: 56, Finality: Finalized, Confirmations: 3, BlockTime: 450 * time.Millisecond, SweepMinimum: 1_00 * money.Cent,
		Explorer: EtherscanLike("https://bscscan.com"),
	}, pegged(usdt(4, "0x55d398326f99059fF775485246999027B3197955", "")), pegged(usdc(5, "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d")),
		coin(350, "BNB", "BNB")),
	list(Network{
		Name: "bsc", Environment: Devnet, ChainID: 97, Finality: Finalized, Confirmations: 3, BlockTime: 450 * time.Millisecond, Explorer: EtherscanLike("https://testnet.bscscan.com"),
	}, coin(375, "BNB", "Testnet BNB"), play(usdt(377, "0x337610d27c682E347C9cD60BD4b3b107C9d34dDd", ""))),

	// Arbitrum is a rollup as Base is. Its sequencer has not taken a block back so far; 120
	// confirmations are half a minute.
	list(Network{
		Name: "arbitrum", Environment: Mainnet, ChainID: 42161, Confirmations: 120, BlockTime: 250 * time.Millisecond, SweepMinimum: 1_00 * money.Cent,
		Explorer: EtherscanLike("https://arbiscan.io"),
	}, coin(400, "ETH", "Ether"),
		usdc(401, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"), usdt0(402, "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9")),
	list(Network{
		Name: "arbitrum", Environment: Devnet, ChainID: 421614, Confirmations: 120, BlockTime: 250 * time.Millisecond, Explorer: EtherscanLike("https://sepolia.arbiscan.io"),
	}, coin(425, "ETH", "Arbitrum Sepolia Ether"), usdc(426, "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d")),

	// Optimism: see Base.
	list(Network{
		Name: "optimism", Environment: Mainnet, ChainID: 10, Confirmations: 30, BlockTime: 2 * time.Second, SweepMinimum: 1_00 * money.Cent,
		Explorer: EtherscanLike("https://optimistic.etherscan.io"),
	}, coin(450, "ETH", "Ether"),
		usdc(451, "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85"), usdt0(452, "0x01bFF41798a0BcF287b996046Ca68b395DbC1071")),
	list(Network{
		Name: "optimism", Environment: Devnet, ChainID: 11155420, Confirmations: 30, BlockTime: 2 * time.Second, Explorer: EtherscanLike("https://sepolia-optimism.etherscan.io"),
	}, coin(475, "ETH", "OP Sepolia Ether"), usdc(476, "0x5fd84259d66Cd46123540766Be93DFE6D43130D7")),
}
