package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// familyListings are the networks that are a family of their own, each with its testnet.
// What names the chains: Solana's clusters are known by the hash of their first block,
// Sui's by the digest of the first checkpoint (docs.rs/sui-types), Cardano's by the magic
// number of the genesis (764824073 and, for preprod, 1).
var familyListings = []Listing{
	// A block of Solana is final once the stake has voted that it is, after some seconds, or less
	// where Alpenglow decides: nothing less is looked at. Slots took 400 ms until August 2026.
	list(Network{
		Name: "solana", Environment: Mainnet, Identity: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d", Confirmations: 1, BlockTime: 200 * time.Millisecond, SweepMinimum: 10 * money.Cent,
		Explorer: Explorer{Tx: "https://solscan.io/tx/%s", Address: "https://solscan.io/account/%s"},
	},
		native(200, "SOL", "Solana", 9),
		stable(201, "USDC", "USD Coin", SPL, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
		stable(202, "USDT", "Tether USD", SPL, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
	),
	list(Network{
		Name: "solana", Environment: Devnet, Identity: "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG", Confirmations: 1, BlockTime: 200 * time.Millisecond,
		Explorer: Explorer{Tx: "https://solscan.io/tx/%s?cluster=devnet", Address: "https://solscan.io/account/%s?cluster=devnet"},
	}, native(225, "SOL", "Devnet Solana", 9), stable(226, "USDC", "USD Coin", SPL, "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU")),
	// Validators sign each block of TON's masterchain before the next: it is final at once.
	list(Network{
		Name: "ton", Environment: Mainnet, Confirmations: 1, BlockTime: 400 * time.Millisecond, SweepMinimum: 50 * money.Cent,
		Explorer: Explorer{Tx: "https://tonviewer.com/transaction/%s", Address: "https://tonviewer.com/%s"},
	},
		native(300, "TON", "Gram (Toncoin)", 9),
		spelled("USD₮", stable(301, "USDT", "Tether USD", Jetton, "UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p")),
	),
	list(Network{
		Name: "ton", Environment: Devnet, Confirmations: 1, BlockTime: 450 * time.Millisecond,
		Explorer: Explorer{Tx: "https://testnet.tonviewer.com/transaction/%s", Address: "https://testnet.tonviewer.com/%s"},
	}, native(325, "TON", "Testnet Gram (Toncoin)", 9)),
	// Cardano promises no finality but by depth; fifteen blocks, about five minutes, are what
	// exchanges ask for, and rollbacks of more than a few are not known. Its dollar is Circle's
	// against USDC locked on Ethereum (developers.circle.com/xreserve, in supported blockchains).
	// Those of other issuers have no price that two of our sources tell.
	list(Network{
		Name: "cardano", Environment: Mainnet, Identity: "764824073", Confirmations: 15, BlockTime: 20 * time.Second, SweepMinimum: 2_00 * money.Cent,
		Explorer: Explorer{Tx: "https://cardanoscan.io/transaction/%s", Address: "https://cardanoscan.io/address/%s"},
	},
		native(500, "ADA", "Cardano", 6),
		Token{
			ID: 501, Symbol: "USDCx", Name: "USD Coin (Circle xReserve)", Type: Asset, Address: "1f3aec8bfe7ea4fe14c5f121e2a92e301afe414147860d557cac7e345553444378",
			Decimals: 6, Stable: true, Price: "USDC",
		},
	),
	list(Network{
		Name: "cardano", Environment: Devnet, Identity: "1", Confirmations: 15, BlockTime: 20 * time.Second,
		Explorer: Explorer{Tx: "https://preprod.cardanoscan.io/transaction/%s", Address: "https://preprod.cardanoscan.io/address/%s"},
	}, native(525, "ADA", "Preprod ADA", 6)),
	// A checkpoint of Sui is signed by two thirds of the stake: it is final.
	list(Network{
		Name: "sui", Environment: Mainnet, Identity: "4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S", Confirmations: 1, BlockTime: 250 * time.Millisecond, SweepMinimum: 10 * money.Cent,
		Explorer: Explorer{Tx: "https://suiscan.xyz/mainnet/tx/%s", Address: "https://suiscan.xyz/mainnet/account/%s"},
	},
		native(550, "SUI", "Sui", 9),
		stable(551, "USDC", "USD Coin", Coin, "0xdba34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7::usdc::USDC"),
	),
	list(Network{
		Name: "sui", Environment: Devnet, Identity: "69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD", Confirmations: 1, BlockTime: 250 * time.Millisecond,
		Explorer: Explorer{Tx: "https://suiscan.xyz/testnet/tx/%s", Address: "https://suiscan.xyz/testnet/account/%s"},
	}, native(575, "SUI", "Testnet Sui", 9), stable(576, "USDC", "USD Coin", Coin, "0xa1ec7fc00a6f40db9693ad1415d0c193ad3906494428cf252621037bd7117e29::usdc::USDC")),
}

func native(id int64, symbol, name string, decimals int) Token {
	return Token{ID: id, Symbol: symbol, Name: name, Type: Native, Decimals: decimals, Price: symbol, Buffer: 50}
}

// spelled is a token whose contract, or what it refers to, writes the symbol in another way.
func spelled(as string, t Token) Token {
	t.Spelled = as
	return t
}

func stable(id int64, symbol, name string, kind TokenType, address string) Token {
	return Token{ID: id, Symbol: symbol, Name: name, Type: kind, Address: address, Decimals: 6, Stable: true, Price: symbol}
}
