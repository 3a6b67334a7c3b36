package devchain_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
)

var sink = common.HexToAddress("0x51ca00000000000000000000000000000000beef")

func start(t *testing.T, o devchain.Options) *devchain.Chain {
	t.Helper()
	c, err := devchain.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dial(t *testing.T, url string) *ethclient.Client {
	t.Helper()
	client, err := ethclient.DialContext(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// pay sends a transaction without waiting for it.
func pay(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, nonce uint64, to common.Address, wei int64, data []byte) (common.Hash, error) {
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(1337)), &types.DynamicFeeTx{
		ChainID: big.NewInt(1337), Nonce: nonce, To: &to, Value: big.NewInt(wei), Data: data, Gas: 100_000,
		GasFeeCap: big.NewInt(10e9), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		return common.Hash{}, err
	}
	return tx.Hash(), client.SendTransaction(ctx, tx)
}

func balance(t *testing.T, client *ethclient.Client, of common.Address) *big.Int {
	t.Helper()
	n, err := client.BalanceAt(t.Context(), of, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func dollars(t *testing.T, client *ethclient.Client, of common.Address) int64 {
	t.Helper()
	n, err := contracts.BalanceOf(t.Context(), client, contracts.TestDollar, of)
	if err != nil {
		t.Fatal(err)
	}
	return n.Int64()
}

func head(t *testing.T, client *ethclient.Client) uint64 {
	t.Helper()
	n, err := client.BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPayOverHTTPAndWebsocket(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{Period: 20 * time.Millisecond})
	for _, url := range []string{c.URL(), strings.Replace(c.URL(), "http", "ws", 1)} {
		client, payer := dial(t, url), crypto.PubkeyToAddress(c.Payer().PublicKey)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		before, wasDollars := balance(t, client, sink), dollars(t, client, sink)
		nonce, err := client.PendingNonceAt(ctx, payer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pay(ctx, client, c.Payer(), nonce, sink, 42, nil); err != nil {
			t.Fatal(err)
		}
		last, err := pay(ctx, client, c.Payer(), nonce+1, c.Dollar(), 0, contracts.PackTransfer(sink, big.NewInt(7)))
		if err != nil {
			t.Fatal(err)
		}
		var receipt *types.Receipt
		waitFor(t, func() bool { receipt, err = client.TransactionReceipt(ctx, last); return err == nil })
		if got := new(big.Int).Sub(balance(t, client, sink), before); got.Int64() != 42 {
			t.Errorf("%s: received %s wei", url, got)
		}
		if got := dollars(t, client, sink) - wasDollars; got != 7 {
			t.Errorf("%s: received %d", url, got)
		}
		for method, args := range map[string][]any{
			"eth_getBlockReceipts": {receipt.BlockHash},
			"eth_getProof":         {sink, []string{}, "latest"},
			"net_version":          {}, "web3_clientVersion": {},
		} {
			var out json.RawMessage
			if err := client.Client().CallContext(ctx, &out, method, args...); err != nil || len(out) < 6 {
				t.Errorf("%s %s: %s, %v", url, method, out, err)
			}
		}
		for _, method := range []string{"admin_nodeInfo", "debug_chaindbProperty", "miner_setExtra", "txpool_status"} {
			if err := client.Client().CallContext(ctx, nil, method); err == nil || !strings.Contains(err.Error(), "does not exist") {
				t.Errorf("%s %s: %v", url, method, err)
			}
		}
	}
}

func TestBlocksComeByThemselves(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{Period: time.Millisecond})
	waitFor(t, func() bool { return head(t, c.Client()) > 10 })
}

func TestFirstBalances(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{})
	if got := dollars(t, c.Client(), crypto.PubkeyToAddress(c.Payer().PublicKey)); got != 1_000_000e6 {
		t.Errorf("the payer has %d", got)
	}
	for _, key := range []*ecdsa.PrivateKey{c.Payer(), c.Relayer()} {
		if got := balance(t, c.Client(), crypto.PubkeyToAddress(key.PublicKey)); got.Cmp(big.NewInt(1e18)) < 0 {
			t.Errorf("an account has %s wei", got)
		}
	}
	if id, err := c.Client().ChainID(t.Context()); err != nil || id.Uint64() != c.ChainID() {
		t.Errorf("chain id %s, %v", id, err)
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", ":8545", "[::]:0", "192.0.2.1:8545", "example.org:8545", "127.0.0.1", "127.0.0.1:99999"} {
		if c, err := devchain.Start(t.Context(), devchain.Options{Listen: listen}); err == nil {
			t.Errorf("%s: accepted", listen)
			_ = c.Close()
		}
	}
	if c := start(t, devchain.Options{Listen: "localhost:0"}); !strings.HasPrefix(c.URL(), "http://127.0.0.1:") {
		t.Errorf("URL %s", c.URL())
	}
}

func TestBrowsers(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{})
	for host, want := range map[string]int{"localhost": http.StatusOK, "rebound.example": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL(), strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://wallet.example")
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Body.Close()
		if w.StatusCode != want || (want == http.StatusOK && w.Header.Get("Access-Control-Allow-Origin") != "*") {
			t.Errorf("host %s: %d %v", host, w.StatusCode, w.Header)
		}
	}
}

func TestFork(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{})
	root := c.Mine()
	nonce, err := c.Client().NonceAt(t.Context(), crypto.PubkeyToAddress(c.Relayer().PublicKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pay(t.Context(), c.Client(), c.Relayer(), nonce, sink, 5, nil); err != nil {
		t.Fatal(err)
	}
	old := c.Mine()
	if balance(t, c.Client(), sink).Int64() != 5 {
		t.Error("Mine left the payment out")
	}
	if err := c.Fork(root); err != nil {
		t.Fatal(err)
	}
	if balance(t, c.Client(), sink).Int64() != 0 {
		t.Error("Fork left the payment in")
	}
	if now := c.Mine(); now == old {
		t.Error("the branch is the same block")
	}
	if err := c.Fork(common.Hash{1}); err == nil {
		t.Error("forked from nowhere")
	}
}

func TestPrepareTwice(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{Period: 10 * time.Millisecond})
	client := dial(t, c.URL())
	nonce := func() uint64 {
		n, err := client.NonceAt(t.Context(), crypto.PubkeyToAddress(c.Payer().PublicKey), nil)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := nonce()
	for range 2 {
		if dollar, err := devchain.Prepare(t.Context(), client, c.Payer()); err != nil || dollar != c.Dollar() {
			t.Errorf("dollar %s, %v", dollar, err)
		}
	}
	if nonce() != before {
		t.Error("Prepare did again what was done")
	}
	poor, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := devchain.Prepare(t.Context(), client, poor); err == nil || !strings.Contains(err.Error(), "send it 20 coins") {
		t.Errorf("with a poor funder: %v", err)
	}
}

// Not parallel: the logger is global. A second chain in the same Dir must be told why it cannot start.
func TestLogAndLock(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	before := slog.Default()
	c := start(t, devchain.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&out, nil))})
	if slog.Default() != before {
		t.Error("slog has another default now")
	}
	if _, err := devchain.Start(t.Context(), devchain.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("started twice: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if out.Len() > 0 {
		t.Errorf("a quiet life gave rise to\n%s", out.String())
	}
}

// waitFor polls until ok, for 20 seconds at most.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(2*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not happen in time")
		}
	}
}
