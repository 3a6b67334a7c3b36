package app_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
)

// hidden marks every secret of these tests: no error may show it.
const hidden = "badbadbadbad"

var (
	secret  = strings.Repeat("5e", 32)
	relayer = strings.Repeat("01", 32)
)

// whole is every key, in the file's form and in that of the environment, and the
// field it must end up in.
var whole = []struct{ key, toml, env, field string }{
	{"listen", `"[::1]:9"`, "[::1]:9", "[::1]:9"},
	{"public_url", `"https://pay.example.com"`, "https://pay.example.com", "https://pay.example.com"},
	{"database", `"postgres://u@h/d"`, "postgres://u@h/d", "postgres://u@h/d"},
	{"nats", `"nats://h:4222"`, "nats://h:4222", "nats://h:4222"},
	{"secret", `"` + secret + `"`, secret, secret},
	{"secret_file", `"s"`, "s", "s"},
	{"seed_file", `"sf"`, "sf", "sf"},
	{"seed_key", `"sk"`, "sk", "sk"},
	{"seed_key_file", `"skf"`, "skf", "skf"},
	{"seed_key_command", `"skc"`, "skc", "skc"},
	{"log_level", `"warn"`, "warn", "warn"},
	{"operations_listen", `"127.0.0.1:1"`, "127.0.0.1:1", "127.0.0.1:1"},
	{"trusted_proxies", `["10.0.0.0/8", "fd00::/8"]`, "10.0.0.0/8, fd00::/8", "10.0.0.0/8 fd00::/8"},
	{"limits.key_per_minute", "7", "7", "7"},
	{"limits.address_per_minute", "6", "6", "6"},
	{"limits.session_per_minute", "8", "8", "8"},
	{"limits.wrong_keys", "9", "9", "9"},
	{"limits.sockets_per_key", "11", "11", "11"},
	{"limits.sockets_per_address", "0", "0", "0"},
	{"retention.event_days", "12", "12", "12"},
	{"payout.delay_hours", "7", "7", "7"},
	{"limits.sign_ins", "10", "10", "10"},
	{"limits.active_keys", "11", "11", "11"},
	{"signup", `"open"`, "open", "open"},
	{"rates.coingecko_key", `"cg"`, "cg", "cg"},
	{"rates.quorum", "3", "3", "3"},
	{"commerce.shipping_base_usd", `"2.00"`, "2.00", "2.00"},
	{"commerce.fee_usd", `"4.50"`, "4.50", "4.50"},
	{"commerce.fee_basis_points", "25", "25", "25"},
	{"commerce.tax_basis_points", "825", "825", "825"},
	{"commerce.zinc_token", `"zt"`, "zt", "zt"},
	{"commerce.zinc_token_file", `"zf"`, "zf", "zf"},
	{"commerce.zinc_url", `"https://zinc.example"`, "https://zinc.example", "https://zinc.example"},
	{"commerce.zinc_balance_usd", `"500"`, "500", "500"},
	{"commerce.refund_fee_usd", `"0.10"`, "0.10", "0.10"},
	{"commerce.delivery_days", "6", "6", "6"},
	{"commerce.estimate_minutes", "5", "5", "5"},
	{"commerce.invoice_minutes", "45", "45", "45"},
	{"commerce.minimum_balance_usd", `"75"`, "75", "75"},
	{"commerce.receiver", `"0xA"`, "0xA", "0xA"},
	{"tracing.endpoint", `"http://c:4318"`, "http://c:4318", "http://c:4318"},
	{"tracing.per_thousand", "50", "50", "50"},
	{"networks.ethereum.rpc", `["http://a", "http://b"]`, "http://a, http://b", "http://a http://b"},
	{"networks.ethereum.confirmations", "20", "20", "20"},
	{"networks.ethereum.public_key", `"pk"`, "pk", "pk"},
	{"networks.ethereum.finality", `"safe"`, "safe", "safe"},
	{"networks.ethereum.chain", `"testnet"`, "testnet", "testnet"},
	{"networks.ethereum.tokens", `["1 A native 6", "2 B 0x1 8"]`, "1 A native 6, 2 B 0x1 8", "1 A native 6 2 B 0x1 8"},
	{"networks.ethereum.chain_id", "5", "5", "5"},
	{"networks.ethereum.block_time_ms", "250", "250", "250"},
	{"networks.ethereum.explorer", `"https://scan.example"`, "https://scan.example", "https://scan.example"},
	{"networks.ethereum.relayer_key", `"` + relayer + `"`, relayer, relayer},
	{"networks.ethereum.relayer_key_file", `"r"`, "r", "r"},
	{"networks.ethereum.max_fee_gwei", "50", "50", "50"},
	{"networks.ethereum.sweep_minimum_usd", `"2.50"`, "2.50", "2.50"},
	{"networks.ethereum.refund_key", `"` + relayer + `"`, relayer, relayer},
	{"networks.ethereum.refund_key_file", `"k"`, "k", "k"},
	{"networks.ethereum.refund_token", `"USDT"`, "USDT", "USDT"},
	{"networks.ethereum.refund_limit_usd", `"500"`, "500", "500"},
}

// fields renders every field of a configuration by its key.
func fields(c app.Config) map[string]string {
	all := map[string]string{}
	add := func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() != reflect.Map {
				all[prefix+v.Type().Field(i).Tag.Get("key")] = strings.Trim(fmt.Sprint(f), "[]")
			}
		}
	}
	add("", reflect.ValueOf(c))
	add("networks.ethereum.", reflect.ValueOf(c.Networks["ethereum"]))
	return all
}

func variable(key string) string {
	return "PEPAY_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func write(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pepay.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigKeys(t *testing.T) {
	t.Parallel()
	var file, env []string
	want := map[string]string{}
	for _, k := range whole {
		file, env = append(file, k.key+" = "+k.toml), append(env, variable(k.key)+"="+k.env)
		want[k.key] = strings.Trim(k.field, "[]")
	}
	byFile, err := app.ReadConfig(write(t, strings.Join(file, "\n")), []string{"HOME=/", "PEPAYLISTEN=no"})
	if err != nil {
		t.Fatal(err)
	}
	byEnv, err := app.ReadConfig("", env)
	if err != nil {
		t.Fatal(err)
	}
	for from, got := range map[string]app.Config{"file": byFile, "environment": byEnv} {
		if got := fields(got); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v\nwant %v", from, got, want)
		}
	}
	won, err := app.ReadConfig(write(t, `log_level = "warn"`), []string{"PEPAY_LOG_LEVEL=error"})
	if err != nil || won.LogLevel != "error" {
		t.Errorf("the environment must win over the file: %q, %v", won.LogLevel, err)
	}
}

// What other commands of ours read, and what a cluster says of services, is no configuration.
func TestConfigOfOthers(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"PEPAY_API_KEY=x", "PEPAY_BASE_URL=x", "PEPAY_COMMERCE_KEY=x", "PEPAY_SEEDS=x", "PEPAY_URL=x", "PEPAY_WEBHOOK_SECRET=x",
		"PEPAY_SERVICE_HOST=10.0.0.7", "PEPAY_SERVICE_PORT=3000", "PEPAY_SERVICE_PORT_HTTP=3000", "PEPAY_PORT=tcp://10.0.0.7:3000",
		"PEPAY_PORT_3000_TCP=tcp://10.0.0.7:3000", "PEPAY_PORT_3000_TCP_PROTO=tcp", "PEPAY_PORT_3000_TCP_PORT=3000", "PEPAY_PORT_3000_TCP_ADDR=10.0.0.7",
		"PEPAY_NATS_SERVICE_HOST=10.0.0.8", "PEPAY_NATS_PORT=tcp://10.0.0.8:4222", "PEPAY_NATS_PORT_4222_TCP_ADDR=10.0.0.8",
	} {
		c, err := app.ReadConfig("", append(slices.Clone(valid), v))
		if err == nil {
			_, err = c.Options()
		}
		if err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c, err := app.ReadConfig("", []string{"PEPAY_NETWORKS_ETHEREUM_RPC=http://a", "PEPAY_PUBLIC_URL=https://pay.example.com/", "PEPAY_SECRET=" + secret})
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	n := o.Networks[0]
	limits := app.LimitOptions{
		Rates: server.Rates{PerKey: 60000, PerSession: 300, PerAddress: 60000, WrongKeys: 100, SignIns: 30}, SocketsPerKey: 1000, SocketsPerAddress: 10000,
	}
	if o.PublicURL != "https://pay.example.com" || o.Quorum != 2 || len(o.Sources) != 5 || o.Limits != limits ||
		o.Operations != "127.0.0.1:9464" || len(o.Proxies) != 0 || o.Tracing.Endpoint != "" || o.Tracing.PerThousand != 1000 || o.KeepEvents != 90*24*time.Hour {
		t.Errorf("got %+v", o)
	}
	if o.Terms != pay.DefaultTerms() {
		t.Errorf("got terms %+v", o.Terms)
	}
	if n.Confirmations != 12 || n.SweepMinimum != 5_00*money.Cent || n.MaxFee.String() != "100000000000" || n.Relayer != nil {
		t.Errorf("got network %+v", n)
	}
}

// valid is the least that can be served.
var valid = []string{"PEPAY_PUBLIC_URL=https://pay.example.com", "PEPAY_SECRET=" + secret, "PEPAY_NETWORKS_ETHEREUM_RPC=http://127.0.0.1:1"}

// refunder is a key of refunds; refunds are its variable and another.
var refunder = strings.Repeat("02", 32)

func refunds(more string) []string {
	return []string{"PEPAY_NETWORKS_ETHEREUM_REFUND_KEY=" + refunder, "PEPAY_NETWORKS_ETHEREUM_REFUND_" + more}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	empty := write(t, "")
	for name, test := range map[string]struct {
		file string
		env  []string // over valid
		want string
	}{
		"unknown key":             {file: `limits.per_hour = 3`, want: `limits.per_hour: expected one of the keys in docs/config.md`},
		"unknown variable":        {env: []string{"PEPAY_DATABSE=" + hidden}, want: `databse (PEPAY_DATABSE): expected one of the keys`},
		"unknown network":         {file: `networks.polygon.rpc = ["http://a"]`, want: `networks.polygon.rpc: expected a network that comes with Pepay, which are [arbitrum avalanche base bsc cardano ethereum optimism solana sui ton], or networks.polygon.chain_id too`},
		"unknown network's key":   {file: `networks.ethereum.rcp = ["http://a"]`, want: `networks.ethereum.rcp: expected one of the keys`},
		"a section of nothing":    {file: `[networks.base]`, want: `networks.base.rpc: expected one or more http or https URLs`},
		"an own one of nothing":   {file: `[networks.polygon]`, want: `networks.polygon: expected a network that comes with Pepay`},
		"nearly another's":        {env: []string{"PEPAY_API_KEYS=" + hidden}, want: `api_keys (PEPAY_API_KEYS): expected one of the keys`},
		"a port of nobody":        {env: []string{"PEPAY_PORT=3000"}, want: `port (PEPAY_PORT): expected one of the keys`},
		"nearly a cluster's":      {env: []string{"PEPAY_SERVICE_HOSTS=" + hidden}, want: `service_hosts (PEPAY_SERVICE_HOSTS): expected one of the keys`},
		"networks not a table":    {file: `networks = 3`, want: `networks: expected`},
		"number as text":          {file: `secret = 12`, want: `secret: expected 64 or more hexadecimal digits`},
		"list as text":            {file: `listen = ["` + hidden + `"]`, want: `listen: expected host:port`},
		"text as number":          {env: []string{"PEPAY_RATES_QUORUM=" + hidden}, want: `rates.quorum (PEPAY_RATES_QUORUM): expected a whole number from 1`},
		"no day":                  {file: `retention.event_days = 0`, want: `retention.event_days: expected a whole number from 1`},
		"too little":              {file: `limits.wrong_keys = 0`, want: `limits.wrong_keys: expected a whole number from 1`},
		"negative":                {file: `networks.ethereum.confirmations = -1`, want: `networks.ethereum.confirmations: expected a whole number from 0`},
		"a fraction":              {file: `limits.key_per_minute = 1.5`, want: `limits.key_per_minute: expected a whole number`},
		"number as list":          {file: `networks.ethereum.rpc = 3`, want: `networks.ethereum.rpc: expected one or more http or https URLs: a list`},
		"numbers in a list":       {file: `networks.ethereum.rpc = [3]`, want: `networks.ethereum.rpc: expected one or more`},
		"no list":                 {env: []string{"PEPAY_NETWORKS_ETHEREUM_RPC="}, want: `networks.ethereum.rpc: expected one or more`},
		"websocket node":          {env: []string{"PEPAY_NETWORKS_ETHEREUM_RPC=ws://" + hidden}, want: `networks.ethereum.rpc: expected one or more http`},
		"no public URL":           {env: []string{"PEPAY_PUBLIC_URL="}, want: `public_url: expected an http or https URL`},
		"public URL with a path":  {env: []string{"PEPAY_PUBLIC_URL=https://a/b"}, want: `public_url: expected an http or https URL without a path`},
		"no host":                 {env: []string{"PEPAY_PUBLIC_URL=https://"}, want: `public_url: expected`},
		"no secret":               {env: []string{"PEPAY_SECRET="}, want: `secret: expected 64 or more hexadecimal digits`},
		"short secret":            {env: []string{"PEPAY_SECRET=" + hidden}, want: `secret: expected 64 or more`},
		"secret twice":            {env: []string{"PEPAY_SECRET_FILE=" + empty}, want: `secret_file: expected nothing, since secret`},
		"secret file lost":        {env: []string{"PEPAY_SECRET=", "PEPAY_SECRET_FILE=" + empty + "x"}, want: `secret_file: expected the path of a file that can be read`},
		"secret file empty":       {env: []string{"PEPAY_SECRET=", "PEPAY_SECRET_FILE=" + empty}, want: `secret_file: expected a file that holds something`},
		"listen without port":     {env: []string{"PEPAY_LISTEN=localhost"}, want: `listen: expected host:port`},
		"operations without port": {env: []string{"PEPAY_OPERATIONS_LISTEN=" + hidden}, want: `operations_listen: expected host:port`},
		"operations as number":    {file: `operations_listen = 9464`, want: `operations_listen: expected host:port`},
		"proxy by name":           {env: []string{"PEPAY_TRUSTED_PROXIES=10.0.0.1, " + hidden}, want: `trusted_proxies: expected networks such as 10.0.0.0/8 or addresses`},
		"proxies of 33 bits":      {env: []string{"PEPAY_TRUSTED_PROXIES=10.0.0.0/33"}, want: `trusted_proxies: expected networks`},
		"proxies as number":       {file: `trusted_proxies = 3`, want: `trusted_proxies: expected networks`},
		"another database":        {env: []string{"PEPAY_DATABASE=mysql://u:" + hidden + "@h/d"}, want: `database: expected postgres://`},
		"broken database":         {env: []string{"PEPAY_DATABASE=postgres://u:" + hidden + "@h:port/d"}, want: `database: expected postgres://`},
		"no database":             {env: []string{"PEPAY_DATABASE="}, want: `database: expected postgres://`},
		"broken bus":              {env: []string{"PEPAY_NATS=nats://u:" + hidden + "@h:port"}, want: `nats: expected nats://host:4222`},
		"relayer key":             {env: []string{"PEPAY_NETWORKS_ETHEREUM_RELAYER_KEY=" + hidden}, want: `networks.ethereum.relayer_key: expected 64 hexadecimal digits`},
		"relayer key file lost":   {env: []string{"PEPAY_NETWORKS_ETHEREUM_RELAYER_KEY_FILE=" + empty + "x"}, want: `networks.ethereum.relayer_key_file: expected the path of a file`},
		"collector's scheme":      {env: []string{"PEPAY_TRACING_ENDPOINT=" + hidden + ":4318"}, want: `tracing.endpoint: expected an http or https URL`},
		"collector's password":    {env: []string{"PEPAY_TRACING_ENDPOINT=http://u:" + hidden + "@c:4318"}, want: `tracing.endpoint: expected an http or https URL`},
		"collector's query":       {env: []string{"PEPAY_TRACING_ENDPOINT=http://c:4318?key=" + hidden}, want: `tracing.endpoint: expected an http or https URL`},
		"more than all traces":    {file: `tracing.per_thousand = 1001`, want: `tracing.per_thousand: expected a whole number from 0 to 1000`},
		"fewer than no traces":    {file: `tracing.per_thousand = -1`, want: `tracing.per_thousand: expected a whole number from 0`},
		"signup":                  {env: []string{"PEPAY_SIGNUP=ajar"}, want: `signup: expected open or closed`},
		"sweep minimum":           {env: []string{"PEPAY_NETWORKS_ETHEREUM_SWEEP_MINIMUM_USD=much"}, want: `networks.ethereum.sweep_minimum_usd: expected dollars such as 5.00`},
		"refund key":              {env: refunds("KEY=" + hidden), want: `networks.ethereum.refund_key: expected 64 hexadecimal digits, of another account`},
		"refund key file lost":    {env: []string{"PEPAY_NETWORKS_ETHEREUM_REFUND_KEY_FILE=" + empty + "x"}, want: `networks.ethereum.refund_key_file: expected the path of a file`},
		"the relayer's key":       {env: append(refunds("LIMIT_USD=5"), "PEPAY_NETWORKS_ETHEREUM_RELAYER_KEY=0x"+refunder), want: `networks.ethereum.refund_key: expected 64 hexadecimal digits, of another account`},
		"refunds without a limit": {env: refunds("TOKEN=USDC"), want: `networks.ethereum.refund_limit_usd: expected dollars above 0`},
		"a limit of nothing":      {env: refunds("LIMIT_USD=0"), want: `networks.ethereum.refund_limit_usd: expected dollars above 0`},
		"a limit that is none":    {env: refunds("LIMIT_USD=-5"), want: `networks.ethereum.refund_limit_usd: expected dollars above 0`},
		"refunds in coin":         {env: append(refunds("LIMIT_USD=5"), "PEPAY_NETWORKS_ETHEREUM_REFUND_TOKEN=ETH"), want: `networks.ethereum.refund_token: expected the symbol of a stable token`},
		"refunds elsewhere":       {env: refunds("LIMIT_USD=5"), want: `networks.ethereum.refund_key: expected nothing: refunds are paid on bsc`},
		"a fee that is none":      {env: []string{"PEPAY_COMMERCE_FEE_USD=-1"}, want: `commerce.fee_usd: expected dollars such as 3.00`},
		"a fee of half a cent":    {env: []string{"PEPAY_COMMERCE_FEE_USD=0.005"}, want: `commerce.fee_usd: expected dollars such as 3.00`},
		"shipping":                {env: []string{"PEPAY_COMMERCE_SHIPPING_BASE_USD="}, want: `commerce.shipping_base_usd: expected dollars such as 1.00`},
		"a refund fee":            {env: []string{"PEPAY_COMMERCE_REFUND_FEE_USD=1.2.3"}, want: `commerce.refund_fee_usd: expected dollars such as 0.50`},
		"a balance":               {env: []string{"PEPAY_COMMERCE_MINIMUM_BALANCE_USD=much"}, want: `commerce.minimum_balance_usd: expected dollars such as 50.00`},
		"a share over the whole":  {file: `commerce.fee_basis_points = 10001`, want: `commerce.fee_basis_points: expected a whole number from 0 to 10000`},
		"a tax over the whole":    {file: `commerce.tax_basis_points = 10001`, want: `commerce.tax_basis_points: expected a whole number from 0 to 10000`},
		"plain Zinc":              {env: []string{"PEPAY_COMMERCE_ZINC_URL=http://zinc.example"}, want: `commerce.zinc_url: expected an https URL`},
		"a token twice":           {env: []string{"PEPAY_COMMERCE_ZINC_TOKEN=" + hidden, "PEPAY_COMMERCE_ZINC_TOKEN_FILE=" + empty}, want: `commerce.zinc_token_file: expected nothing`},
		"Zinc's balance":          {env: []string{"PEPAY_COMMERCE_ZINC_BALANCE_USD=all"}, want: `commerce.zinc_balance_usd: expected dollars`},
		"no day of delivery":      {file: `commerce.delivery_days = 0`, want: `commerce.delivery_days: expected a whole number from 1`},
		"an endless invoice":      {file: `commerce.invoice_minutes = 43201`, want: `commerce.invoice_minutes: expected at most 43200`},
		"no estimate":             {file: `commerce.estimate_minutes = 0`, want: `commerce.estimate_minutes: expected a whole number from 1`},
		"a receiver":              {env: []string{"PEPAY_COMMERCE_RECEIVER=0x1"}, want: `commerce.receiver: expected an EVM address`},
		"quorum over the sources": {env: []string{"PEPAY_RATES_QUORUM=6"}, want: `rates.quorum: expected at most 5`},
		"not TOML":                {file: "log_level = \"info\"\nsecret = " + hidden, want: `is not TOML at line 2`},
		"a lost quote":            {file: `secret = "` + hidden, want: `is not TOML at line 1`},
		"a secret alone":          {file: "listen = \"a:1\"\n" + hidden, want: `is not TOML at line 2`},
		"a key twice":             {file: "listen = \"a:1\"\nlisten = \"a:2\"", want: `by the key "listen"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, _, _ := strings.Cut(test.file, " = ")
			env := slices.DeleteFunc(slices.Clone(valid), func(v string) bool { return strings.HasPrefix(v, variable(key)+"=") })
			c, err := app.ReadConfig(write(t, test.file), append(env, test.env...))
			if err == nil {
				_, err = c.Options()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
	t.Run("no network", func(t *testing.T) {
		t.Parallel()
		c, err := app.ReadConfig("", valid[:2])
		if err == nil {
			_, err = c.Options()
		}
		if err == nil || !strings.Contains(err.Error(), "networks: expected at least one") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		if _, err := app.ReadConfig(empty+"x", nil); err == nil || !strings.Contains(err.Error(), "config: there is no file "+empty+"x") {
			t.Errorf("got %v", err)
		}
	})
}

func TestConfigSecretsFromFiles(t *testing.T) {
	t.Parallel()
	key, err := crypto.HexToECDSA(relayer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := app.ReadConfig("", []string{
		valid[0], valid[2], "PEPAY_SECRET_FILE=" + write(t, secret+"\n"), "PEPAY_NETWORKS_ETHEREUM_RELAYER_KEY_FILE=" + write(t, "0x"+relayer+"\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(o.Secret) != secret || !o.Networks[0].Relayer.Equal(key) {
		t.Error("the secrets are not those in the files")
	}
}

// FuzzReadConfig: no file makes it panic, and what it takes can be checked.
func FuzzReadConfig(f *testing.F) {
	for _, k := range whole {
		f.Add(k.key+" = "+k.toml, variable(k.key)+"="+k.env)
	}
	f.Add("[networks.ethereum]\nrpc = []", "PEPAY_NETWORKS_=")
	f.Add("a = [[1], {b = 1979-05-27}]", "PEPAY_")
	f.Fuzz(func(t *testing.T, file, env string) {
		if strings.Contains(env, "_FILE") || strings.Contains(file, "_file") {
			t.Skip("names files of this machine")
		}
		c, err := app.ReadConfig(write(t, file), []string{env})
		if err != nil {
			return
		}
		if o, err := c.Options(); err == nil && (len(o.Secret) < 32 || len(o.Networks) == 0 || len(o.Networks[0].RPC) == 0) {
			t.Errorf("what cannot be served was taken: %+v", o)
		}
	})
}

// A refund wallet is configured on BSC, and pays in the first stable token unless told
// otherwise.
func TestConfigRefunds(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{"": "USDT", "USDC": "USDC"} {
		env := append(slices.Clone(valid), "PEPAY_NETWORKS_BSC_RPC=http://127.0.0.1:1", "PEPAY_NETWORKS_BSC_REFUND_KEY="+relayer,
			"PEPAY_NETWORKS_BSC_REFUND_LIMIT_USD=500", "PEPAY_NETWORKS_BSC_REFUND_TOKEN="+token)
		c, err := app.ReadConfig("", env)
		if err != nil {
			t.Fatal(err)
		}
		o, err := c.Options()
		if err != nil {
			t.Fatal(err)
		}
		n := o.Networks[0]
		if n.Name != "bsc" || n.Refund.Key == nil || n.Refund.Limit != 500_00*money.Cent || n.Refund.Token.Symbol != want || o.Networks[1].Refund.Key != nil {
			t.Errorf("got %+v", o.Networks)
		}
	}
}
