package rates

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Feed is one Chainlink data feed.
type Feed struct {
	Address string        // of the feed's proxy contract, 0x and 40 hex digits
	MaxAge  time.Duration // its heartbeat, and some time for the round to be mined
}

// EthereumFeeds are the dollar feeds on Ethereum mainnet. Addresses and heartbeats
// are those of docs.chain.link/data-feeds/price-feeds/addresses?network=ethereum.
// Between heartbeats a feed moves when its price does, by 0.5 % for ETH and BTC and
// 0.25 % for the stable coins, so an old answer ought to be within that much still.
func EthereumFeeds() map[string]Feed {
	return map[string]Feed{
		"ETH":  {"0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419", time.Hour + 10*time.Minute},
		"BTC":  {"0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", time.Hour + 10*time.Minute},
		"USDC": {"0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6", 25 * time.Hour},
		"USDT": {"0x3E7d1eAB13ad0104d2750B8863b489D65364e32D", 25 * time.Hour},
	}
}

// The calls of AggregatorV3Interface that are made: the first four bytes of the
// Keccak-256 hash of their signatures.
const (
	callLatestRoundData = "0xfeaf968c"
	callDecimals        = "0x313ce567"
)

// maxFeedDecimals is beyond what any feed uses (8 or 18).
const maxFeedDecimals = 36

// Chainlink reads data feeds through a node of the chain they live on. It costs
// one eth_call for each feed it is asked for, and one more the first time.
type Chainlink struct {
	Client *http.Client
	URLs   []string        // of nodes' JSON-RPC over HTTP; when one fails, the next is asked
	Feeds  map[string]Feed // by symbol, such as EthereumFeeds

	decimals sync.Map      // address → int; a proxy's decimals never change
	turn     atomic.Uint32 // which of URLs is asked first: the one that answered last
}

// Name returns "chainlink".
func (c *Chainlink) Name() string { return "chainlink" }

// Knows reports whether there is a feed of the symbol.
func (c *Chainlink) Knows(symbol string) bool { _, ok := c.Feeds[symbol]; return ok }

// Prices asks for one feed after the other. It gives up on the rest when told to
// slow down.
func (c *Chainlink) Prices(ctx context.Context, symbols []string) (map[string]Price, error) {
	out, wrong := map[string]Price{}, []error(nil)
	for _, symbol := range symbols {
		feed, ok := c.Feeds[symbol]
		if !ok {
			continue
		}
		p, err := c.latest(ctx, feed)
		if err == nil {
			out[symbol] = p
			continue
		}
		wrong = append(wrong, fmt.Errorf("chainlink: %s: %w", symbol, err))
		if _, limited := errors.AsType[*limitedError](err); limited {
			break
		}
	}
	return out, errors.Join(wrong...)
}

func (c *Chainlink) latest(ctx context.Context, feed Feed) (Price, error) {
	decimals, known := c.decimals.Load(feed.Address)
	if !known {
		words, err := c.call(ctx, feed.Address, callDecimals, 1)
		if err != nil {
			return Price{}, fmt.Errorf("decimals: %w", err)
		}
		if words[0].Cmp(big.NewInt(maxFeedDecimals)) > 0 {
			return Price{}, fmt.Errorf("decimals: %s is not credible", words[0])
		}
		decimals = int(words[0].Int64())
		c.decimals.Store(feed.Address, decimals)
	}
	words, err := c.call(ctx, feed.Address, callLatestRoundData, 5)
	if err != nil {
		return Price{}, fmt.Errorf("latest round: %w", err)
	}
	round, answer, updated, answered := words[0], words[1], words[3], words[4]
	switch {
	case answer.Sign() == 0 || answer.Bit(255) == 1: // an int256: the top bit is its sign
		return Price{}, errors.New("the answer is not positive")
	case round.Sign() == 0 || answered.Cmp(round) < 0:
		return Price{}, errors.New("the answer is carried over from an earlier round")
	case updated.Sign() == 0 || !updated.IsInt64():
		return Price{}, errors.New("the round is not complete")
	}
	return Price{
		Rate: money.NewRate(answer, decimals.(int)), At: time.Unix(updated.Int64(), 0),
		MaxAge: feed.MaxAge, Source: c.Name(),
	}, nil
}

// call makes an eth_call without arguments, of one node after the other until one
// answers with exactly n words of 32 bytes.
func (c *Chainlink) call(ctx context.Context, to, data string, n int) (words []*big.Int, err error) {
	for range c.URLs {
		if ctx.Err() != nil { // the next has its turn the next time
			return nil, cmp.Or(err, ctx.Err())
		}
		turn := c.turn.Load()
		one, e := c.callAt(ctx, c.URLs[int(turn)%len(c.URLs)], to, data, n)
		if e == nil {
			return one, nil
		}
		err = errors.Join(err, e)
		c.turn.CompareAndSwap(turn, turn+1)
	}
	return nil, cmp.Or(err, errNoNode)
}

var errNoNode = errors.New("there is no node to ask")

func (c *Chainlink) callAt(ctx context.Context, at, to, data string, n int) ([]*big.Int, error) {
	question, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "eth_call",
		"params": []any{map[string]string{"to": to, "data": data}, "latest"},
	})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	body, err := fetch(ctx, c.Client, http.MethodPost, at, header, strings.NewReader(string(question)))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Result string `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("the node says %.100q", answer.Error.Message)
	}
	digits, prefixed := strings.CutPrefix(answer.Result, "0x")
	raw, err := hex.DecodeString(digits)
	if err != nil || !prefixed || len(raw) != 32*n {
		return nil, fmt.Errorf("%.20q is no answer of a data feed", answer.Result)
	}
	words := make([]*big.Int, n)
	for i := range words {
		words[i] = new(big.Int).SetBytes(raw[32*i : 32*i+32])
	}
	return words, nil
}
