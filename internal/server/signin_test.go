package server_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/golang-jwt/jwt/v5"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// wallet is somebody's wallet.
type wallet struct {
	kind, address string
	sign          func(message string) string
}

func (w wallet) is() pay.Wallet { return pay.Wallet{Type: pay.WalletType(w.kind), Address: w.address} }

func ethereumWallet(t *testing.T) wallet {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return wallet{"ethereum", crypto.PubkeyToAddress(key.PublicKey).Hex(), func(m string) string { return personalSign(t, key, m) }}
}

func personalSign(t *testing.T, key *ecdsa.PrivateKey, m string) string {
	t.Helper()
	digest := crypto.Keccak256([]byte(fmt.Sprintf("\x19Ethereum Signed Message:\n%d%s", len(m), m)))
	sig, err := crypto.Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return hexutil.Encode(sig)
}

func solanaWallet(t *testing.T) wallet {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return wallet{"solana", base58(public), func(m string) string { return base58(ed25519.Sign(private, []byte(m))) }}
}

// base58 is the plain way to write it, for the other side of the test.
func base58(b []byte) string {
	n, s, digit := new(big.Int).SetBytes(b), "", new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), digit)
		s = string("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit.Int64()]) + s
	}
	for _, c := range b {
		if c != 0 {
			break
		}
		s = "1" + s
	}
	return s
}

const (
	challengePath = "POST /api/auth/wallet/challenge"
	verifyPath    = "POST /api/auth/wallet/verify"
	tokenPath     = "POST /api/auth/wallet/verify-token"
	logoutPath    = "POST /api/auth/wallet/logout"
)

func (d *desk) challenge(w wallet) api.Challenge {
	d.t.Helper()
	return decode[api.Challenge](d.t, d.ask(challengePath, fmt.Sprintf(`{"walletAddress":%q,"walletType":%q}`, w.address, w.kind), nil))
}

func (d *desk) verify(id, signature string, w wallet) answer {
	d.t.Helper()
	return d.ask(verifyPath, fmt.Sprintf(`{"challengeId":%q,"signature":%q,"walletAddress":%q,"walletType":%q}`, id, signature, w.address, w.kind), nil)
}

// signIn signs a wallet in and returns its headers.
func (d *desk) signIn(w wallet) testkit.Headers {
	d.t.Helper()
	c := d.challenge(w)
	v := decode[api.SignedIn](d.t, d.verify(c.ChallengeID, w.sign(c.Message), w))
	return testkit.Headers{"Authorization", "Bearer " + v.AccessToken}
}

// member makes a new wallet a member of a merchant and signs it in.
func (d *desk) member(merchant int64, r pay.Role) (wallet, testkit.Headers) {
	d.t.Helper()
	w := ethereumWallet(d.t)
	if err := d.Billing.SaveMember(d.t.Context(), merchant, w.is(), r); err != nil {
		d.t.Fatal(err)
	}
	return w, d.signIn(w)
}

// From a challenge to a token that opens what it should, until it is given back.
func TestSignIn(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		for _, w := range []wallet{ethereumWallet(t), solanaWallet(t)} {
			if err := d.Billing.SaveMember(t.Context(), d.Merchant.ID, w.is(), pay.RoleDeveloper); err != nil {
				t.Fatal(err)
			}
			c := d.challenge(w)
			u, _ := url.Parse(d.URL)
			for _, part := range []string{u.Host + " wants you to sign in with your ", "\n" + w.address + "\n\n", "\nURI: " + d.URL + "\nVersion: 1\nChain ID: ", "\nNonce: ", "\nIssued At: ", "\nExpiration Time: "} {
				if !strings.Contains(c.Message, part) {
					t.Errorf("%q is not in %q", part, c.Message)
				}
			}
			a := d.verify(c.ChallengeID, w.sign(c.Message), w)
			v := decode[api.SignedIn](t, a)
			if v.WalletAddress != w.address || strings.Join(v.Permissions, " ") != "read write" || len(v.Merchants) != 1 || v.Merchants[0].MerchantID != d.Merchant.ID ||
				v.ExpiresAt < time.Now().Add(11*time.Hour).Unix() || v.ExpiresAt > time.Now().Add(13*time.Hour).Unix() {
				t.Errorf("%s", a.body)
			}
			h := testkit.Headers{"Authorization", "Bearer " + v.AccessToken}
			refused(t, d.verify(c.ChallengeID, w.sign(c.Message), w), 401, "B", "TOKEN_INVALID") // once
			if got := decode[api.SignedIn](t, d.ask(tokenPath, "", testkit.Headers{"user_authorization", "Bearer " + v.AccessToken})); got.AccessToken != "" || got.CredentialID != v.CredentialID {
				t.Errorf("%+v", got)
			}
			decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":1}`, append(h, "Idempotency-Key", testkit.UUID())))
			decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices", "", testkit.Headers{"AUTHORIZATION", "bearer " + v.AccessToken}))
			decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events", "", h))
			decode[api.Outcome](t, d.ask(logoutPath, "", testkit.Headers{"USER_AUTHORIZATION", "Bearer " + v.AccessToken}))
			for _, target := range []string{"GET /api/v1/invoices", "GET /api/v1/api-keys", tokenPath, logoutPath} {
				refused(t, d.ask(target, "", h), 401, "B", "TOKEN_INVALID")
			}
		}
	})
}

// What a challenge must not be answered with.
func TestSignInIsRefused(t *testing.T) {
	t.Parallel()
	clock := new(moved)
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Now = clock.Now })
	w, sol := ethereumWallet(t), solanaWallet(t)
	for _, one := range []wallet{w, sol} {
		if err := d.Billing.SaveMember(t.Context(), d.Merchant.ID, one.is(), pay.RoleOwner); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range []string{
		`{}`, `[]`, `{`, `{"walletAddress":"x","walletType":"ethereum"}`, `{"walletAddress":"` + w.address + `","walletType":"ton"}`, `{"walletAddress":"` + w.address + `","walletType":"solana"}`,
		`{"walletAddress":"` + sol.address + `","walletType":"ethereum"}`, `{"walletAddress":"11111111111111111111111111111111","walletType":"solana"}`,
		`{"walletAddress":"` + strings.Repeat("z", 5000) + `","walletType":"solana"}`, `{"walletAddress":"0x52908400098527886E0F7030069857D2E4169Ee7","walletType":"ethereum"}`,
		`{"walletAddress":"\u0000","walletType":"solana"}`, `{"walletAddress":1,"walletType":"solana"}`,
	} {
		refused(t, d.ask(challengePath, body, nil), 400, "B", "VALIDATION_ERROR")
	}
	c := d.challenge(w)
	for _, signature := range []string{"", "0x", "x", w.sign(c.Message)[2:], "0x" + strings.Repeat("00", 4097), "0xzz"} {
		refused(t, d.verify(c.ChallengeID, signature, w), 400, "B", "VALIDATION_ERROR")
	}
	refused(t, d.verify("x", w.sign(c.Message), w), 400, "B", "VALIDATION_ERROR")
	refused(t, d.verify(testkit.UUID(), w.sign(c.Message), w), 401, "B", "TOKEN_INVALID")
	other := ethereumWallet(t)
	refused(t, d.verify(c.ChallengeID, other.sign(c.Message), other), 401, "B", "TOKEN_INVALID") // another wallet's answer
	theirs := d.challenge(other)
	refused(t, d.verify(theirs.ChallengeID, other.sign(theirs.Message), w), 401, "B", "TOKEN_INVALID") // an own challenge, as somebody else
	for _, signature := range []string{other.sign(c.Message), w.sign(c.Message + " "), "0x" + strings.Repeat("00", 65), "0x" + strings.Repeat("ff", 65)} {
		refused(t, d.verify(c.ChallengeID, signature, w), 401, "B", "TOKEN_INVALID")
	}
	refused(t, d.verify(c.ChallengeID, w.sign(c.Message), w), 401, "B", "TOKEN_INVALID") // that was the fifth try
	c = d.challenge(sol)
	refused(t, d.verify(c.ChallengeID, base58(make([]byte, 64)), sol), 401, "B", "TOKEN_INVALID")
	refused(t, d.verify(c.ChallengeID, base64.StdEncoding.EncodeToString(make([]byte, 63)), sol), 400, "B", "VALIDATION_ERROR")
	c = d.challenge(w)
	clock.Add(10 * time.Minute)
	refused(t, d.verify(c.ChallengeID, w.sign(c.Message), w), 401, "B", "TOKEN_INVALID")
	c = d.challenge(other)
	refused(t, d.verify(c.ChallengeID, other.sign(c.Message), other), 403, "B", "FORBIDDEN") // a member of nothing
	refused(t, d.verify(c.ChallengeID, other.sign(c.Message), other), 401, "B", "TOKEN_INVALID")

	h := d.signIn(w)
	decode[api.MainnetAccess](t, d.ask("GET /api/v1/user/mainnet-access/status", "", h))
	clock.Add(12 * time.Hour)
	refused(t, d.ask("GET /api/v1/user/mainnet-access/status", "", h), 401, "B", "TOKEN_INVALID")
}

// Tokens that we did not make, or made for something else.
func TestForgedBearers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	_, h := d.member(d.Merchant.ID, pay.RoleOwner)
	good := strings.TrimPrefix(h[1], "Bearer ")
	part := strings.Split(good, ".")
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(good, claims); err != nil {
		t.Fatal(err)
	}
	sign := func(m jwt.SigningMethod, key any) string {
		s, err := jwt.NewWithClaims(m, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	elsewhere, err := auth.New([]byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := elsewhere.NewAccess(claims["jti"].(string), pay.Wallet{}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := d.Billing.Auth.NewAccess(testkit.UUID(), pay.Wallet{}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	stream := decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", ``, d.key)).Data.Token
	for name, header := range map[string]string{
		"no scheme": good, "basic": "Basic " + good, "empty": "Bearer ", "alg none": "Bearer " + sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"the deployment's secret as the key": "Bearer " + sign(jwt.SigningMethodHS256, []byte(strings.Repeat("s", 32))), "foreign": "Bearer " + foreign,
		"an unknown login": "Bearer " + unknown, "a stream's ticket": "Bearer " + stream, "cut": "Bearer " + good[:len(good)-2], "no signature": "Bearer " + part[0] + "." + part[1] + ".",
		"long": "Bearer " + strings.Repeat("x", 9000), "a key": "Bearer " + d.Key,
	} {
		a := d.ask("GET /api/v1/api-keys", "", testkit.Headers{"Authorization", header})
		if refused(t, a, 401, "B", "TOKEN_INVALID"); t.Failed() {
			t.Fatal(name)
		}
	}
	refused(t, d.knock("/ws/merchant/events?token="+good, nil), 401, "A", "TOKEN_INVALID") // nor the other way round
}

// Who may what, which credential counts, and what becomes of people who leave.
func TestRoles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	owner, o := d.member(d.Merchant.ID, pay.RoleOwner)
	_, dev := d.member(d.Merchant.ID, pay.RoleDeveloper)
	_, view := d.member(d.Merchant.ID, pay.RoleViewer)
	const create = "POST /api/v1/api-keys"
	body := `{"name":"till","scope":"merchant"}`
	made := decode[api.CreatedKey](t, d.ask(create, body, o))
	own := decode[api.CreatedKey](t, d.ask(create, body, dev))
	for _, target := range []string{create, "POST /api/v1/api-keys/" + made.KeyID + "/revoke", "PUT /api/v1/user/environment", "POST /api/v1/invoices", "POST /api/v1/webhooks", "DELETE /api/v1/webhooks/we_x"} {
		refused(t, d.ask(target, body, append(view, "Idempotency-Key", testkit.UUID())), 403, "B", "FORBIDDEN")
	}
	for _, h := range []testkit.Headers{o, dev, view} {
		if ks := decode[[]api.Key](t, d.ask("GET /api/v1/api-keys?scope=merchant", "", h)); len(ks) != 3 {
			t.Errorf("%d keys", len(ks))
		}
	}
	refused(t, d.ask("POST /api/v1/api-keys/"+made.KeyID+"/revoke", "", dev), 403, "B", "FORBIDDEN")
	decode[api.KeyRevoked](t, d.ask("POST /api/v1/api-keys/"+own.KeyID+"/revoke", "", dev))
	// An API key opens no dashboard, and where both are taken it counts.
	refused(t, d.ask("GET /api/v1/api-keys", "", d.key), 403, "B", "FORBIDDEN")
	refused(t, d.ask("GET /api/v1/api-keys", "", testkit.Headers{"x-api-key", "wrong"}), 401, "B", "API_KEY_INVALID")
	refused(t, d.ask("GET /api/v1/api-keys", "", nil), 401, "B", "TOKEN_INVALID")
	decode[[]api.Key](t, d.ask("GET /api/v1/api-keys", "", append(o, "x-api-key", "wrong")))
	refused(t, d.ask("GET /api/v1/invoices", "", append(o, "x-api-key", "wrong")), 401, "B", "API_KEY_INVALID")
	// Members of two merchants pick one.
	second, _, _ := testkit.AddMerchant(t, d.App.App)
	third, _, _ := testkit.AddMerchant(t, d.App.App)
	if err := d.Billing.SaveMember(t.Context(), second.ID, owner.is(), pay.RoleViewer); err != nil {
		t.Fatal(err)
	}
	if ks := decode[[]api.Key](t, d.ask("GET /api/v1/api-keys", "", append(o, "X-Merchant-Id", fmt.Sprint(second.ID)))); len(ks) != 2 {
		t.Errorf("%d keys of the second merchant", len(ks))
	}
	refused(t, d.ask(create, body, append(o, "X-Merchant-Id", fmt.Sprint(second.ID))), 403, "B", "FORBIDDEN")
	for _, id := range []string{fmt.Sprint(third.ID), "99", "x", "0", "-1", "1e1"} {
		refused(t, d.ask("GET /api/v1/api-keys", "", append(o, "X-Merchant-Id", id)), 403, "B", "FORBIDDEN")
	}
	// A new role counts at once; who is removed is out.
	if err := d.Billing.SaveMember(t.Context(), d.Merchant.ID, owner.is(), pay.RoleViewer); err != nil {
		t.Fatal(err)
	}
	refused(t, d.ask(create, body, o), 403, "B", "FORBIDDEN")
	if err := d.Billing.RemoveMember(t.Context(), d.Merchant.ID, owner.is()); err != nil {
		t.Fatal(err)
	}
	refused(t, d.ask("GET /api/v1/api-keys", "", o), 401, "B", "TOKEN_INVALID")
}

// Where sign-up is open, a wallet gets one merchant of devnet, however it hurries.
func TestSignUp(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, func(o *app.Options) { o.Signup = true })
		w := solanaWallet(t)
		ids, wait := make([]int64, 6), sync.WaitGroup{}
		for n := range ids {
			c := d.challenge(w)
			wait.Go(func() {
				body := fmt.Sprintf(`{"challengeId":%q,"signature":%q,"walletAddress":%q,"walletType":"solana"}`, c.ChallengeID, w.sign(c.Message), w.address)
				ids[n] = testkit.Ask[api.SignedIn](t, "POST", d.URL+"/api/auth/wallet/verify", body, nil).Merchants[0].MerchantID
			})
		}
		wait.Wait()
		for _, id := range ids {
			if id != ids[0] || id == d.Merchant.ID {
				t.Errorf("merchants %v", ids)
			}
		}
		h := d.signIn(w)
		if v := decode[api.MainnetAccess](t, d.ask("GET /api/v1/user/mainnet-access/status", "", h)); v.HasMainnetAccess || v.CurrentEnvironment != "devnet" {
			t.Errorf("%+v", v)
		}
		refused(t, d.ask("PUT /api/v1/user/environment", `{"environment":"mainnet"}`, h), 403, "B", "FORBIDDEN")
		refused(t, d.ask("POST /api/v1/api-keys", `{"name":"x","scope":"merchant","environment":"mainnet"}`, h), 403, "B", "FORBIDDEN")
		decode[api.CreatedKey](t, d.ask("POST /api/v1/api-keys", `{"name":"x","scope":"merchant"}`, h))
	})
}
