package store_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// People, sign-in, and the life of keys, on both engines.
func TestAccess(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		w, other := pay.Wallet{Type: pay.EthereumWallet, Address: "0xA"}, pay.Wallet{Type: pay.SolanaWallet, Address: "0xA"}
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := s.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(what string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		soon := c.Now().Add(time.Minute)
		key := pay.Key{ID: "k", MerchantID: 1, Name: "n", Scope: pay.ScopeMerchant, Environment: pay.Devnet, Hash: "h", CreatedBy: other, CreatedAt: c.Now()}
		write(func(tx *store.Tx) error {
			for _, id := range []int64{1, 2} {
				if err := tx.SaveMerchant(pay.Merchant{ID: id, Name: "m", Environment: pay.Devnet, Mainnet: id == 2, CreatedAt: c.Now()}); err != nil {
					return err
				}
				if err := tx.SaveMember(pay.Member{MerchantID: id, Wallet: w, Role: pay.RoleViewer, CreatedAt: c.Now()}); err != nil {
					return err
				}
			}
			if err := tx.SaveMember(pay.Member{MerchantID: 1, Wallet: w, Role: pay.RoleOwner, CreatedAt: soon}); err != nil {
				return err
			}
			if err := tx.AddKey(key); err != nil {
				return err
			}
			if err := tx.AddChallenge(pay.Challenge{ID: "c", Wallet: w, CreatedAt: c.Now(), ExpiresAt: soon}); err != nil {
				return err
			}
			if err := tx.AddMainnetCode(1, "code"); err != nil {
				return err
			}
			if err := tx.SeeUser(w); err != nil {
				return err
			}
			for _, l := range []pay.Login{{ID: "1", Wallet: w, ExpiresAt: soon}, {ID: "2", Wallet: w, ExpiresAt: soon}, {ID: "3", Wallet: other, ExpiresAt: soon}} {
				if err := tx.AddLogin(l); err != nil {
					return err
				}
			}
			return nil
		})
		write(func(tx *store.Tx) error {
			m, ok, err := tx.MerchantForUpdate(2)
			expect("merchant", ok && err == nil && m.Mainnet, true)
			all, err := tx.Memberships(w)
			expect("memberships", err == nil && len(all) == 2 && all[0].Role == pay.RoleOwner && all[1].MerchantID == 2, true)
			none, err := tx.Memberships(other)
			expect("another type", err == nil && len(none) == 0, true)
			of, err := tx.MembersOf(1)
			expect("members", err == nil && len(of) == 1 && of[0].Wallet == w, true)
			for n := range int64(2) {
				ch, ok, err := tx.TryChallenge("c")
				expect("challenge", err == nil && ok && ch.Tries == n && ch.ExpiresAt.Equal(soon), true)
			}
			_, ok, err = tx.TryChallenge("d")
			expect("no challenge", ok || err != nil, false)
			for _, want := range []bool{true, false} {
				ok, err := tx.UseUpChallenge("c")
				expect("used up", ok && err == nil, want)
			}
			for n, merchant := range []int64{2, 1, 1} { // another's, its own, used up
				ok, err := tx.UseMainnetCode(merchant, "code")
				expect("code", ok && err == nil, n == 1)
			}
			expect("seen", tx.SeeUser(w), nil)
			// Keys: suspended, resumed, used, revoked.
			for _, at := range []time.Time{soon, {}} {
				ok, err := tx.SuspendKey("k", at)
				k, found, e := tx.KeyForUpdate("k")
				expect("suspended", ok && found && err == nil && e == nil && k.SuspendedAt.Equal(at) && k.CreatedBy == other, true)
			}
			expect("used", tx.UsedKey("k", c.Now(), time.Minute), nil)
			expect("used too soon", tx.UsedKey("k", c.Now().Add(59*time.Second), time.Minute), nil)
			used, _, _ := tx.KeyForUpdate("k")
			expect("last use", used.LastUsedAt.Equal(c.Now()), true)
			for _, want := range []bool{true, false} {
				ok, err := tx.RevokeKey("k", "lost")
				expect("revoked", ok && err == nil, want)
			}
			k, _, _, _ := tx.KeyByHash("h")
			expect("reason", k.RevokedReason+k.Status(), "lostrevoked")
			// Logins end: one, those of a wallet, the old ones.
			_, ok, err = tx.Login("1")
			expect("login", ok && err == nil, true)
			expect("end", tx.EndLogin("1"), nil)
			_, ok, _ = tx.Login("1")
			expect("ended", ok, false)
			expect("end all", tx.EndLogins(w), nil)
			_, ok, _ = tx.Login("2")
			expect("ended with all", ok, false)
			_, ok, _ = tx.Login("3")
			expect("another's login", ok, true)
			for _, want := range []bool{true, false} {
				ok, err := tx.RemoveMember(2, w)
				expect("removed", ok && err == nil, want)
			}
			return nil
		})
		c.Add(time.Minute)
		write(func(tx *store.Tx) error {
			_, ok, err := tx.Login("3")
			expect("an old login", ok || err != nil, false)
			for _, id := range []string{"d", "e"} {
				check(tx.AddChallenge(pay.Challenge{ID: id, Wallet: w, ExpiresAt: soon}))
			}
			check(tx.AddLogin(pay.Login{ID: "4", Wallet: w, ExpiresAt: soon}))
			for n, want := range []int64{0, 1, 1, 0} { // a piece at a time
				end := soon.Add(time.Duration(min(n, 1)) * time.Millisecond)
				expect("old challenges", must(tx.ForgetChallenges(end, 1)), want)
				expect("old logins", must(tx.ForgetLogins(end, 1)), want)
			}
			return nil
		})
	})
}
