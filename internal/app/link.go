package app

import (
	"fmt"
	"strings"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// evmURI is the EIP-681 address of a payment: native coin for a token without a contract,
// else a call of the token's transfer.
func evmURI(n pay.Network, t pay.Token, address string, units money.Units) string {
	if t.Address == "" {
		return fmt.Sprintf("ethereum:%s@%d?value=%s", address, n.ChainID, units)
	}
	return fmt.Sprintf("ethereum:%s@%d/transfer?address=%s&uint256=%s", t.Address, n.ChainID, address, units)
}

// evmLinks is MetaMask, whose links carry what an EIP-681 address says. No wallet on a
// phone reaches the development chain.
func evmLinks(n pay.Network, t pay.Token, address string, units money.Units) []pay.Link {
	if n.ChainID == pay.Devchain.ChainID {
		return nil
	}
	return []pay.Link{{Name: "MetaMask", URL: "https://link.metamask.io/send/" + strings.TrimPrefix(evmURI(n, t, address, units), "ethereum:")}}
}

// solanaURI is the address of Solana Pay. Its reference names the deposit address, which is
// one invoice's alone.
func solanaURI(_ pay.Network, t pay.Token, address string, units money.Units) string {
	return solana.URI(address, t.Address, units, t.Decimals, solana.Reference(address), "", "")
}

// suiURI is that of the Payment Kit. Its nonce, which wallets keep from paying twice, is a
// part of the deposit address, which is one invoice's alone.
func suiURI(_ pay.Network, t pay.Token, address string, units money.Units) string {
	return sui.URI(address, t.Address, units, address[2:34])
}

func tonURI(_ pay.Network, t pay.Token, address string, units money.Units) string {
	return ton.URI(address, t.Address, units)
}

func tonLinks(_ pay.Network, t pay.Token, address string, units money.Units) []pay.Link {
	return []pay.Link{{Name: "Tonkeeper", URL: ton.TonkeeperLink(address, t.Address, units)}}
}

// cardanoURI is that of CIP-13, which has no word for tokens.
func cardanoURI(_ pay.Network, t pay.Token, address string, units money.Units) string {
	if t.Type != pay.Native {
		return cardano.URI(address, 0)
	}
	return cardano.URI(address, units.Big().Uint64())
}
