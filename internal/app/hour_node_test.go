package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// hourNode tells a child process to serve networks, with a merchant that is paid on each.
type hourNode struct {
	Database string
	Networks []hourNetwork
}

type hourNetwork struct {
	pay.Network
	Tokens []pay.Token
	RPC    []string
	Poll   time.Duration
	Payout string
}

const hourEnv = "PEPAY_TEST_HOUR_NODE"

// run serves until its parent lets go, or kills it.
func (h hourNode) run(t testing.TB) {
	var networks []*simnet.Network
	payouts := map[pay.Family]string{}
	for _, n := range h.Networks {
		one := &simnet.Network{Payout: n.Payout}
		one.Network, one.Tokens, one.RPC, one.Poll = n.Network, n.Tokens, n.RPC, n.Poll
		if n.Name.Family() == pay.EVM {
			one.Relayer, one.MaxFee = devchain.Relayer(), big.NewInt(1e12)
		}
		networks, payouts[n.Name.Family()] = append(networks, one), n.Payout
	}
	o := testkit.SimulatedOptions(t, h.Database, networks...)
	o.Log, o.Lease = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), 2*time.Second
	a, err := app.Start(context.Background(), o)
	if err != nil {
		fmt.Println("error: " + err.Error())
		os.Exit(1)
	}
	file := h.Database + ".key"
	if strings.HasPrefix(h.Database, "postgres") {
		file = filepath.Join(os.TempDir(), filepath.Base(h.Database)+".key")
	}
	key, err := os.ReadFile(file)
	if err != nil {
		m, err := a.Billing.AddMerchant(context.Background(), pay.Merchant{Name: "M", Environment: pay.Devnet}, payouts)
		if err == nil {
			var secret string
			if _, secret, err = a.Billing.AddKey(context.Background(), m.ID, "k", pay.ScopeMerchant, pay.Devnet, 0); err == nil {
				key, err = []byte(secret), os.WriteFile(file, []byte(secret), 0o600)
			}
		}
		if err != nil {
			fmt.Println("error: " + err.Error())
			os.Exit(1)
		}
	}
	fmt.Println(a.URL, string(key))
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = a.Stop(context.Background())
	os.Exit(0)
}

// TestHourNode is no test: it is the child process of TestHour.
func TestHourNode(t *testing.T) {
	s := os.Getenv(hourEnv)
	if s == "" {
		t.Skip("only for TestHour")
	}
	var h hourNode
	if err := json.Unmarshal([]byte(s), &h); err != nil {
		t.Fatal(err)
	}
	h.run(t)
}
