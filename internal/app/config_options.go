package app

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/trace"
)

// Options checks the configuration and turns it into options. Every error names the
// key and says what is expected; none shows a value.
func (c Config) Options() (o Options, err error) {
	wrong := func(key string) error { return unexpected(c, "", key) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return o, wrong("listen")
	}
	if u, ok := web(c.PublicURL); !ok || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return o, wrong("public_url")
	}
	if _, err := url.Parse(c.Database); c.Database == "" || strings.Contains(c.Database, "://") && (err != nil || !strings.HasPrefix(c.Database, "postgres")) {
		return o, wrong("database")
	}
	if u, err := url.Parse(c.NATS); c.NATS != "" && (err != nil || u.Host == "") {
		return o, wrong("nats")
	}
	if _, _, err := net.SplitHostPort(c.OperationsListen); c.OperationsListen != "" && err != nil {
		return o, wrong("operations_listen")
	}
	if u, ok := web(c.TracingEndpoint); c.TracingEndpoint != "" && (!ok || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		return o, wrong("tracing.endpoint")
	}
	if c.TracingShare > 1000 {
		return o, wrong("tracing.per_thousand")
	}
	proxies, ok := prefixes(c.TrustedProxies)
	if !ok {
		return o, wrong("trusted_proxies")
	}
	secret, err := fromFile("secret", c.Secret, c.SecretFile)
	if err != nil {
		return o, err
	}
	o = Options{
		Listen: c.Listen, PublicURL: strings.TrimRight(c.PublicURL, "/"), Database: c.Database, NATS: c.NATS, Quorum: c.RatesQuorum,
		Limits: LimitOptions{
			Rates:         server.Rates{PerKey: c.KeyPerMinute, PerSession: c.SessionPerMinute, PerAddress: c.AddressPerMinute, WrongKeys: c.WrongKeys, SignIns: c.SignIns},
			SocketsPerKey: c.SocketsPerKey, SocketsPerAddress: c.SocketsPerIP,
		},
		Proxies: proxies, Operations: c.OperationsListen, KeepEvents: time.Duration(c.EventDays) * 24 * time.Hour,
		PayoutDelay: time.Duration(c.PayoutDelay) * time.Hour, Sources: sources(c),
		Tracing: trace.Options{Endpoint: c.TracingEndpoint, PerThousand: c.TracingShare},
	}
	if o.Signup, o.MaxKeys = c.Signup == "open", c.MaxKeys; !o.Signup && c.Signup != "closed" {
		return o, wrong("signup")
	}
	if o.Terms, err = c.terms(); err != nil {
		return o, err
	}
	if o.Seed, err = c.Seed(); err != nil {
		return o, err
	}
	if o.Zinc, err = c.zinc(); err != nil {
		return o, err
	}
	o.Providers = map[pay.Environment]retail.Provider{pay.Devnet: catalog.New()}
	if o.Secret, err = hex.DecodeString(secret); err != nil || len(o.Secret) < auth.SecretSize {
		return o, wrong("secret")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Networks)) {
		n, err := c.Networks[name].options(name)
		if err == nil {
			err = o.apart(n)
		}
		if err != nil {
			return o, err
		}
		o.Networks = append(o.Networks, n)
	}
	if len(o.Networks) == 0 {
		return o, errors.New("networks: expected at least one, such as networks.ethereum.rpc")
	}
	if c.RatesQuorum > len(o.Sources) {
		return o, fmt.Errorf("rates.quorum: expected at most %d, the number of price sources", len(o.Sources))
	}
	return o, nil
}

func (n NetworkConfig) options(name string) (w NetworkOptions, err error) {
	prefix := "networks." + name + "."
	wrong := func(key string) error { return unexpected(n, prefix, key) }
	if w, err = n.network(name, prefix); err != nil {
		return w, err
	}
	for _, u := range n.RPC {
		if _, ok := web(u); !ok {
			return w, wrong("rpc")
		}
	}
	if w.RPC = n.RPC; len(n.RPC) == 0 {
		return w, wrong("rpc")
	}
	w.MaxFee = new(big.Int).Mul(big.NewInt(int64(n.MaxFeeGwei)), big.NewInt(1e9))
	if n.SweepMinimum != "" {
		least, err := money.ParseUSD(n.SweepMinimum)
		if err != nil || least < 0 {
			return w, wrong("sweep_minimum_usd")
		}
		w.SweepMinimum = least
	}
	if err := n.keys(prefix, w.Name.Family()); err != nil {
		return w, err
	}
	w.PublicKey = n.PublicKey
	if w.Relayer, err = account(n, prefix, "relayer_key", n.RelayerKey, n.RelayerKeyFile); err != nil {
		return w, err
	}
	w.Refund, err = n.refund(prefix, w)
	return w, err
}

// keys refuses keys that a network of a family has no use for: whoever gave one expects
// something of it.
func (n NetworkConfig) keys(prefix string, f pay.Family) error {
	if f != pay.EVM && n.RelayerKey+n.RelayerKeyFile+n.RefundKey+n.RefundKeyFile != "" {
		return fmt.Errorf("%srelayer_key: expected nothing, nor a refund_key: on %s all keys come from seed_file", prefix, f)
	}
	if f != pay.TON && f != pay.Cardano && n.PublicKey != "" {
		return fmt.Errorf("%spublic_key: expected nothing: it is for ton and cardano", prefix)
	}
	return nil
}

// account reads the private key of an account, nil for none.
func account(n NetworkConfig, prefix, key, value, file string) (*ecdsa.PrivateKey, error) {
	text, err := fromFile(prefix+key, value, file)
	if err != nil || text == "" {
		return nil, err
	}
	k, err := crypto.HexToECDSA(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return nil, unexpected(n, prefix, key)
	}
	return k, nil
}

// refund reads how refunds are paid.
func (n NetworkConfig) refund(prefix string, w NetworkOptions) (r RefundOptions, err error) {
	if r.Key, err = account(n, prefix, "refund_key", n.RefundKey, n.RefundKeyFile); err != nil || r.Key == nil {
		return r, err
	}
	if w.Relayer != nil && w.Relayer.Equal(r.Key) { // two that count nonces
		return r, unexpected(n, prefix, "refund_key")
	}
	if r.Limit, err = money.ParseUSD(n.RefundLimit); err != nil || r.Limit <= 0 {
		return r, unexpected(n, prefix, "refund_limit_usd")
	}
	at := slices.IndexFunc(w.Tokens, func(t pay.Token) bool {
		return t.Stable && t.Type == pay.ERC20 && (n.RefundToken == "" || t.Symbol == n.RefundToken)
	})
	if at < 0 {
		return r, unexpected(n, prefix, "refund_token")
	}
	if r.Token = w.Tokens[at]; w.Name != pay.RefundNetwork {
		return r, fmt.Errorf("%srefund_key: expected nothing: refunds are paid on %s", prefix, pay.RefundNetwork)
	}
	return r, nil
}

// unexpected is the error of a key of c whose value is not what its tag wants.
func unexpected(c any, prefix, key string) error {
	t := reflect.TypeOf(c)
	for i := range t.NumField() {
		if tag := t.Field(i).Tag; tag.Get("key") == key {
			return fmt.Errorf("%s%s: expected %s", prefix, key, tag.Get("want"))
		}
	}
	panic("app: no key " + key)
}

// web parses an http or https URL with a host.
func web(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	return u, err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// prefixes parses networks; an address is a network of one.
func prefixes(list []string) (ps []netip.Prefix, ok bool) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, e := netip.ParseAddr(s); err != nil && e == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, false
		}
		ps = append(ps, p.Masked())
	}
	return ps, true
}

// fromFile returns a secret given itself or by the file that holds it.
func fromFile(key, value, file string) (string, error) {
	switch {
	case file == "":
		return strings.TrimSpace(value), nil
	case value != "":
		return "", fmt.Errorf("%s_file: expected nothing, since %s is given too", key, key)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: expected the path of a file that can be read: %w", key, err)
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return "", fmt.Errorf("%s_file: expected a file that holds something", key)
	}
	return strings.TrimSpace(string(b)), nil
}

// rateTimeout bounds one question to a price source.
const rateTimeout = 10 * time.Second
