package devchain_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/internal/devchain"
)

// childDir makes the test binary run a chain in that folder instead of the tests.
const childDir = "DEVCHAIN_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := devchain.Start(context.Background(), devchain.Options{Dir: dir, Period: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last common.Hash
	for round := range 3 {
		c := start(t, devchain.Options{Dir: dir})
		client, payer := c.Client(), crypto.PubkeyToAddress(c.Payer().PublicKey)
		if round > 0 {
			if h, err := client.HeaderByNumber(t.Context(), nil); err != nil || h.Hash() != last {
				t.Errorf("round %d: head %v, want %s: %v", round, h, last, err)
			}
		}
		if got := balance(t, client, sink).Int64(); got != int64(round) {
			t.Errorf("round %d: the sink has %d", round, got)
		}
		nonce, err := client.NonceAt(t.Context(), payer, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pay(t.Context(), client, c.Payer(), nonce, sink, 1, nil); err != nil {
			t.Fatal(err)
		}
		last = c.Mine()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKill kills a chain that mines a thousand blocks a second and takes payments, again and again in one folder. What
// a client had been told, the head's parent or deeper, must be true ever after, and the books must balance.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	payer := crypto.PubkeyToAddress(devchain.Payer().PublicKey)
	told := map[uint64]common.Hash{} // the chain as clients saw it
	var first, height, payments uint64
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		stdin, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close() //nolint:errcheck // it keeps the child from ending
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		url := bufio.NewScanner(stdout)
		if !url.Scan() {
			t.Fatalf("round %d: the child said nothing: %v", round, child.Wait())
		}
		client, err := ethclient.DialContext(t.Context(), url.Text())
		if err != nil {
			t.Fatalf("round %d: %s: %v", round, url.Text(), err)
		}

		now := head(t, client)
		if now+1 < height {
			t.Fatalf("round %d: the chain fell from %d to %d", round, height, now)
		}
		for n, hash := range told {
			if h, err := client.HeaderByNumber(t.Context(), new(big.Int).SetUint64(n)); n+1 <= height && (err != nil || h.Hash() != hash) {
				t.Fatalf("round %d: block %d is %v, was %s: %v", round, n, h, hash, err)
			}
		}
		clear(told)
		nonce, err := client.NonceAt(t.Context(), payer, nil)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			first = nonce
		}
		if nonce < first+payments {
			t.Fatalf("round %d: %d payments are left of %d", round, nonce-first, payments)
		}

		// Payments go out until the chain has grown by a number of blocks that differs from round to round, past
		// several of the 32-block epochs after which go-ethereum moves old blocks to another store.
		for until := now + 70 + uint64(17*round); height < until || payments < nonce-first-5; {
			if height < until {
				if _, err := pay(t.Context(), client, devchain.Payer(), nonce, sink, 1, nil); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				nonce++
			}
			h, err := client.HeaderByNumber(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			height = h.Number.Uint64()
			told[height] = h.Hash()
			if height > 1 {
				deep, err := client.NonceAt(t.Context(), payer, new(big.Int).SetUint64(height-1))
				if err != nil {
					t.Fatal(err)
				}
				payments = deep - first
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // "signal: killed"
		client.Close()
		t.Logf("round %d: killed at block %d with %d payments", round, height, payments)
	}

	c := start(t, devchain.Options{Dir: dir})
	nonce, err := c.Client().NonceAt(t.Context(), payer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := balance(t, c.Client(), sink); got.Uint64() != nonce-first {
		t.Errorf("%d payments came, %d went", got, nonce-first)
	}
	if head(t, c.Client())+1 < height {
		t.Errorf("the chain fell from %d to %d", height, head(t, c.Client()))
	}
}
