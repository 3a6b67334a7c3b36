package app

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Config is what an operator may set: in a TOML file, and each key also by an
// environment variable, which wins. The tags are a key's name, what it is for, and
// what is expected of its value.
type Config struct {
	Listen           string                   `key:"listen" doc:"host:port of the API and the pages" default:"127.0.0.1:3000"`
	PublicURL        string                   `key:"public_url" doc:"where payors reach the pages, such as https://pay.example.com" want:"an http or https URL without a path"`
	Database         string                   `key:"database" doc:"postgres://… or the path of an SQLite file" default:"pepay.db"`
	NATS             string                   `key:"nats" doc:"nats://… shared by all nodes; empty for one inside the process"`
	Secret           string                   `key:"secret" doc:"the deployment's secret, the same on every node" want:"64 or more hexadecimal digits, as from: openssl rand -hex 32"`
	SecretFile       string                   `key:"secret_file" doc:"a file that holds the secret, instead of secret"`
	LogLevel         string                   `key:"log_level" doc:"debug, info, warn or error" default:"info"`
	KeyPerMinute     int                      `key:"limits.key_per_minute" doc:"requests a minute for each API key" default:"60000"`
	SessionPerMinute int                      `key:"limits.session_per_minute" doc:"requests a minute for each payor" default:"300"`
	WrongKeys        int                      `key:"limits.wrong_keys" doc:"wrong API keys in 15 minutes from one address" default:"100"`
	CoinGeckoKey     string                   `key:"rates.coingecko_key" doc:"API key for CoinGecko"`
	RatesQuorum      int                      `key:"rates.quorum" doc:"price sources that must agree" default:"2"`
	Networks         map[string]NetworkConfig `key:"networks"`
}

// NetworkConfig is what an operator may set for a network, under networks.<name>.
type NetworkConfig struct {
	RPC            []string `key:"rpc" doc:"JSON-RPC endpoints, best first; two or more hold each other to account" want:"a list of http or https URLs"`
	Confirmations  int      `key:"confirmations" doc:"blocks until a deposit counts; 0 for the network's usual"`
	RelayerKey     string   `key:"relayer_key" doc:"private key of the account that pays for settlements" want:"64 hexadecimal digits"`
	RelayerKeyFile string   `key:"relayer_key_file" doc:"a file that holds the key, instead of relayer_key"`
	MaxFeeGwei     int      `key:"max_fee_gwei" doc:"most to pay for a unit of gas, in gwei" default:"100"`
	SweepMinimum   string   `key:"sweep_minimum_usd" doc:"smallest payment that is settled by itself" want:"dollars such as 5.00"`
}

// builtin is every network that can be configured, with its tokens.
var builtin = map[pay.NetworkName]NetworkOptions{
	pay.Ethereum.Name: {Network: pay.Ethereum, Tokens: pay.EthereumTokens},
}

// ReadConfig reads the file at path, if it is not empty, and the environment. Every
// error names the key and says what is expected.
func ReadConfig(path string, environ []string) (c Config, err error) {
	values := map[string]any{}
	if path != "" {
		var tree map[string]any
		if _, err := toml.DecodeFile(path, &tree); err != nil {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		flatten("", tree, values)
	}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if key, ours := strings.CutPrefix(name, "PEPAY_"); ours && !slices.Contains(notConfig, name) {
			values[keyOf(strings.ToLower(key))] = value
		}
	}
	for name := range builtin {
		var n NetworkConfig
		prefix := "networks." + string(name) + "."
		given := false
		for k := range values {
			given = given || strings.HasPrefix(k, prefix)
		}
		if !given {
			continue
		}
		if err := fill(reflect.ValueOf(&n).Elem(), prefix, values); err != nil {
			return c, err
		}
		if c.Networks == nil {
			c.Networks = map[string]NetworkConfig{}
		}
		c.Networks[string(name)] = n
	}
	if err := fill(reflect.ValueOf(&c).Elem(), "", values); err != nil {
		return c, err
	}
	for k := range values {
		return c, fmt.Errorf("%s: there is no such key; see docs/config.md for all of them", k)
	}
	return c, nil
}

// notConfig are environment variables of ours that are not configuration.
var notConfig = []string{"PEPAY_SEEDS"}

// keyOf turns limits_key_per_minute into limits.key_per_minute.
func keyOf(s string) string {
	for _, section := range []string{"limits", "rates"} {
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

func flatten(prefix string, tree map[string]any, to map[string]any) {
	for k, v := range tree {
		if sub, ok := v.(map[string]any); ok {
			flatten(prefix+k+".", sub, to)
			continue
		}
		to[prefix+k] = v
	}
}

// fill sets the fields of a struct and takes what it used out of values.
func fill(s reflect.Value, prefix string, values map[string]any) error {
	for i := range s.NumField() {
		tag := s.Type().Field(i).Tag
		key := prefix + tag.Get("key")
		v, given := values[key]
		if s.Field(i).Kind() == reflect.Map {
			continue
		}
		if delete(values, key); !given {
			if v = tag.Get("default"); v == "" {
				continue
			}
		}
		if err := set(s.Field(i), v); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func set(f reflect.Value, v any) error {
	text := fmt.Sprint(v)
	switch f.Kind() { //nolint:exhaustive // the kinds that Config has
	case reflect.String:
		if _, ok := v.(string); !ok {
			return fmt.Errorf("expected a text in quotes, not %v", v)
		}
		f.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("expected a whole number from 0, not %v", v)
		}
		f.SetInt(int64(n))
	case reflect.Slice:
		list := strings.Split(text, ",")
		if given, ok := v.([]any); ok {
			list = nil
			for _, one := range given {
				list = append(list, fmt.Sprint(one))
			}
		}
		f.Set(reflect.ValueOf(list))
	}
	return nil
}

// Options checks the configuration and turns it into options.
func (c Config) Options() (o Options, err error) {
	secret, err := fromFile("secret", c.Secret, c.SecretFile)
	if err != nil {
		return o, err
	}
	o = Options{
		Listen: c.Listen, PublicURL: strings.TrimSuffix(c.PublicURL, "/"), Database: c.Database, NATS: c.NATS, Quorum: c.RatesQuorum,
		Limits: LimitOptions{PerKey: max(c.KeyPerMinute, 1), PerSession: max(c.SessionPerMinute, 1), WrongKeys: max(c.WrongKeys, 1)},
	}
	if o.Secret, err = hex.DecodeString(secret); err != nil || len(o.Secret) < 32 {
		return o, errors.New("secret: expected 64 or more hexadecimal digits, as from: openssl rand -hex 32")
	}
	if !strings.HasPrefix(o.PublicURL, "http://") && !strings.HasPrefix(o.PublicURL, "https://") {
		return o, errors.New("public_url: expected where payors reach the pages, such as https://pay.example.com")
	}
	for name, n := range c.Networks {
		w, err := n.options(builtin[pay.NetworkName(name)])
		if err != nil {
			return o, fmt.Errorf("networks.%s.%w", name, err)
		}
		o.Networks = append(o.Networks, w)
	}
	o.Sources = sources(c)
	return o, nil
}

func (n NetworkConfig) options(w NetworkOptions) (NetworkOptions, error) {
	if w.RPC = n.RPC; len(n.RPC) == 0 {
		return w, errors.New("rpc: expected at least one http or https URL")
	}
	for _, u := range n.RPC {
		if !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
			return w, errors.New("rpc: expected http or https URLs")
		}
	}
	if n.Confirmations > 0 {
		w.Confirmations = uint64(n.Confirmations)
	}
	w.MaxFee = new(big.Int).Mul(big.NewInt(int64(n.MaxFeeGwei)), big.NewInt(1e9))
	if n.SweepMinimum != "" {
		min, err := money.ParseUSD(n.SweepMinimum)
		if err != nil {
			return w, errors.New("sweep_minimum_usd: expected dollars such as 5.00")
		}
		w.SweepMinimum = min
	}
	key, err := fromFile("relayer_key", n.RelayerKey, n.RelayerKeyFile)
	if err != nil || key == "" {
		return w, err
	}
	w.Relayer, err = parseKey(key)
	return w, err
}

func parseKey(s string) (*ecdsa.PrivateKey, error) {
	k, err := crypto.HexToECDSA(strings.TrimPrefix(s, "0x"))
	if err != nil {
		return nil, errors.New("relayer_key: expected a private key of 64 hexadecimal digits")
	}
	return k, nil
}

// fromFile returns a secret given itself or by the file that holds it.
func fromFile(key, value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// rateTimeout bounds one question to a price source.
const rateTimeout = 10 * time.Second
