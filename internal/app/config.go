package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Config is what an operator may set: in a TOML file, and each key also by an
// environment variable, which wins. The tags are a key's name, what it is for, its
// default, what is expected of its value, and the least of a number.
type Config struct {
	Listen           string                   `key:"listen" doc:"where the API and the pages are served" default:"127.0.0.1:3000" want:"host:port"`
	PublicURL        string                   `key:"public_url" doc:"required: where payors reach the pages" want:"an http or https URL without a path, such as https://pay.example.com"`
	Database         string                   `key:"database" doc:"an SQLite file for one node, PostgreSQL for any number" default:"pepay.db" want:"postgres://user:password@host/name or the path of an SQLite file"`
	NATS             string                   `key:"nats" doc:"a NATS server shared by all nodes; empty for one inside the process, which a single node is fine with" want:"nats://host:4222"`
	Secret           string                   `key:"secret" doc:"required, here or in secret_file: the deployment's secret, the same on every node" want:"64 or more hexadecimal digits, as from: openssl rand -hex 32"`
	SecretFile       string                   `key:"secret_file" doc:"a file that holds the secret, instead of secret" want:"the path of a file"`
	SeedFile         string                   `key:"seed_file" doc:"the encrypted seed of the deposit addresses on solana, sui, ton and cardano, as pepay seed wrote it; without one these networks give out addresses that you make elsewhere, and settle by hand" want:"the path of a file"`
	SeedKey          string                   `key:"seed_key" doc:"required with seed_file, here, in seed_key_file or by seed_key_command: what the seed is encrypted with" want:"64 hexadecimal digits, as pepay seed wrote them"`
	SeedKeyFile      string                   `key:"seed_key_file" doc:"a file that holds the key, instead of seed_key" want:"the path of a file"`
	SeedKeyCommand   string                   `key:"seed_key_command" doc:"a command that prints the key, such as one that asks a key service, instead of seed_key"`
	LogLevel         string                   `key:"log_level" doc:"the least of what is logged" default:"info" want:"debug, info, warn or error"`
	OperationsListen string                   `key:"operations_listen" doc:"where metrics, probes and profiles are served, for yourself only; empty for nowhere" default:"127.0.0.1:9464" want:"host:port"`
	TrustedProxies   []string                 `key:"trusted_proxies" doc:"the proxies before Pepay: their X-Forwarded-For or Forwarded tells whose limits a request uses up" want:"networks such as 10.0.0.0/8 or addresses"`
	KeyPerMinute     int                      `key:"limits.key_per_minute" doc:"requests a minute for each API key" default:"60000" least:"1"`
	AddressPerMinute int                      `key:"limits.address_per_minute" doc:"requests a minute from one IP address, with whatever key; 0 for no limit" default:"60000"`
	SessionPerMinute int                      `key:"limits.session_per_minute" doc:"requests a minute for each payor" default:"300" least:"1"`
	WrongKeys        int                      `key:"limits.wrong_keys" doc:"wrong API keys in 15 minutes from one address" default:"100" least:"1"`
	SocketsPerKey    int                      `key:"limits.sockets_per_key" doc:"open websockets for each API key, and for each invoice's payors; 0 for any number" default:"1000"`
	SocketsPerIP     int                      `key:"limits.sockets_per_address" doc:"open websockets from one address; 0 for any number, as behind a proxy, whose address all share" default:"10000"`
	EventDays        int                      `key:"retention.event_days" doc:"days that events and their deliveries are kept" default:"90" least:"1"`
	SignIns          int                      `key:"limits.sign_ins" doc:"requests to sign in a minute from one address" default:"30" least:"1"`
	MaxKeys          int                      `key:"limits.active_keys" doc:"active API keys that a merchant may have of each scope" default:"20" least:"1"`
	PayoutDelay      int                      `key:"payout.delay_hours" doc:"hours that a change of a payout address waits, so that its owner hears of it before it counts" default:"24"`
	Signup           string                   `key:"signup" doc:"open: a wallet that nobody knows becomes the owner of a new merchant on devnet when it signs in; closed: you add members" default:"closed" want:"open or closed"`
	CoinGeckoKey     string                   `key:"rates.coingecko_key" doc:"an API key of a paid CoinGecko plan, which it does not need: at least 100,000 calls a month for each node. One of the demo plan does not help, since its 10,000 would be used up in four days"`
	RatesQuorum      int                      `key:"rates.quorum" doc:"how many price sources must agree; which there are is said below" default:"2" least:"1"`
	ShippingBase     string                   `key:"commerce.shipping_base_usd" doc:"what shipping costs a customer, for each order" default:"1.00" want:"dollars such as 1.00"`
	CommerceFee      string                   `key:"commerce.fee_usd" doc:"the fixed part of the commerce fee" default:"3.00" want:"dollars such as 3.00"`
	CommerceRate     int                      `key:"commerce.fee_basis_points" doc:"the part of the commerce fee that goes with the price of the goods, in hundredths of a per cent" default:"0" want:"a whole number from 0 to 10000"`
	TaxRate          int                      `key:"commerce.tax_basis_points" doc:"sales tax that customers pay on the goods, in hundredths of a per cent; what a retailer charges must be covered by it, or orders fail because the price has risen" default:"0" want:"a whole number from 0 to 10000"`
	ZincToken        string                   `key:"commerce.zinc_token" doc:"the client token of a Zinc account, which buys what mainnet sells; without one mainnet sells nothing" want:"a client token"`
	ZincTokenFile    string                   `key:"commerce.zinc_token_file" doc:"a file that holds the token, instead of commerce.zinc_token" want:"the path of a file"`
	ZincURL          string                   `key:"commerce.zinc_url" doc:"where Zinc is asked; empty for its own address" want:"an https URL"`
	ZincBalance      string                   `key:"commerce.zinc_balance_usd" doc:"what the account is taken to hold if Zinc tells it in a form that is not understood" default:"0.00" want:"dollars such as 500.00"`
	RefundFee        string                   `key:"commerce.refund_fee_usd" doc:"kept back from each refund" default:"0.00" want:"dollars such as 0.50"`
	DeliveryDays     int                      `key:"commerce.delivery_days" doc:"an offer that is delivered later is not sold" default:"10" least:"1"`
	EstimateMinutes  int                      `key:"commerce.estimate_minutes" doc:"how long an estimate is good for" default:"15" least:"1"`
	InvoiceMinutes   int                      `key:"commerce.invoice_minutes" doc:"how long an order can be paid" default:"30" least:"1" want:"at most 43200, which is 30 days"`
	MinimumBalance   string                   `key:"commerce.minimum_balance_usd" doc:"what the account with the retail provider must hold; below it there are no new orders" default:"50.00" want:"dollars such as 50.00"`
	CommerceReceiver string                   `key:"commerce.receiver" doc:"where the proceeds of orders go, since you pay the retailers; empty for the merchant's payout address" want:"an EVM address"`
	TracingEndpoint  string                   `key:"tracing.endpoint" doc:"where OpenTelemetry traces are sent, as OTLP over HTTP; empty for none" want:"an http or https URL such as http://127.0.0.1:4318/v1/traces"`
	TracingShare     int                      `key:"tracing.per_thousand" doc:"how many of a thousand traces are sent" default:"1000" want:"a whole number from 0 to 1000"`
	Networks         map[string]NetworkConfig `key:"networks"`
}

// NetworkConfig is what an operator may set for a network, under networks.<name>.
type NetworkConfig struct {
	RPC            []string `key:"rpc" doc:"required: JSON-RPC endpoints, best first; two or more hold each other to account" want:"one or more http or https URLs"`
	Confirmations  int      `key:"confirmations" doc:"blocks until a deposit counts; 0 for the network's usual rule. With finality they only tell payors how many it usually takes" default:"0"`
	Finality       string   `key:"finality" doc:"what the nodes must call a block before its deposits count, instead of confirmations: safe or finalized; empty for the network's usual" want:"safe or finalized"`
	Chain          string   `key:"chain" doc:"the chain with real money, or a public testnet, whose payments are of the environment devnet; those that come with Pepay have both" default:"mainnet" want:"mainnet or testnet"`
	Tokens         []string `key:"tokens" doc:"tokens that are taken besides those that come with Pepay. Each is an id from 1000, yours for ever, the symbol, the contract (a mint on solana, a jetton master on ton, a coin type on sui, policy id and asset name on cardano) or the word native, and the decimals; then, if so, stable for one that counts as a dollar, price=ETH for the symbol its price is known by if that is another, spelled=USD₮0 for how the contract writes the symbol" want:"texts such as '1001 USDC 0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 6 stable'"`
	ChainID        int      `key:"chain_id" doc:"the chain id of an EVM network of your own; 0 for those that come with Pepay" default:"0"`
	BlockTime      int      `key:"block_time_ms" doc:"required for a network of your own: the usual time between two of its blocks, in milliseconds" default:"0"`
	Explorer       string   `key:"explorer" doc:"where people look up transactions on a network of your own; its pages are named as on etherscan.io" want:"an https URL such as https://polygonscan.com"`
	RelayerKey     string   `key:"relayer_key" doc:"private key of the account that pays for settlements; without one they are left to others" want:"64 hexadecimal digits"`
	RelayerKeyFile string   `key:"relayer_key_file" doc:"a file that holds the key, instead of relayer_key" want:"the path of a file"`
	MaxFeeGwei     int      `key:"max_fee_gwei" doc:"most to pay for a unit of gas, in gwei" default:"100" least:"1"`
	PublicKey      string   `key:"public_key" doc:"on ton and cardano: what deposit addresses are derived from, as pepay addresses keys prints it; not needed with seed_file" want:"what pepay addresses keys prints"`
	SweepMinimum   string   `key:"sweep_minimum_usd" doc:"smallest payment that is settled by itself; empty for the network's usual" want:"dollars such as 5.00"`
	RefundKey      string   `key:"refund_key" doc:"on bsc: private key of the wallet that refunds of orders are paid from, an account for that alone; without one they are paid by hand" want:"64 hexadecimal digits, of another account than the relayer's"`
	RefundKeyFile  string   `key:"refund_key_file" doc:"a file that holds the key, instead of refund_key" want:"the path of a file"`
	RefundToken    string   `key:"refund_token" doc:"the stable token that refunds are paid in; empty for the network's first" want:"the symbol of a stable token of the network, such as USDC"`
	RefundLimit    string   `key:"refund_limit_usd" doc:"required with refund_key: the most that is paid back in any 24 hours" want:"dollars above 0, such as 500.00"`
}

// setting is the value of a key, and the environment variable it came from, if any.
type setting struct {
	value any
	env   string
}

// wrong is the error of a key whose value is not what is expected. It never shows
// the value, which may be a secret.
func (s setting) wrong(key, expected string) error {
	if s.env != "" {
		key += " (" + s.env + ")"
	}
	return errors.New(key + ": expected " + expected)
}

// ReadConfig reads the file at path, if it is not empty, and the environment. Every
// error names the key and says what is expected; none shows a value.
func ReadConfig(path string, environ []string) (c Config, err error) {
	values := map[string]setting{}
	if path != "" {
		var tree map[string]any
		if _, err := toml.DecodeFile(path, &tree); err != nil {
			return c, unreadable(path, err)
		}
		flatten("", tree, values)
	}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if key, ours := strings.CutPrefix(name, "PEPAY_"); ours && !slices.Contains(notConfig, name) && !ofKubernetes.MatchString(v) {
			values[keyOf(strings.ToLower(key))] = setting{value, name}
		}
	}
	for _, name := range sections(values) {
		prefix := "networks." + name + "."
		if _, empty := values["networks."+name].value.(map[string]any); empty {
			delete(values, "networks."+name)
		}
		var n NetworkConfig
		if err := fill(reflect.ValueOf(&n).Elem(), prefix, values); err != nil {
			return c, err
		}
		if c.Networks == nil {
			c.Networks = map[string]NetworkConfig{}
		}
		c.Networks[name] = n
	}
	if err := fill(reflect.ValueOf(&c).Elem(), "", values); err != nil {
		return c, err
	}
	if len(values) == 0 {
		return c, nil
	}
	k := slices.Sorted(maps.Keys(values))[0]
	if name, ok := strings.CutPrefix(k, "networks."); ok {
		if name, _, _ = strings.Cut(name, "."); !served(c, name) {
			return c, values[k].wrong(k, fmt.Sprintf("a network that comes with Pepay, which are %s, or networks.%s.chain_id too, for one of your own", listed(), name))
		}
	}
	return c, values[k].wrong(k, "one of the keys in docs/config.md; there is no such key")
}

// unreadable says what is wrong with a file, without quoting it.
func unreadable(path string, err error) error {
	if e, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Errorf("config: %s is not TOML at line %d, by the key %q: texts stand in quotes, lists in brackets, and no key twice", path, e.Position.Line, e.LastKey)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("config: there is no file %s; README.md has one to begin with, docs/config.md all keys", path)
	}
	return fmt.Errorf("config: %w", err)
}

// notConfig are environment variables of ours that are not configuration: those of other
// commands and of the examples.
var notConfig = []string{"PEPAY_API_KEY", "PEPAY_BASE_URL", "PEPAY_COMMERCE_KEY", "PEPAY_SEEDS", "PEPAY_URL", "PEPAY_WEBHOOK_SECRET"}

// ofKubernetes matches what a cluster puts into the environment for services named pepay
// and pepay-something.
var ofKubernetes = regexp.MustCompile(`^PEPAY_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)=|^PEPAY_([A-Z0-9_]+_)?PORT=(tcp|udp|sctp)://`)

// keyOf turns limits_key_per_minute into limits.key_per_minute.
func keyOf(s string) string {
	for _, section := range []string{"commerce", "limits", "payout", "rates", "retention", "tracing"} {
		if rest, ok := strings.CutPrefix(s, section+"_"); ok {
			return section + "." + rest
		}
	}
	if rest, ok := strings.CutPrefix(s, "networks_"); ok {
		name, key, _ := strings.Cut(rest, "_")
		return "networks." + name + "." + key
	}
	return s
}

func flatten(prefix string, tree map[string]any, to map[string]setting) {
	for k, v := range tree {
		if sub, ok := v.(map[string]any); ok && (len(sub) > 0 || prefix != "networks.") { // an empty section is a network all the same
			flatten(prefix+k+".", sub, to)
			continue
		}
		to[prefix+k] = setting{value: v}
	}
}

// fill sets the fields of a struct and takes what it used out of values.
func fill(s reflect.Value, prefix string, values map[string]setting) error {
	for i := range s.NumField() {
		f := s.Type().Field(i)
		key := prefix + f.Tag.Get("key")
		if f.Type.Kind() == reflect.Map {
			continue
		}
		v, given := values[key]
		if delete(values, key); !given {
			if v.value = f.Tag.Get("default"); v.value == "" {
				continue
			}
		}
		if !set(s.Field(i), v.value, f.Tag.Get("least")) {
			return v.wrong(key, expectation(f))
		}
	}
	return nil
}

// expectation says what the value of a field must be.
func expectation(f reflect.StructField) string {
	switch f.Type.Kind() { //nolint:exhaustive // the kinds that Config has
	case reflect.Int:
		return "a whole number from " + strconv.Itoa(least(f.Tag.Get("least")))
	case reflect.Slice:
		return f.Tag.Get("want") + ": a list of texts in the file, separated by commas in the environment"
	}
	if want := f.Tag.Get("want"); want != "" {
		return want + ", as a text in quotes"
	}
	return "a text in quotes"
}

func least(tag string) int {
	n, _ := strconv.Atoi(tag) // 0 for none
	return n
}

// set sets a field, unless the value is not of its kind.
func set(f reflect.Value, v any, min string) bool {
	text, isText := v.(string)
	switch f.Kind() { //nolint:exhaustive // the kinds that Config has
	case reflect.String:
		f.SetString(text)
		return isText
	case reflect.Int:
		n, err := strconv.Atoi(fmt.Sprint(v))
		f.SetInt(int64(n))
		return err == nil && n >= least(min)
	case reflect.Slice:
		list, isList := v.([]any)
		for _, one := range strings.Split(text, ",") {
			if isText {
				list = append(list, strings.TrimSpace(one))
			}
		}
		for _, one := range list {
			text, ok := one.(string)
			if !ok {
				return false
			}
			f.Set(reflect.Append(f, reflect.ValueOf(text)))
		}
		return isText || isList
	}
	return false
}
