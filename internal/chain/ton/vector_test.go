package ton_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/pepay/pepay/internal/chain/ton"
	"github.com/pepay/pepay/internal/money"
)

// sevens is the key that the vectors of @ton/ton 16.3.0 (WalletContractV5R1) are made with.
var sevens = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

var wallets = []struct {
	testnet bool
	index   uint32
	address string
}{
	{false, 0, "UQCoKkY5coXSh0bKJG_rczQ2iNUZzXh0Aqylx3sVGLmJt1lm"},
	{false, 1, "UQBxH07LVqec-ju0rzbe_WXYbF65F-NZMuJf8bZRXRQg5dn3"},
	{false, 5, "UQC7msSz1LsrYPDtjbfQaFKMsiuU7dhOD-PDxlNrzpa0kA9Y"},
	{false, 2147483647, "UQCogGLBvIgHH8c-k-sB_BlbwjqmYTuGlLXmW1ZtCOpQovi-"},
	{true, 0, "UQC44meeFHFt_3fWGLmBaGOtILk3cU5Lje2DEI9JxNuW2Fw_"},
	{true, 1, "UQDgK6Xm76GlKC_UyEzebnLFK1tmUJK_NRG4MEct0L999A2j"},
	{true, 5, "UQCk58YIAEXVR0AdPrK2622UwrsT9Nfl8ZQ0BvwqOLJqO76C"},
	{true, 2147483647, "UQAE9Rg2t-xqxq-y-OxR6Pcp5tH0aKuNcfHCdPL4oh4oc2Dh"},
}

func TestWalletAddresses(t *testing.T) {
	t.Parallel()
	public := sevens.Public().(ed25519.PublicKey)
	for _, w := range wallets {
		if got, err := ton.DepositAddress(public, w.index, w.testnet); err != nil || got != w.address {
			t.Errorf("wallet %d: %s, %v, want %s", w.index, got, err, w.address)
		}
	}
	for testnet, want := range map[bool]string{false: "UQCUm8ivArnrArRJxOEdWU9L79QzyMa2ZZZ7YKn52__z0N1Q", true: "UQD0NT7WXJYKY55KvH9gXNjOuuXoQcvcL60sPQgG6r9MdTfg"} {
		if got := ton.FeeWallet(public, testnet).Address().String(); got != want {
			t.Errorf("fee wallet %s, want %s", got, want)
		}
	}
	if a, err := ton.DepositAddress(public, 1<<31, false); err == nil {
		t.Errorf("an index of 32 bits: %s", a)
	}
	if a, err := ton.DepositAddress(public[:31], 1, false); err == nil {
		t.Errorf("a short key: %s", a)
	}
}

// The data of an account says whose wallet it is, and its address proves it.
func TestWalletAt(t *testing.T) {
	t.Parallel()
	w := ton.FeeWallet(sevens.Public().(ed25519.PublicKey), true)
	if got, seqno, err := ton.WalletAt(w.Address(), w.State(7)); err != nil || seqno != 7 || got.Address() != w.Address() {
		t.Errorf("read %+v at %d: %v", got, seqno, err)
	}
	if got, seqno, err := ton.WalletAt(w.Address(), nil); err != nil || seqno != 0 || got.Key != nil {
		t.Errorf("before it is deployed %+v at %d: %v", got, seqno, err)
	}
	for name, data := range map[string]*ton.Cell{
		"another's": ton.FeeWallet(w.Key, false).State(7), "nothing": cell.BeginCell().EndCell(), "no key": cell.BeginCell().MustStoreUInt(1, 65).EndCell(),
	} {
		if got, seqno, err := ton.WalletAt(w.Address(), data); err == nil || seqno != 0 {
			t.Errorf("%s: read %+v at %d", name, got, seqno)
		}
	}
}

// The same transfer as @ton/ton 16.3.0 signs it.
func TestSignedTransfer(t *testing.T) {
	t.Parallel()
	to := ton.Address(bytes.Repeat([]byte{0x11}, 32))
	w := ton.FeeWallet(sevens.Public().(ed25519.PublicKey), false)
	r := ton.Request{Wallet: w.ID, ValidUntil: 1_700_000_000, Seqno: 3, Messages: []ton.Message{{
		To: to, Value: big.NewInt(123_456_789), Bounce: true, Mode: ton.ModePaysFees | ton.ModeSkipErrors,
		Body: ton.Transfer{Units: big.NewInt(42), To: to, Answer: to, Forward: big.NewInt(1)}.Body(),
	}}}
	body := r.Sign(sevens)
	if got := hex.EncodeToString(body.Hash()); got != "7729d0999891a37d5ed60c1916b5ceb47edee1b0c9a1caa9b9d5bf7fef0eec4f" {
		t.Errorf("body %s", got)
	}
	theirs, err := hex.DecodeString("b5ee9c724101050100ea0001a17369676e7fffff116553f10000000003a252d80414b44ddd7dd16c5547731c096a69d36882da9432dd7a8c199915ecc07eec2d67fb75769f896427da0932d97c593dc26da050a2fb1d56ae0a61e5a1412001020a0ec3c86d0302030000016862000888888888888888888888888888888888888888888888888888888888888888a03ade68a8000000000000000000000000010400a40f8a7ea5000000000000000012a80022222222222222222222222222222222222222222222222222222222222222230004444444444444444444444444444444444444444444444444444444444444444202b22a8865")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ton.Decode(theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, signed, err := ton.ParseRequest(c, w.Key)
	if err != nil || !signed || got.Internal || got.Wallet != r.Wallet || got.ValidUntil != r.ValidUntil || got.Seqno != r.Seqno || len(got.Messages) != 1 {
		t.Fatalf("read %+v, %v, %v", got, signed, err)
	}
	m := got.Messages[0]
	transfer, err := ton.ParseTransfer(m.Body)
	if err != nil || m.To != to || m.Value.Int64() != 123_456_789 || !m.Bounce || m.Init != nil || m.Mode != 3 ||
		transfer.Units.Int64() != 42 || transfer.To != to || transfer.Answer != to || transfer.Forward.Int64() != 1 {
		t.Errorf("read %+v, %+v, %v", m, transfer, err)
	}
	if _, signed, err := ton.ParseRequest(c, depositKey.Public().(ed25519.PublicKey)); err != nil || signed {
		t.Errorf("another key signed it: %v, %v", signed, err)
	}
}

// A wallet of USDT as it was on mainnet, with data and address, from the tests of
// github.com/broxus/tycho-vm; and the hash that toncenter has for the code.
func TestUSDT(t *testing.T) {
	t.Parallel()
	j, ok := ton.Known("UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p")
	if !ok || hex.EncodeToString(j.Code.Hash()) != "89468f02c78e570802e39979c8516fc38df07ea76a48357e0536f2ba7b3ee37b" {
		t.Fatal("not the code of USDT's wallets")
	}
	data, err := ton.Decode64("te6ccgEBAQEATAAAkwYKW203ZzmABH9S8yMeP84FtyIBfwh9D44CvZmnNI5D0211guF4CZxwAsROplLUCShZxn2kTkyjrdZWWw4ol9ZAosUb+zcNiHf6")
	if err != nil {
		t.Fatal(err)
	}
	owner, units, lock, err := j.Holding(data)
	if err != nil || lock != 0 || units.String() != "11387790649145" || owner.Raw() != "0:23FA979918F1FE702DB9100BF843E87C7015ECCD39A4721E9B6BAC170BC04CE3" {
		t.Fatalf("%s holds %s: %v", owner.Raw(), units, err)
	}
	if want, err := ton.Canonical("0:2626CF30B702BDDED845EFC883EFA45029FF59DEFDACC4CE7B8B0A5966D75002"); err != nil || j.Wallet(owner).String() != want {
		t.Errorf("its wallet is %s, want %s: %v", j.Wallet(owner), want, err)
	}
	if _, ok := ton.Known(owner.String()); ok {
		t.Error("a jetton that is not known has wallets")
	}
	for _, want := range []ton.Lock{ton.LockedOut, ton.LockedIn, ton.LockedOut | ton.LockedIn} {
		rest := data.BeginParse()
		rest.MustLoadUInt(4)
		locked := cell.BeginCell().MustStoreUInt(uint64(want), 4).MustStoreBuilder(rest.ToBuilder()).EndCell()
		if o, u, lock, err := j.Holding(locked); o != owner || u.Cmp(units) != 0 || lock != want || err != nil {
			t.Errorf("locked with %d: %s holds %s, locked with %d: %v", want, o, u, lock, err)
		}
	}
	if _, _, lock, err := (ton.Jetton{Master: j.Master}).Holding(ton.Jetton{Master: j.Master, Code: data}.Data(owner, units)); lock != 0 || err != nil {
		t.Errorf("a plain jetton's wallet is locked with %d: %v", lock, err)
	}
	if _, _, _, err := (ton.Jetton{Master: owner, Governed: true}).Holding(data); err == nil {
		t.Error("the data of another jetton's wallet was read")
	}
}

// Bodies with cells that are not ordinary, from @ton/core 0.63.1: a merkle proof with pruned
// branches, alone and beside a library cell in a message about a jetton.
var exotic = map[string]string{
	"te6cckECDAEAAQQACUYDgywAvKBBcbWXNOM4ToeoiNWEDoYYo7nFRUQWIXa806oABQEiAssCCyIBIAMKIgEgBAkiASAFBihIAQEKHbGSDZAOcQx9/+87prkPdzoPtd9gdsU0JIxv+xNMnwABIgEgBwgoSAEB4nK1VWXp0aFKojxQr5L7Bq4W7OoLlPKW1E943VpZ17EAAAAJAAAABWAoSAEBg9l6kjoQ/bJ1KE9Eg0iE6j1Ch7qM7Z1lvVFt3Ifml5sAAihIAQGxzjQa5hGOf2Y/Bm+hu6qkD1q4OJxolbA0eBzvedQaxgADKEgBAXVvi9ruTqVDo7UWr475vHmeNjwGEA7cZulTQ0A5oFxFAAK+HJHP":                                                             "8/sFZnruKL8PDiiMh+5DMNkY/swzPtIfI04wUmQee1U=",
	"te6cckECDgEAAS8AAggXjUUZAQ0JRgODLAC8oEFxtZc04zhOh6iI1YQOhhijucVFRBYhdrzTqgAFAiICywMMIgEgBAsiASAFCiIBIAYHKEgBAQodsZINkA5xDH3/7zumuQ93Og+132B2xTQkjG/7E0yfAAEiASAICShIAQHicrVVZenRoUqiPFCvkvsGrhbs6guU8pbUT3jdWlnXsQAAAAkAAAAFYChIAQGD2XqSOhD9snUoT0SDSITqPUKHuoztnWW9UW3ch+aXmwACKEgBAbHONBrmEY5/Zj8Gb6G7qqQPWrg4nGiVsDR4HO951BrGAAMoSAEBdW+L2u5OpUOjtRavjvm8eZ42PAYQDtxm6VNDQDmgXEUAAghCAgkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJrCrdug==": "PxhDR1Gc8GNJsoce9fVFRgdYB3+nYYQE46a5btcfJrM=",
}

func TestBagsOfCells(t *testing.T) {
	t.Parallel()
	for bag, hash := range exotic {
		c, err := ton.Decode64(bag)
		if err != nil || base64.StdEncoding.EncodeToString(c.Hash()) != hash {
			t.Errorf("decode: %v", err)
			continue
		}
		again, err := ton.Decode64(ton.Encode64(c))
		if err != nil || !bytes.Equal(again.Hash(), c.Hash()) {
			t.Errorf("not the same after a round trip: %v", err)
		}
	}
	sound := ton.Transfer{Units: big.NewInt(1), Forward: big.NewInt(0)}.Body().ToBOC()
	if _, err := ton.Decode(sound); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"cut":             func(b []byte) []byte { return b[:len(b)-1] },
		"longer":          func(b []byte) []byte { return append(b, 0) },
		"no magic":        func(b []byte) []byte { b[0] = 0; return b },
		"two roots":       func(b []byte) []byte { b[7] = 2; return b },
		"no cells":        func(b []byte) []byte { b[6] = 0; return b },
		"more cells":      func(b []byte) []byte { b[6] = 200; return b },
		"wide numbers":    func(b []byte) []byte { b[4] = b[4]&0xf8 | 7; return b },
		"wide offsets":    func(b []byte) []byte { b[5] = 9; return b },
		"wrong checksum":  func(b []byte) []byte { b[len(b)-5] ^= 1; return b },
		"with an index":   func(b []byte) []byte { b[4] |= 0x80; return b },
		"a million bytes": func([]byte) []byte { return make([]byte, 1<<20+1) },
	} {
		if _, err := ton.Decode(change(bytes.Clone(sound))); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

// The forms of one address, from the documents of TON (Address.parse in the cookbook of docs.ton.org)
// and of the elector from TEP-2.
func TestAddresses(t *testing.T) {
	t.Parallel()
	const canonical = "UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA"
	for _, form := range []string{
		canonical, "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff+W72r5gqPrHF",
		"0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e", "0:CA6E321C7CCE9ECEDF0A8CA2492EC8592494AA5FB5CE0387DFF96EF6AF982A3E",
	} {
		for _, parse := range []func(string) (string, error){ton.Canonical, ton.CanonicalTestnet} {
			if got, err := parse(form); err != nil || got != canonical {
				t.Errorf("%s is %s: %v", form, got, err)
			}
		}
	}
	tagged := "0QDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPleK"
	if got, err := ton.CanonicalTestnet(tagged); err != nil || got != canonical {
		t.Errorf("%s is %s: %v", tagged, got, err)
	}
	for form, why := range map[string]string{
		"":             "0 letters",
		canonical[:47]: "47 letters",
		tagged:         "test network",
		"UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwB":                    "checksum",
		"UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPu A":                    "base64",
		"UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5+qPuwA":                    "base64",
		"Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF":                    "masterchain",
		"-1:3333333333333333333333333333333333333333333333333333333333333333": "masterchain",
		"1:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e":  "basechain",
		"0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a":    "64 hexadecimal",
		"0:za6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e":  "64 hexadecimal",
		"0x52908400098527886E0F7030069857D2E4169EE70000000":                   "letters",
		retag(t, canonical, 0x00):                                             "unknown kind",
	} {
		if got, err := ton.Canonical(form); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %s, %v, want %q", form, got, err, why)
		}
	}
}

// retag gives an address another first byte, and the checksum that fits.
func retag(t *testing.T, text string, tag byte) string {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	b[0] = tag
	crc := 0
	for _, c := range b[:34] {
		crc ^= int(c) << 8
		for range 8 {
			if crc <<= 1; crc&0x10000 != 0 {
				crc ^= 0x11021
			}
		}
	}
	b[34], b[35] = byte(crc>>8), byte(crc)
	return base64.URLEncoding.EncodeToString(b)
}

func TestURI(t *testing.T) {
	t.Parallel()
	units, err := money.ParseUnits("1500000")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		ton.URI("UQa", "", money.Units{}):      "ton://transfer/UQa",
		ton.URI("UQa", "", units):              "ton://transfer/UQa?amount=1500000",
		ton.URI("UQa", "UQm", units):           "ton://transfer/UQa?amount=1500000&jetton=UQm",
		ton.TonkeeperLink("UQa", "UQm", units): "https://app.tonkeeper.com/transfer/UQa?amount=1500000&jetton=UQm",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// cellOf is any body.
func cellOf(bits ...uint64) *ton.Cell {
	b := cell.BeginCell()
	for _, v := range bits {
		b.MustStoreUInt(v, 32)
	}
	return b.EndCell()
}
