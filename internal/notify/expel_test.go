package notify_test

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// addKeys stores keys of a merchant that has mainnet or not.
func (g *stage) addKeys(mainnet bool, ks ...pay.Key) {
	g.t.Helper()
	if err := g.s.Write(g.t.Context(), func(tx *store.Tx) error {
		if err := tx.SaveMerchant(pay.Merchant{ID: merchant, Name: "m", Environment: pay.Devnet, Mainnet: mainnet}); err != nil {
			return err
		}
		for _, k := range ks {
			k.MerchantID, k.Scope, k.Hash = merchant, pay.ScopeMerchant, "hash of "+k.ID
			if k.Environment == "" {
				k.Environment = pay.Devnet
			}
			if err := tx.AddKey(k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *stage) change(f func(tx *store.Tx) (bool, error)) {
	g.t.Helper()
	if err := g.s.Write(g.t.Context(), func(tx *store.Tx) error {
		ok, err := f(tx)
		if err == nil && !ok {
			err = fmt.Errorf("nothing changed")
		}
		return err
	}); err != nil {
		g.t.Fatal(err)
	}
}

// held is what a socket of a key wants.
func held(key string) notify.Subscription {
	return notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Holder: key}
}

// Sockets end with the key that opened them, and nobody else's.
func TestExpel(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.addKeys(false, pay.Key{ID: "good"}, pay.Key{ID: "revoked"}, pay.Key{ID: "suspended"}, pay.Key{ID: "expired", ExpiresAt: g.s.Now().Add(-time.Second)},
			pay.Key{ID: "later", ExpiresAt: g.s.Now().Add(time.Hour)}, pay.Key{ID: "real", Environment: pay.Mainnet})
		g.happen(event(merchant, 1))
		payor := notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant, InvoiceID: "inv_1"}, Payor: true, Holder: "inv_1"}
		var stays []*testkit.Socket
		for _, sub := range []notify.Subscription{held("good"), held("later"), held(""), payor} {
			sub.Since = g.last().ID
			stays = append(stays, g.dial(t, sub))
			for stays[len(stays)-1].Next().Type != "replay_complete" {
			}
		}
		goes := map[string][]*testkit.Socket{}
		for _, key := range []string{"revoked", "suspended", "expired", "unknown", "real"} {
			goes[key] = append(goes[key], g.dial(t, held(key)), g.dial(t, held(key)))
		}
		testkit.Eventually(t, "everybody is in", func() bool { return g.h.Sockets() == 14 })
		g.change(func(tx *store.Tx) (bool, error) { return tx.RevokeKey("revoked", "") })
		g.change(func(tx *store.Tx) (bool, error) { return tx.SuspendKey("suspended", tx.Now()) })
		g.h.Expel(t.Context())
		for key, want := range map[string]string{"revoked": "API_KEY_INVALID", "suspended": "FORBIDDEN", "expired": "API_KEY_INVALID", "unknown": "API_KEY_INVALID", "real": "FORBIDDEN"} {
			for _, s := range goes[key] {
				if f := s.Next(); f.Object != "ws_error" || f.Code != want || f.Message == "" {
					t.Errorf("%s: told %s", key, f.Raw)
				}
				if code, _ := s.Ended(); code != websocket.ClosePolicyViolation {
					t.Errorf("%s: ended with %d", key, code)
				}
			}
		}
		g.h.Expel(t.Context())
		g.happen(event(merchant, 1)) // of inv_1
		for n, s := range stays {
			if f := s.Next(); f.Object != "event" {
				t.Errorf("%d was told %s", n, f.Raw)
			}
			s.Close()
		}
	})
}

// However many sockets a node has, it asks once; and without an answer nobody goes.
func TestExpelSparesTheStore(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, db string) {
		const keys, sockets = 1500, 20
		clock, asked := new(testkit.Clock), new(atomic.Int64)
		g := &stage{t: t, h: &notify.Hub{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
		g.s = testkit.OpenStore(t, store.Options{URL: db, Now: func() time.Time { asked.Add(1); return clock.Now() }})
		var all []pay.Key
		for n := range keys {
			all = append(all, pay.Key{ID: fmt.Sprint("key", n)})
		}
		g.addKeys(false, all...)
		g.h.Store = g.s
		for n := range keys + sockets { // many of one key
			g.h.Sit(held(fmt.Sprint("key", max(0, n-sockets))))
		}
		last := all[keys-1].ID
		g.change(func(tx *store.Tx) (bool, error) { return tx.RevokeKey(last, "") })
		g.change(func(tx *store.Tx) (bool, error) { return tx.RevokeKey("key0", "") })
		before := asked.Load()
		g.h.Store = brokenStore(t)
		if g.h.Expel(t.Context()); g.h.Leaving() != 0 {
			t.Errorf("%d were sent away although nobody knows", g.h.Leaving())
		}
		g.h.Store = g.s
		g.h.Expel(t.Context())
		if n := asked.Load() - before; n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
		if n := g.h.Leaving(); n != sockets+2 {
			t.Errorf("%d were sent away", n)
		}
	})
}

// Nothing has to be told: the hub looks by itself.
func TestExpelInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, g *stage) {
		g.addKeys(false, pay.Key{ID: "k"})
		c := g.pipe(t, held("k"))
		synctest.Wait()
		time.Sleep(7 * time.Second)
		g.change(func(tx *store.Tx) (bool, error) { return tx.RevokeKey("k", "") })
		begin := time.Now()
		_ = c.SetReadDeadline(begin.Add(time.Minute))
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				if took := time.Since(begin); took > 5*time.Second || !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
					t.Errorf("after %s: %v", took, err)
				}
				return
			}
		}
	})
}
