package web

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How many ways to pay make one choose the token first and its network then, and how many
// make one type a part of a name.
const (
	manyWays  = 6
	findsWays = 15
)

// Many reports whether the token is chosen first, and its network then.
func (d document) Many() bool { return len(d.Tokens) > manyWays && d.networks() > 1 }

// Find reports whether there is so much to choose from that one may search it.
func (d document) Find() bool { return d.Many() && len(d.Tokens) > findsWays }

// Simulated reports whether one of the ways to pay is no real one.
func (d document) Simulated() bool { return simulated(d.Tokens) }

func simulated(ts []Token) bool {
	return slices.ContainsFunc(ts, func(t Token) bool { return t.Simulated })
}

func (d document) networks() int {
	seen := map[string]bool{}
	for _, t := range d.Tokens {
		seen[t.Network] = true
	}
	return len(seen)
}

// coin is a token with all the networks it is taken on.
type coin struct {
	Symbol string
	On     []Token
}

// Coins are the tokens by their symbols, in the order of their first network.
func (d document) Coins() (all []coin) {
	for _, t := range d.Tokens {
		i := slices.IndexFunc(all, func(c coin) bool { return c.Symbol == t.Symbol })
		if i < 0 {
			i, all = len(all), append(all, coin{Symbol: t.Symbol})
		}
		all[i].On = append(all[i].On, t)
	}
	return all
}

// Where is the coin's network, or how many it has.
func (c coin) Where() string {
	if len(c.On) > 1 {
		return strconv.Itoa(len(c.On)) + " networks"
	}
	return c.On[0].NetworkName
}

// Simulated reports whether one of the coin's networks is.
func (c coin) Simulated() bool { return simulated(c.On) }

// way is a token on a network, to be chosen from a group.
type way struct {
	Token
	Group     string
	First     bool
	Coin, Rim string // ids of discs; Rim is "" where there is but one network
}

// Way is one to choose; the first of a group is chosen until the payor says otherwise.
func (d document) Way(t Token, group string, first bool) way {
	w := way{Token: t, Group: group, First: first, Coin: d.Disc(t.Symbol)}
	if d.networks() > 1 {
		w.Rim = d.Disc(t.NetworkName)
	}
	return w
}

// Discs are the pictures of all tokens and networks, each once.
func (d document) Discs() (all []disc) {
	for _, t := range d.Tokens {
		for _, name := range []string{t.Symbol, t.NetworkName} {
			if one := icon(name); !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// Disc is the id of the picture of a token or network.
func (d document) Disc(name string) string { return icon(name).ID }

// disc is a coin: a drawn one where we have it, else a letter on its own colour.
type disc struct{ Drawn, Letter, Fill, ID string }

// drawn are the symbols the template has a shape for, with the colour under it.
var drawn = map[string]disc{
	"eth": {Drawn: "eth", Fill: "#5468c7"}, "ethereum": {Drawn: "eth", Fill: "#5468c7"},
	"usdc": {Drawn: "usdc", Fill: "#2468b8"}, "dusdc": {Drawn: "usdc", Fill: "#2468b8"},
	"usdt": {Drawn: "usdt", Fill: "#117a5e"},
	"sol":  {Drawn: "sol", Fill: "#6d3fc4"}, "solana": {Drawn: "sol", Fill: "#6d3fc4"},
	"ton": {Drawn: "ton", Fill: "#0a7bbd"},
	"sui": {Drawn: "sui", Fill: "#2f6fdb"},
	"ada": {Drawn: "ada", Fill: "#1b3f9e"}, "cardano": {Drawn: "ada", Fill: "#1b3f9e"},
	"avax": {Drawn: "avax", Fill: "#cf3338"}, "avalanche": {Drawn: "avax", Fill: "#cf3338"},
	"bnb": {Drawn: "bnb", Fill: "#9c7006"}, "bsc": {Drawn: "bnb", Fill: "#9c7006"},
	"btc": {Letter: "B", Fill: "#b8620a"}, "wbtc": {Letter: "B", Fill: "#b8620a"}, "cbbtc": {Letter: "B", Fill: "#b8620a"},
	"devnet":   {Letter: "D", Fill: "#3d5a52"},
	"base":     {Letter: "B", Fill: "#1f54d8"},
	"polygon":  {Letter: "P", Fill: "#6f3bd1"},
	"arbitrum": {Letter: "A", Fill: "#22557f"},
	"optimism": {Letter: "O", Fill: "#c4232f"},
}

// icon picks the disc of a token or network. The same name is always the same colour.
func icon(name string) disc {
	key := strings.ToLower(name)
	d, ok := drawn[key]
	if !ok {
		h := fnv.New32a()
		h.Write([]byte(key))
		d = disc{Letter: "•", Fill: "hsl(" + strconv.Itoa(int(h.Sum32()%24)*15) + " 45% 38%)"}
		if i := strings.IndexFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }); i >= 0 {
			r, _ := utf8.DecodeRuneInString(name[i:])
			d.Letter = string(unicode.ToUpper(r))
		}
		key = strconv.FormatUint(uint64(h.Sum32()), 36)
	}
	d.ID = "d-" + cmp.Or(d.Drawn, key)
	return d
}
