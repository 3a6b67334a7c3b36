package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// listed are the names of the networks that come with Pepay.
func listed() (names []string) {
	for _, l := range pay.Listings {
		names = append(names, string(l.Name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func served(c Config, name string) bool {
	_, ok := c.Networks[name]
	return ok
}

func isListed(name string) bool { return slices.Contains(listed(), name) }

// sections are the networks that values configure: those that come with Pepay, and those
// that say which chain they are.
func sections(values map[string]setting) (names []string) {
	for k := range values {
		if rest, ok := strings.CutPrefix(k, "networks."); ok {
			name, _, _ := strings.Cut(rest, ".")
			if _, own := values["networks."+name+".chain_id"]; own || isListed(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ownName is the form of the name of an operator's network. It stands in addresses of the
// API and in environment variables.
var ownName = regexp.MustCompile(`^[a-z][a-z0-9]{1,31}$`)

// network reads which chain a section is about, its rules and its tokens.
func (n NetworkConfig) network(name, prefix string) (w NetworkOptions, err error) {
	if isListed(name) {
		w, err = n.builtin(name, prefix)
	} else {
		w, err = n.own(name, prefix)
	}
	if err != nil {
		return w, err
	}
	if rule := pay.Finality(n.Finality); n.Finality != "" {
		if rule != pay.Safe && rule != pay.Finalized || w.Name.Family() != pay.EVM {
			return w, unexpected(n, prefix, "finality")
		}
		if w.Finality != rule {
			w.Finality, w.Confirmations = rule, max(1, uint64(usually[rule]/w.BlockTime))
		}
	} else if n.Confirmations > 0 {
		w.Finality = pay.Deep
	}
	if n.Confirmations > 0 {
		w.Confirmations = uint64(n.Confirmations)
	}
	for _, line := range n.Tokens {
		t, err := token(line, w.Network)
		if err != nil {
			return w, fmt.Errorf("%stokens: expected %w", prefix, err)
		}
		w.Tokens = append(w.Tokens, t)
	}
	return w, nil
}

// usually is how long a block takes to be safe or finalized on a rollup of Ethereum, and on
// Ethereum: what payors are told when nobody knows better.
var usually = map[pay.Finality]time.Duration{pay.Safe: 5 * time.Minute, pay.Finalized: 15 * time.Minute}

// environments are whose money is on the chains of a network.
var environments = map[string]pay.Environment{"mainnet": pay.Mainnet, "testnet": pay.Devnet}

// builtin is a network that comes with Pepay.
func (n NetworkConfig) builtin(name, prefix string) (w NetworkOptions, err error) {
	l, ok := pay.Listed(pay.NetworkName(name), environments[n.Chain])
	switch {
	case !ok:
		return w, unexpected(n, prefix, "chain")
	case n.ChainID != 0:
		return w, fmt.Errorf("%schain_id: expected nothing: %s comes with Pepay; serve another chain under another name", prefix, name)
	case n.BlockTime != 0:
		return w, fmt.Errorf("%sblock_time_ms: expected nothing: that of %s is known", prefix, name)
	case n.Explorer != "":
		return w, fmt.Errorf("%sexplorer: expected nothing: that of %s is known", prefix, name)
	}
	return NetworkOptions{Network: l.Network, Tokens: slices.Clone(l.Tokens)}, nil
}

// own is an EVM network of the operator's.
func (n NetworkConfig) own(name, prefix string) (w NetworkOptions, err error) {
	switch {
	case !ownName.MatchString(name) || slices.Contains(pay.Networks, pay.NetworkName(name)):
		return w, fmt.Errorf("%schain_id: expected a network with a name of its own in small letters and digits, such as networks.polygon", prefix)
	case n.ChainID < 1:
		return w, fmt.Errorf("%schain_id: expected a whole number from 1, the network's chain id", prefix)
	case environments[n.Chain] == "":
		return w, unexpected(n, prefix, "chain")
	case n.BlockTime < 1:
		return w, fmt.Errorf("%sblock_time_ms: expected a whole number from 1, the usual time between two blocks of %s", prefix, name)
	case n.Confirmations == 0 && n.Finality == "":
		return w, fmt.Errorf("%sconfirmations: expected a whole number from 1, or finality: what makes a block of %s final is for you to say", prefix, name)
	case len(n.Tokens) == 0:
		return w, unexpected(n, prefix, "tokens")
	}
	w.Network = pay.Network{
		Name: pay.NetworkName(name), Environment: environments[n.Chain], ChainID: uint64(n.ChainID),
		BlockTime: time.Duration(n.BlockTime) * time.Millisecond, SweepMinimum: 1_00 * money.Cent,
	}
	if n.Explorer != "" {
		if u, ok := web(n.Explorer); !ok || u.Scheme != "https" || u.RawQuery != "" || strings.Contains(n.Explorer, "%") {
			return w, unexpected(n, prefix, "explorer")
		}
		w.Explorer = pay.EtherscanLike(strings.TrimRight(n.Explorer, "/"))
	}
	return w, nil
}

// apart makes sure that a network can be told from those before it.
func (o Options) apart(n NetworkOptions) error {
	prefix, ids, at := "networks."+string(n.Name)+".", map[int64]pay.NetworkName{}, map[string]bool{}
	for _, other := range o.Networks {
		if other.ChainID == n.ChainID && n.ChainID != 0 {
			return fmt.Errorf("%schain_id: expected another than that of %s, which is served too", prefix, other.Name)
		}
		for _, t := range other.Tokens {
			ids[t.ID] = other.Name
		}
	}
	for _, t := range n.Tokens {
		switch by, taken := ids[t.ID]; {
		case taken:
			return fmt.Errorf("%stokens: expected another id than %d, which a token of %s has", prefix, t.ID, by)
		case at[t.Address]:
			return fmt.Errorf("%stokens: expected one token with the contract %q, not two", prefix, t.Address)
		}
		ids[t.ID], at[t.Address] = n.Name, true
	}
	return nil
}
