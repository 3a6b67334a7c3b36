package store_test

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

var ctx = context.Background()

// write and read run one unit and fail the test when it fails.
func write(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Read(ctx, f); err != nil {
		t.Fatal(err)
	}
}

// same fails the test unless two values print alike. Printing tells big integers
// by value.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s:\n got %.2000s\nwant %.2000s", what, g, w)
	}
}

// fill gives every field of a struct a value of its own, so that a column in the
// wrong place shows.
func fill[T any](seed int) (v T) {
	n := int64(seed) * 1000
	fillIn(reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fillIn(v reflect.Value, n *int64) {
	*n++
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = testkit.Epoch.Add(time.Duration(*n) * time.Millisecond)
		return
	case *money.Units:
		*at = money.NewUnits(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 200), big.NewInt(*n)))
		return
	case *money.Rate:
		*at = money.NewRate(big.NewInt(*n), 2)
		return
	case *[]byte:
		*at = fmt.Appendf(nil, "{\"n\":%d}", *n)
		return
	}
	switch v.Kind() { //nolint:exhaustive // the kinds that rows are made of
	case reflect.String:
		v.SetString(fmt.Sprint("v", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(*n)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillIn(v.Index(0), n)
		fillIn(v.Index(1), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fillIn(v.Field(i), n)
		}
	default:
		panic(v.Type())
	}
}

// Every exported method of Tx is called by a test of this package, and all of them
// run on each engine.
func TestEveryMethodIsTested(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	called := map[string]bool{}
	for _, m := range regexp.MustCompile(`\btx\.([A-Z]\w*)\(`).FindAllStringSubmatch(all.String(), -1) {
		called[m[1]] = true
	}
	for m := range reflect.TypeFor[*store.Tx]().Methods() {
		if !called[m.Name] {
			t.Errorf("no test calls Tx.%s", m.Name)
		}
	}
}

// What is stored comes back, every field of it, and what can change changes.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			m := fill[pay.Merchant](1)
			for _, m.Name = range []string{"new", "changed"} {
				check(tx.SaveMerchant(m))
				got, ok, err := tx.Merchant(m.ID)
				same(t, "merchant", []any{got, ok, err}, []any{m, true, nil})
			}
			k := fill[pay.Key](2)
			k.MerchantID, k.RevokedAt = m.ID, time.Time{}
			check(tx.AddKey(k))
			got, of, ok, err := tx.KeyByHash(k.Hash)
			same(t, "key", []any{got, of, ok, err}, []any{k, m, true, nil})
			newer := fill[pay.Key](3)
			newer.MerchantID = m.ID
			check(tx.AddKey(newer))
			ks, err := tx.Keys(m.ID)
			same(t, "keys, newest first", []any{ks, err}, []any{[]pay.Key{newer, k}, nil})
			for _, want := range []bool{true, false} {
				done, err := tx.RevokeKey(k.ID, "lost")
				same(t, "revoked", []any{done, err}, []any{want, nil})
			}
			k.RevokedAt, k.RevokedReason = tx.Now(), "lost"
			got, _, _, _ = tx.KeyByHash(k.Hash)
			same(t, "a revoked key", got, k)
			held, err := tx.KeysByID([]string{k.ID, "none"})
			same(t, "keys by id", []any{held, err}, []any{[]store.HeldKey{{Key: k, Merchant: m}}, nil})

			i := fill[pay.Invoice](4)
			tx.AddInvoice(i)
			same(t, "invoice", must(tx.Invoice(i.ID)), i)
			changed := fill[pay.Invoice](5)
			i.Status, i.Paid, i.CustomerEmail, i.PayerAddress, i.PayerNetwork = changed.Status, changed.Paid, changed.CustomerEmail, changed.PayerAddress, changed.PayerNetwork
			i.LockedNetwork, i.LockedTokenID, i.PaidAt, i.LastPaymentAt = changed.LockedNetwork, changed.LockedTokenID, changed.PaidAt, changed.LastPaymentAt
			check(tx.SaveInvoice(i))
			same(t, "changed invoice", must(tx.InvoiceForUpdate(i.ID)), i)
			same(t, "invoice of a session", must(tx.InvoiceBySession(i.SessionHash)), i)
			if _, err := tx.Invoice("none"); pay.CodeOf(err) != pay.CodeInvoiceNotFound {
				t.Errorf("no invoice: %v", err)
			}

			p := fill[pay.Payment](6)
			p.InvoiceID, p.Depth = i.ID, 0 // depth is not kept
			check(tx.SavePayment(p))
			later := fill[pay.Payment](7)
			p.Block, p.Units, p.From, p.Sight, p.QuoteID, p.QuoteDue, p.QuoteUnits = later.Block, later.Units, later.From, later.Sight, later.QuoteID, later.QuoteDue, later.QuoteUnits
			p.Amount, p.Status, p.Reason, p.ConfirmedAt, p.Settlement, p.Accepted = later.Amount, later.Status, later.Reason, later.ConfirmedAt, later.Settlement, false
			check(tx.SavePayment(p))
			for _, read := range []func() (pay.Payment, bool, error){
				func() (pay.Payment, bool, error) { return tx.Payment(p.ID) },
				func() (pay.Payment, bool, error) { return tx.PaymentFor(p.Deposit) },
			} {
				got, ok, err := read()
				same(t, "payment", []any{got, ok, err}, []any{p, true, nil})
			}
			if p.Index = -2; must(tx.PaymentsOf(i.ID)) == nil {
				t.Error("no payments")
			}
			_, ok, err = tx.PaymentFor(p.Deposit)
			same(t, "a deposit not seen yet", []any{ok, err}, []any{false, nil})

			l := fill[pay.Relay](8)
			l.State = pay.RelaySent
			for _, l.Reason = range []string{"new", "changed"} {
				check(tx.SaveRelay(l))
				got, ok, err := tx.RelayUnderWay(l.Network)
				same(t, "relay", []any{got, ok, err}, []any{l, true, nil})
			}
			l.State = pay.RelayDone
			check(tx.SaveRelay(l))
			_, ok, err = tx.RelayUnderWay(l.Network)
			same(t, "no relay under way", []any{ok, err}, []any{false, nil})

			e := fill[pay.Endpoint](9)
			check(tx.AddEndpoint(e))
			gotE, ok, err := tx.Endpoint(e.ID)
			same(t, "endpoint", []any{gotE, ok, err}, []any{e, true, nil})
			e.URL, e.Previous, e.DisabledAt, e.FailingSince = "changed", nil, time.Time{}, e.CreatedAt
			check(tx.SaveEndpoint(e))
			gotE, ok, err = tx.EndpointForUpdate(e.ID)
			same(t, "a changed endpoint", []any{gotE, ok, err}, []any{e, true, nil})
			all := fill[pay.Endpoint](10)
			all.MerchantID, all.Types = e.MerchantID, nil
			check(tx.AddEndpoint(all))
			same(t, "endpoints, newest first", must(tx.Endpoints(e.MerchantID)), []pay.Endpoint{all, e})
			for _, c := range []struct {
				merchant int64
				want     bool
			}{{e.MerchantID + 1, false}, {e.MerchantID, true}, {e.MerchantID, false}} {
				if done, err := tx.DeleteEndpoint(c.merchant, e.ID); done != c.want || err != nil {
					t.Errorf("deleted by %d: %v, %v", c.merchant, done, err)
				}
			}
			_, ok, err = tx.Endpoint(e.ID)
			same(t, "a deleted endpoint", []any{ok, err}, []any{false, nil})

			for want := range int64(3) {
				same(t, "counter", must(tx.Next("c")), want+1)
			}
			if id := tx.NewID(); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) || id == tx.NewID() {
				t.Errorf("%s is no UUID of version 4", id)
			}
			return nil
		})
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			i := fill[pay.Invoice](1)
			tx.AddInvoice(i)
			a, b := fill[pay.Address](2), fill[pay.Address](3)
			a.InvoiceID, b.InvoiceID, b.Network = i.ID, i.ID, a.Network
			check(tx.AddAddress(b, false))
			check(tx.AddAddress(a, true))
			same(t, "addresses, oldest first", must(tx.AddressesOf(i.ID)), []pay.Address{a, b})
			got, ok, err := tx.AddressFor(i.ID, b.TokenID)
			same(t, "address for a token", []any{got, ok, err}, []any{b, true, nil})
			got, ok, err = tx.AddressAt(a.Network, a.Address)
			same(t, "address by name", []any{got, ok, err}, []any{a, true, nil})
			got, ok, err = tx.AddressAt("base", a.Address)
			same(t, "address given out on another network", []any{got, ok, err}, []any{a, true, nil})
			_, ok, _ = tx.AddressAt("solana", a.Address)
			same(t, "address of another family", ok, false)

			q := fill[pay.Quote](4)
			q.Network, q.Address, q.InvoiceID = a.Network, a.Address, i.ID
			q.CreatedAt, q.ValidUntil = testkit.Epoch, testkit.Epoch.Add(5*time.Minute)
			exact := q
			exact.ID, exact.Units, exact.CreatedAt, exact.ValidUntil = "exact", money.NewUnits(big.NewInt(77)), q.CreatedAt.Add(-time.Minute), q.ValidUntil.Add(-time.Minute)
			check(tx.AddQuote(q))
			check(tx.AddQuote(exact))
			for _, c := range []struct {
				units     int64
				by, until time.Duration
				want      string
			}{
				{77, 0, 0, "exact"},
				{78, 0, 0, q.ID},
				{78, 0, 5 * time.Minute, q.ID},
				{78, 0, 5*time.Minute + time.Millisecond, ""},
				{77, 0, 4*time.Minute + time.Millisecond, q.ID},
				{78, -time.Millisecond, 0, "exact"},
				{77, -time.Minute - time.Millisecond, 0, ""},
			} {
				d := pay.Deposit{Network: a.Network, Address: a.Address, Units: money.NewUnits(big.NewInt(c.units))}
				got, ok, err := tx.QuoteFor(d, testkit.Epoch.Add(c.by), testkit.Epoch.Add(c.until))
				same(t, fmt.Sprintf("quote for %+v", c), []any{got.ID, ok, err}, []any{c.want, c.want != "", nil})
				if c.want == q.ID {
					same(t, "quote", got, q)
				}
			}
			same(t, "last quoted", must(tx.QuotedAt(a.Network, a.Address)), q.CreatedAt)
			if never := must(tx.QuotedAt(a.Network, b.Address)); !never.IsZero() {
				t.Errorf("never quoted: %v", never)
			}
			return nil
		})
		probes := func() (names []string) {
			read(t, s, func(tx *store.Tx) error {
				for _, a := range must(tx.ProbeAddresses(fill[pay.Address](2).Network, 10)) {
					names = append(names, a.Address)
				}
				return nil
			})
			return names
		}
		same(t, "not due", len(probes()), 0)
		c.Add(time.Hour)
		a := fill[pay.Address](2)
		same(t, "due, only the probed", probes(), []string{a.Address})
		write(t, s, func(tx *store.Tx) error { return tx.ProbeAgain(a, tx.Now().Add(time.Second)) })
		same(t, "put off", len(probes()), 0)
		c.Add(time.Second)
		same(t, "due again", probes(), []string{a.Address})
	})
}

func TestOurs(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			i := fill[pay.Invoice](1)
			tx.AddInvoice(i)
			for n := 0; n < 30_000; n += 3 {
				if err := tx.AddAddress(pay.Address{Network: "ethereum", Address: fmt.Sprint("a", n), InvoiceID: i.ID, TokenID: int64(n), CreatedAt: tx.Now()}, false); err != nil {
					return err
				}
			}
			return tx.AddAddress(pay.Address{Network: "solana", Address: "s1", InvoiceID: i.ID, TokenID: -1, CreatedAt: tx.Now()}, false)
		})
		for _, n := range []int{0, 1, 2, 3, 500, 511, 512, 513, 1024, 2000} {
			var ask []string
			want := map[string]string{}
			for k := range n {
				if ask = append(ask, fmt.Sprint("a", k)); k%3 == 0 {
					want[ask[k]] = ask[k]
				}
			}
			read(t, s, func(tx *store.Tx) error {
				same(t, fmt.Sprint("ours of ", n), must(tx.Ours("ethereum", append(ask, ask...))), want)
				same(t, fmt.Sprint("the same on another network, of ", n), must(tx.Ours("base", ask)), want)
				same(t, fmt.Sprint("none of another family, of ", n), must(tx.Ours("solana", ask)), map[string]string{})
				return nil
			})
		}
		write(t, s, func(tx *store.Tx) error { return tx.Exec("ANALYZE addresses") })
		read(t, s, func(tx *store.Tx) error {
			if plan := must(tx.OursPlan(16)); !strings.Contains(plan, "addresses_by_address") || strings.Contains(plan, "SCAN addresses") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("ours is searched for by\n%s", plan)
			}
			same(t, "of a family by itself", must(tx.Ours("solana", []string{"s1", "a0"})), map[string]string{"s1": "s1"})
			same(t, "hostile names", must(tx.Ours("ethereum", []string{"a%", "' OR ''='", "A0", "a_", "", "\x01", "a0 "})), map[string]string{})
			return nil
		})
	})
}

// check and must are for use inside units, which run on the store's goroutine: a
// panic there is the unit's error.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// must returns the value of a call that must not fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
