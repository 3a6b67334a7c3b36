package app_test

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
)

// polygon is the section of a network that does not come with Pepay.
var polygon = []string{
	`rpc = ["http://127.0.0.1:1"]`, `chain_id = 137`, `block_time_ms = 2000`, `finality = "finalized"`, `explorer = "https://polygonscan.com/"`,
	`tokens = ["1000 POL native 18", "1001 USDC 0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 6 stable",
		"1002 USDT 0xc2132D05D31c914a87C6611C10748AEb04B58e8F 6 stable spelled=USDT0", "1003 WETH 0x7ceb23fd6bc0add59e62ac25578270cff1b9f619 18 price=ETH"]`,
}

// section is a section of a file, its lines changed: one with the key of a change takes
// its place, one without a value takes it away.
func section(name string, lines []string, changes ...string) string {
	lines = slices.Clone(lines)
	for _, c := range changes {
		key, value, _ := strings.Cut(c, " = ")
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+" = ") })
		if value != "" {
			lines = append(lines, c)
		}
	}
	return "[networks." + name + "]\n" + strings.Join(lines, "\n") + "\n"
}

func networks(t *testing.T, file string, env ...string) ([]app.NetworkOptions, error) {
	t.Helper()
	c, err := app.ReadConfig(write(t, file), append([]string{valid[0], valid[1]}, env...))
	if err != nil {
		return nil, err
	}
	o, err := c.Options()
	return o.Networks, err
}

func TestConfigOwnNetwork(t *testing.T) {
	t.Parallel()
	ns, err := networks(t, section("polygon", polygon))
	if err != nil {
		t.Fatal(err)
	}
	n := ns[0]
	if want := (pay.Network{
		Name: "polygon", Environment: pay.Mainnet, ChainID: 137, Finality: pay.Finalized, Confirmations: 450, BlockTime: 2 * time.Second, SweepMinimum: 1_00 * money.Cent,
		Explorer: pay.Explorer{Tx: "https://polygonscan.com/tx/%s", Address: "https://polygonscan.com/address/%s"},
	}); n.Network != want {
		t.Errorf("got %+v", n.Network)
	}
	on := pay.Token{Network: "polygon", Environment: pay.Mainnet, Type: pay.ERC20}
	pol, usdc, usdt, weth := on, on, on, on
	pol.ID, pol.Symbol, pol.Name, pol.Price, pol.Type, pol.Decimals, pol.Buffer = 1000, "POL", "POL", "POL", pay.Native, 18, 50
	usdc.ID, usdc.Symbol, usdc.Name, usdc.Price, usdc.Address, usdc.Decimals, usdc.Stable = 1001, "USDC", "USDC", "USDC", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6, true
	usdt.ID, usdt.Symbol, usdt.Name, usdt.Price, usdt.Address, usdt.Decimals, usdt.Stable, usdt.Spelled = 1002, "USDT", "USDT", "USDT", "0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6, true, "USDT0"
	weth.ID, weth.Symbol, weth.Name, weth.Price, weth.Address, weth.Decimals, weth.Buffer = 1003, "WETH", "WETH", "ETH", "0x7ceB23fD6bC0adD59E62ac25578270cFf1b9f619", 18, 50
	if !slices.Equal(n.Tokens, []pay.Token{pol, usdc, usdt, weth}) {
		t.Errorf("got %+v", n.Tokens)
	}
	// By the environment, and on a testnet.
	ns, err = networks(t, "", "PEPAY_NETWORKS_AMOY_RPC=http://127.0.0.1:1", "PEPAY_NETWORKS_AMOY_CHAIN_ID=80002", "PEPAY_NETWORKS_AMOY_BLOCK_TIME_MS=2000",
		"PEPAY_NETWORKS_AMOY_CONFIRMATIONS=9", "PEPAY_NETWORKS_AMOY_CHAIN=testnet", "PEPAY_NETWORKS_AMOY_TOKENS=1500 POL native 18,1501 USDC 0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582 6 stable")
	if err != nil || len(ns) != 1 || ns[0].Name != "amoy" || ns[0].Environment != pay.Devnet || ns[0].Confirmations != 9 || ns[0].Finality != pay.Deep || len(ns[0].Tokens) != 2 || ns[0].Tokens[1].Environment != pay.Devnet {
		t.Errorf("got %+v, %v", ns, err)
	}
}

func TestConfigListedNetworks(t *testing.T) {
	t.Parallel()
	rpc := `rpc = ["http://127.0.0.1:1"]`
	for name, test := range map[string]struct {
		file          string
		chain         uint64
		environment   pay.Environment
		finality      pay.Finality
		confirmations uint64
		tokens        int
	}{
		"as it comes":             {section("bsc", []string{rpc}), 56, pay.Mainnet, pay.Finalized, 3, 3},
		"its testnet":             {section("base", []string{rpc, `chain = "testnet"`}), 84532, pay.Devnet, pay.Deep, 300, 2},
		"deeper":                  {section("base", []string{rpc, `confirmations = 90`}), 8453, pay.Mainnet, pay.Deep, 90, 2},
		"depth instead of a tag":  {section("bsc", []string{rpc, `confirmations = 200`}), 56, pay.Mainnet, pay.Deep, 200, 3},
		"a tag instead of depth":  {section("arbitrum", []string{rpc, `finality = "safe"`}), 42161, pay.Mainnet, pay.Safe, 1200, 3},
		"a tag and what it takes": {section("optimism", []string{rpc, `finality = "finalized"`, `confirmations = 600`}), 10, pay.Mainnet, pay.Finalized, 600, 3},
		"the tag that it has":     {section("bsc", []string{rpc, `finality = "finalized"`}), 56, pay.Mainnet, pay.Finalized, 3, 3},
		"with one token more":     {section("avalanche", []string{rpc, `tokens = ["1200 DAI 0xd586E7F844cEa2F87f50152665BCbc2C279D8d70 18 stable"]`}), 43114, pay.Mainnet, pay.Deep, 1, 4},
	} {
		ns, err := networks(t, test.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := ns[0]
		if n.ChainID != test.chain || n.Environment != test.environment || n.Finality != test.finality || n.Confirmations != test.confirmations || len(n.Tokens) != test.tokens {
			t.Errorf("%s: got %+v", name, n)
		}
	}
	if l, _ := pay.Listed("avalanche", pay.Mainnet); len(l.Tokens) != 3 {
		t.Error("the registry was changed")
	}
}

func TestConfigNetworkErrors(t *testing.T) {
	t.Parallel()
	usdc := `1001 USDC 0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 6`
	for name, test := range map[string]struct{ file, want string }{
		"no chain id":          {section("polygon", polygon, "chain_id"), "networks.polygon.block_time_ms: expected a network that comes with Pepay"},
		"chain id 0":           {section("polygon", polygon, "chain_id = 0"), "networks.polygon.chain_id: expected a whole number from 1"},
		"a name with a dash":   {section("pol-ygon", polygon), "networks.pol-ygon.chain_id: expected a network with a name of its own in small letters and digits"},
		"a capital name":       {section("Polygon", polygon), "networks.Polygon.chain_id: expected a network with a name of its own"},
		"a name of a contract": {section("cardano", polygon), "networks.cardano.chain_id: expected"},
		"a key that is none":   {section("polygon", polygon, "gas = 3"), "networks.polygon.gas: expected one of the keys"},
		"no nodes":             {section("polygon", polygon, "rpc"), "networks.polygon.rpc: expected one or more http or https URLs"},
		"another chain":        {section("polygon", polygon, `chain = "devnet"`), "networks.polygon.chain: expected mainnet or testnet"},
		"no block time":        {section("polygon", polygon, "block_time_ms"), "networks.polygon.block_time_ms: expected a whole number from 1"},
		"a block time of none": {section("polygon", polygon, "block_time_ms = -5"), "networks.polygon.block_time_ms: expected a whole number from 0"},
		"no finality":          {section("polygon", polygon, "finality"), "networks.polygon.confirmations: expected a whole number from 1, or finality"},
		"another finality":     {section("polygon", polygon, `finality = "latest"`), "networks.polygon.finality: expected safe or finalized"},
		"no tokens":            {section("polygon", polygon, "tokens"), "networks.polygon.tokens: expected texts such as"},
		"an insecure explorer": {section("polygon", polygon, `explorer = "http://scan.example"`), "networks.polygon.explorer: expected an https URL"},
		"a strange explorer":   {section("polygon", polygon, `explorer = "https://scan.example/%s"`), "networks.polygon.explorer: expected an https URL"},
		"a token of no parts":  {section("polygon", polygon, `tokens = ["1001 USDC"]`), `networks.polygon.tokens: expected an id, a symbol, a contract or the word native, and decimals in "1001 USDC"`},
		"an id of ours":        {section("polygon", polygon, `tokens = ["999 POL native 18"]`), `networks.polygon.tokens: expected an id from 1000 in "999 POL native 18"`},
		"an id that is none":   {section("polygon", polygon, `tokens = ["x POL native 18"]`), `networks.polygon.tokens: expected an id from 1000`},
		"an id too large":      {section("polygon", polygon, `tokens = ["9007199254740993 POL native 18"]`), `networks.polygon.tokens: expected an id from 1000`},
		"a strange symbol":     {section("polygon", polygon, `tokens = ["1001 USD₮0 native 18"]`), `networks.polygon.tokens: expected a symbol of letters and digits`},
		"no decimals":          {section("polygon", polygon, `tokens = ["1001 POL native 0"]`), `networks.polygon.tokens: expected decimals from 1 to 36`},
		"too many decimals":    {section("polygon", polygon, `tokens = ["1001 POL native 37"]`), `networks.polygon.tokens: expected decimals from 1 to 36`},
		"not an address":       {section("polygon", polygon, `tokens = ["1001 USDC 0x3c49 6"]`), `networks.polygon.tokens: expected a contract's address that is none: it must be an address`},
		"a mistyped address":   {section("polygon", polygon, `tokens = ["1001 USDC 0x3C499c542cEF5E3811e1192ce70d8cC03d5c3359 6"]`), `it is mistyped: its checksum (EIP-55) does not fit`},
		"a word too many":      {section("polygon", polygon, `tokens = ["`+usdc+` stabel"]`), `networks.polygon.tokens: expected stable, price=… or spelled=…, not "stabel"`},
		"a stable coin":        {section("polygon", polygon, `tokens = ["1001 POL native 18 stable"]`), `networks.polygon.tokens: expected stable, price=… or spelled=…, not "stable"`},
		"a price that is none": {section("polygon", polygon, `tokens = ["1001 XYZ native 18"]`), `networks.polygon.tokens: expected price= and one of [ADA AVAX BNB`},
		"a token twice":        {section("polygon", polygon, `tokens = ["`+usdc+`", "1002 USDC 0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 6"]`), `networks.polygon.tokens: expected one token with the contract "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", not two`},
		"an id twice":          {section("polygon", polygon, `tokens = ["`+usdc+`", "1001 POL native 18"]`), `networks.polygon.tokens: expected another id than 1001, which a token of polygon has`},
		"another's id":         {section("amoy", polygon, `tokens = ["`+usdc+`"]`, `chain_id = 5`) + section("polygon", polygon), `networks.polygon.tokens: expected another id than 1001, which a token of amoy has`},
		"another's chain":      {section("amoy", polygon, `tokens = ["1500 POL native 18"]`) + section("polygon", polygon), `networks.polygon.chain_id: expected another than that of amoy, which is served too`},
		"a second coin":        {section("base", polygon[:1], `tokens = ["1001 ETH native 18"]`), `networks.base.tokens: expected one token with the contract "", not two`},
		"a listed chain id":    {section("base", polygon[:2]), `networks.base.chain_id: expected nothing: base comes with Pepay`},
		"a listed block time":  {section("base", polygon[:1], "block_time_ms = 5"), `networks.base.block_time_ms: expected nothing`},
		"a listed explorer":    {section("base", polygon[:1], `explorer = "https://a.example"`), `networks.base.explorer: expected nothing`},
		"a listed chain":       {section("base", polygon[:1], `chain = "sepolia"`), `networks.base.chain: expected mainnet or testnet`},
		"a listed finality":    {section("base", polygon[:1], `finality = "unsafe"`), `networks.base.finality: expected safe or finalized`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ns, err := networks(t, test.file); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %+v, %v\nwant %s", ns, err, test.want)
			}
		})
	}
}

// What comes with Pepay: both chains of each name, ids that are told apart and in the range
// of their network, contracts in the form that is read from the chain, prices to be had.
func TestListings(t *testing.T) {
	t.Parallel()
	ids, chains, contracts := map[int64]bool{}, map[uint64]bool{}, map[string]bool{}
	for _, l := range pay.Listings {
		for _, e := range []pay.Environment{pay.Mainnet, pay.Devnet} {
			if _, ok := pay.Listed(l.Name, e); !ok {
				t.Errorf("%s has no %s", l.Name, e)
			}
		}
		if l.ChainID != 0 && chains[l.ChainID] || l.Confirmations == 0 || l.BlockTime == 0 || !strings.HasPrefix(l.Explorer.TxURL("0x1"), "https://") || !strings.Contains(l.Explorer.AddressURL("0x1"), "/0x1") {
			t.Errorf("%+v", l.Network)
		}
		chains[l.ChainID] = true
		least := 100 + 50*int64(slices.Index(pay.Networks, l.Name))
		if l.Environment == pay.Devnet {
			least += 25
		}
		for _, token := range l.Tokens {
			if old := token.ID <= 5 && l.Environment == pay.Mainnet; !old && (token.ID < least || token.ID >= least+25) || ids[token.ID] || token.Network != l.Name || token.Environment != l.Environment {
				t.Errorf("%+v is not of %s", token, l.Name)
			}
			ids[token.ID] = true
			if !slices.Contains(rates.Quotable(), token.Price) || token.Decimals == 0 {
				t.Errorf("nobody quotes %+v", token)
			}
			if token.Type == pay.Native {
				continue
			}
			canonical := map[pay.Family]func(string) (string, error){
				pay.EVM: app.EVMWallets.Canonical, pay.Solana: solana.Canonical, pay.TON: ton.Canonical, pay.Sui: sui.CanonicalCoin, pay.Cardano: cardano.CanonicalToken,
			}[l.Name.Family()]
			if at, err := canonical(token.Address); err != nil || at != token.Address || contracts[at] {
				t.Errorf("%s on %s %s: %s, %v", token.Symbol, l.Name, l.Environment, at, err)
			}
			contracts[token.Address] = true
		}
	}
}

// What is not its issuer's own on a network says so in its name: these tokens, and no
// others. The contracts write the symbols as it says here.
func TestNotNative(t *testing.T) {
	t.Parallel()
	type token struct {
		on, symbol, written, name string
		decimals                  int
		price                     string
	}
	want := map[int64]token{
		4:   {"bsc mainnet", "USDT", "USDT", "Tether USD (Binance-Peg)", 18, "USDT"},
		5:   {"bsc mainnet", "USDC", "USDC", "USD Coin (Binance-Peg)", 18, "USDC"},
		377: {"bsc devnet", "USDT", "USDT", "Tether USD (faucet)", 18, "USDT"},
		402: {"arbitrum mainnet", "USDT0", "USD₮0", "Tether USD (USDT0)", 6, "USDT"},
		452: {"optimism mainnet", "USDT0", "USD₮0", "Tether USD (USDT0)", 6, "USDT"},
		300: {"ton mainnet", "TON", "TON", "Gram (Toncoin)", 9, "TON"}, // its own, which was renamed
		325: {"ton devnet", "TON", "TON", "Testnet Gram (Toncoin)", 9, "TON"},
		501: {"cardano mainnet", "USDCx", "USDCx", "USD Coin (Circle xReserve)", 6, "USDC"},
	}
	got := map[int64]token{}
	for _, l := range pay.Listings {
		for _, k := range l.Tokens {
			if strings.Contains(k.Name, "(") || k.Symbol != k.Price || k.Type != pay.Native && k.Decimals != 6 {
				got[k.ID] = token{string(l.Name) + " " + string(l.Environment), k.Symbol, k.Written(), k.Name, k.Decimals, k.Price}
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// The scheme that a network is listed with is that of what opens a wallet.
func TestURISchemes(t *testing.T) {
	t.Parallel()
	for _, l := range pay.Listings {
		for _, k := range l.Tokens {
			w := app.Wallets(l.Network)[l.Name.Family()]
			if uri := w.URI(l.Network, k, "0x"+strings.Repeat("ab", 32), money.NewUnits(big.NewInt(5))); !strings.HasPrefix(uri, l.Name.Family().URIScheme()+":") {
				t.Errorf("%s on %s opens with %s", k.Symbol, l.Name, uri)
			}
		}
	}
}
