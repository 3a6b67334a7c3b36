package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/simnet"
)

type devCommand struct {
	Listen     string `help:"host:port of the API and the pages." default:"127.0.0.1:3000"`
	DataDir    string `help:"Where everything is kept; start again with the same to go on." type:"path" default:".pepay" placeholder:"DIR"`
	Devchain   string `help:"JSON-RPC of a development chain that runs already, instead of one of our own." placeholder:"URL"`
	Networks   string `help:"one: Ethereum, on a real chain that goes on where it was. all: the ten networks, of which those that are not of the Ethereum family are simulated; they begin anew each time, and so does everything else." enum:"one,all" default:"one"`
	Operations string `help:"host:port of metrics, probes and profiles; nowhere by default." placeholder:"HOST:PORT"`
	Verbose    bool   `short:"v" help:"Log every request and webhook attempt."`
}

// devFile is DIR/dev.json: what a script needs to use a development deployment.
// Its secrets stay the same over restarts.
type devFile struct {
	BaseURL           string     `json:"base_url"`
	DashboardURL      string     `json:"dashboard_url"`
	MerchantID        int64      `json:"merchant_id"`
	MerchantAPIKey    string     `json:"merchant_api_key"`
	CommerceAPIKey    string     `json:"commerce_api_key"`
	SettlementAddress string     `json:"settlement_address"`
	Chains            []devChain `json:"chains"`
}

type devChain struct {
	Network         string `json:"network"`
	RPCURL          string `json:"rpc_url"`
	ChainID         uint64 `json:"chain_id"`                    // 0 for those that have none
	PayerPrivateKey string `json:"payer_private_key,omitempty"` // of a rich account on it
	Simulated       bool   `json:"simulated,omitempty"`
}

// Run starts everything, tells how to use it, and waits.
func (c devCommand) Run(ctx context.Context) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return err
	}
	log := newDevLog(os.Stderr, c.Verbose)
	if c.Networks == "all" {
		return c.all(ctx, log)
	}
	url, stop, err := c.chain(ctx, log)
	if err != nil {
		return err
	}
	defer stop()
	client, err := ethclient.DialContext(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the development chain: %w", err)
	}
	id, err := client.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("read the development chain's id: %w", err)
	}
	path := filepath.Join(c.DataDir, "dev.json")
	file, err := readDevFile(path)
	if err != nil {
		return err
	}
	secret, err := c.secret()
	if err != nil {
		return err
	}
	o := c.options(secret, log)
	c.serveOne(&o, url, id.Uint64(), client)
	file.SettlementAddress = devchain.Merchant().Hex()
	file.Chains = []devChain{{Network: "ethereum", RPCURL: url, ChainID: id.Uint64(), PayerPrivateKey: hexutil.Encode(crypto.FromECDSA(devchain.Payer()))}}
	return file.run(ctx, path, o, map[pay.Family]string{pay.EVM: file.SettlementAddress})
}

// run serves until it is told to stop, with a merchant that is paid at the addresses.
func (f *devFile) run(ctx context.Context, path string, o app.Options, payouts map[pay.Family]string) error {
	key := atomic.Value{}
	o.DashboardKey = func() string { s, _ := key.Load().(string); return s }
	a, err := app.Start(ctx, o)
	if err != nil {
		return err
	}
	if err := f.fill(ctx, a, payouts); err != nil {
		return errors.Join(err, a.Stop(context.Background()))
	}
	if err := f.write(path); err != nil {
		return errors.Join(err, a.Stop(context.Background()))
	}
	key.Store(f.MerchantAPIKey)
	banner(ctx, os.Stdout, a, f, path)
	return wait(ctx, a)
}

// chain starts the development chain, or gets the one at --devchain ready.
func (c devCommand) chain(ctx context.Context, log *slog.Logger) (url string, stop func(), err error) {
	if c.Devchain == "" {
		chain, err := devchain.Start(ctx, devchain.Options{Dir: filepath.Join(c.DataDir, "chain"), Period: devchain.DefaultPeriod, Log: log})
		if err != nil {
			return "", nil, err
		}
		return chain.URL(), func() { _ = chain.Close() }, nil
	}
	client, err := ethclient.DialContext(ctx, c.Devchain)
	if err != nil {
		return "", nil, fmt.Errorf("connect to %s: %w", c.Devchain, err)
	}
	defer client.Close()
	_, err = devchain.Prepare(ctx, client, devchain.Payer())
	return c.Devchain, func() {}, err
}

// options are those of a deployment on one machine whose money is worthless.
func (c devCommand) options(secret []byte, log *slog.Logger) app.Options {
	prices := map[string]money.Rate{}
	for symbol, usd := range simnet.Prices {
		prices[symbol], _ = money.ParseRate(usd)
	}
	return app.Options{
		Listen: c.Listen, Database: filepath.Join(c.DataDir, "pepay.db"), Secret: secret, Dev: true, Log: log, Operations: c.Operations,
		Limits: app.LimitOptions{Rates: server.Rates{PerKey: 600_000, PerSession: 3_000, WrongKeys: 1_000, SignIns: 1_000}}, Signup: true,
		Sources:   []rates.Source{&rates.Static{Rates: prices, Now: time.Now}},
		Committed: story(log), Terms: pay.DefaultTerms(), Providers: map[pay.Environment]retail.Provider{pay.Devnet: catalog.New()},
	}
}

// serveOne serves the development chain.
func (c devCommand) serveOne(o *app.Options, url string, chainID uint64, client *ethclient.Client) {
	network := pay.Devchain
	network.ChainID = chainID
	wallet := &devchain.Wallet{Client: client, Key: devchain.Payer()}
	o.Networks = []app.NetworkOptions{{
		Network: network, Tokens: pay.DevchainTokens(contracts.TestDollar.Hex()), RPC: []string{url},
		Relayer: devchain.Relayer(), MaxFee: big.NewInt(1e12), Poll: 200 * time.Millisecond,
	}}
	o.TestWallet = func(ctx context.Context, a billing.Allocation) (string, error) {
		if a.Quote.ID == "" {
			return "", errNoQuote
		}
		tx, err := wallet.Pay(ctx, common.HexToAddress(a.Token.Address), common.HexToAddress(a.Address.Address), a.Quote.Units.Big())
		return tx.Hex(), err
	}
}

var errNoQuote = pay.Errorf(pay.CodeInvalidRequest, "There is no quote to pay right now")

// readDevFile reads what an earlier run left; a new one is empty.
func readDevFile(path string) (*devFile, error) {
	f := &devFile{}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(b, f)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; delete its directory to begin anew", path, err)
	}
	return f, nil
}

// secret returns the deployment's secret, drawn at the first start.
func (c devCommand) secret() ([]byte, error) {
	path := filepath.Join(c.DataDir, "secret")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, 32)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
		err = os.WriteFile(path, b, 0o600)
	}
	return b, err
}

// fill makes the merchant and its keys, unless an earlier run has.
func (f *devFile) fill(ctx context.Context, a *app.App, payouts map[pay.Family]string) (err error) {
	f.BaseURL, f.DashboardURL = a.URL, a.URL+"/"
	if f.CommerceAPIKey != "" {
		return nil
	}
	m, err := a.Billing.AddMerchant(ctx, pay.Merchant{Name: "Corner Coffee", Email: "hello@corner.example", Environment: pay.Devnet}, payouts)
	if err != nil {
		return err
	}
	f.MerchantID = m.ID
	if _, f.MerchantAPIKey, err = a.Billing.AddKey(ctx, m.ID, "development", pay.ScopeMerchant, pay.Devnet, 0); err != nil {
		return err
	}
	_, f.CommerceAPIKey, err = a.Billing.AddKey(ctx, m.ID, "development", pay.ScopeCommerce, pay.Devnet, 0)
	return err
}

// write replaces the file as a whole, so that a reader never sees half of it.
func (f *devFile) write(path string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
