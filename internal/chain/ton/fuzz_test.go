package ton_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

// FuzzAddress: what is an address is the same after a round trip, whatever form it came in.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"", ourA, "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", parse(ourA).Raw(), "-1:3333333333333333333333333333333333333333333333333333333333333333"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ton.CanonicalTestnet(s)
		if err != nil {
			if _, err := ton.Canonical(s); err == nil {
				t.Fatalf("%q is an address of mainnet only", s)
			}
			return
		}
		if again, err := ton.Canonical(c); err != nil || again != c {
			t.Fatalf("%q is %q and then %q: %v", s, c, again, err)
		}
		if raw, err := ton.Canonical(parse(c).Raw()); err != nil || raw != c {
			t.Fatalf("%q is %q and %q: %v", s, c, raw, err)
		}
	})
}

// FuzzCells: no bytes make a decoder of cells panic, and what was read is written as it was.
func FuzzCells(f *testing.F) {
	to, key := parse(ourA), sevens.Public().(ed25519.PublicKey)
	w, err := ton.DepositWallet(key, 1, true)
	if err != nil {
		f.Fatal(err)
	}
	transfer := ton.Transfer{Units: big.NewInt(7), To: to, Answer: to, Forward: big.NewInt(1)}.Body()
	r := ton.Request{Internal: true, Wallet: w.ID, ValidUntil: 1, Seqno: 2, Messages: []ton.Message{{To: to, Value: big.NewInt(9), Init: w.Init(), Body: transfer, Mode: 3}}}
	usdt, _ := ton.Known(devchain.USDT)
	for _, c := range []*ton.Cell{
		transfer, r.Sign(sevens), ton.External(to, w.Init(), r.Sign(sevens)), w.State(3), usdt.Data(to, big.NewInt(5)),
		ton.Arrival{Units: big.NewInt(7), From: to, Sent: true, Answer: to, Forward: big.NewInt(1)}.Body(),
	} {
		f.Add(c.ToBOC())
		f.Add(c.ToBOCWithFlags(false))
	}
	for bag := range exotic {
		b, _ := base64.StdEncoding.DecodeString(bag)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ton.Decode(b)
		if err != nil {
			return
		}
		_ = ton.Op(c)
		_, _, _, _ = usdt.Holding(c)
		_, _ = w.Seqno(c)
		_, _, _ = ton.WalletAt(w.Address(), c)
		_, _ = ton.ParseMessage(c)
		if to, init, body, err := ton.ParseExternal(c); err == nil {
			_, _, again, err := ton.ParseExternal(ton.External(to, init, body))
			if err != nil || !bytes.Equal(again.Hash(), body.Hash()) {
				t.Fatalf("message from outside: %v", err)
			}
		}
		if x, err := ton.ParseTransfer(c); err == nil {
			if again, err := ton.ParseTransfer(x.Body()); err != nil || again.Units.Cmp(x.Units) != 0 || again.To != x.To || again.Forward.Cmp(x.Forward) != 0 {
				t.Fatalf("transfer %+v, %+v, %v", x, again, err)
			}
		}
		if x, ok, err := ton.ParseArrival(c); err == nil && ok {
			if x.Units.Sign() < 0 || x.Units.BitLen() > 120 {
				t.Fatalf("arrival %+v", x)
			}
		}
		if x, signed, err := ton.ParseRequest(c, key); err == nil && signed {
			if again, signed, err := ton.ParseRequest(x.Sign(sevens), key); err != nil || !signed || again.Seqno != x.Seqno || len(again.Messages) != len(x.Messages) {
				t.Fatalf("request %+v, %+v, %v", x, again, err)
			}
		}
	})
}

// FuzzAnswers: whatever a node answers with, instead of what it should, a driver does not panic and finds
// nothing but what is there.
func FuzzAnswers(f *testing.F) {
	s := newSim()
	from := s.Head()
	s.mine(f, chaintest.Transfer{Address: ourA, Units: 5}, chaintest.Transfer{Address: ourB, Token: devchain.USDT, Units: 7})
	paths := []string{"/masterchainInfo", "/blocks", shards, ofBlock, "/accountStates", "/runGetMethod", "/transactions", "/transactionsByMessage"}
	for i, path := range paths {
		r := httptest.NewRequest(http.MethodGet, "/api/v3"+path+"?mc_seqno="+strconv.FormatUint(from+1, 10)+"&seqno="+strconv.FormatUint(from+1, 10)+"&limit=1000&sort=asc&address="+ourA, nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		f.Add(uint8(i), w.Body.String())
		f.Add(uint8(i), strings.ReplaceAll(w.Body.String(), "5", "55"))
		f.Add(uint8(i), "null")
	}
	f.Fuzz(func(t *testing.T, which uint8, answer string) {
		path := paths[int(which)%len(paths)]
		bad := newProxy(t, s)
		bad.set(edit(path, func(string) string { return answer }))
		c := newClock()
		d := newDriver(c, bad)
		d.Tokens = []pay.Token{token, other}
		_ = d.Verify(t.Context())
		c.advance(time.Hour)
		_, _, _ = d.Find(t.Context(), strings.Repeat("ab", 32))
		_, _ = d.Mentions(t.Context(), []string{ourA}, 1, 2)
		d = newDriver(c, bad, newProxy(t, s), newProxy(t, s))
		good := newDriver(c, newProxy(t, s))
		after, err := good.Block(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		b := newBook(t, good)
		found, err := d.Scan(t.Context(), after, from+1, b.Ours)
		if err == nil && (len(found.Deposits) != 2 || found.Deposits[0].Units.String() != "5" || found.Deposits[1].Units.String() != "7") {
			t.Fatalf("found %+v", found)
		}
	})
}
