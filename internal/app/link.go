package app

import (
	"fmt"
	"strings"

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
