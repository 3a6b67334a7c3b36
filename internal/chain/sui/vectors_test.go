package sui_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/sui"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/seed"
)

// usdc is Circle's on mainnet.
const usdc = "0xdba34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7::usdc::USDC"

// vectors were made by the reference SDK; the file says how.
type vectors struct {
	Words string
	Keys  []struct {
		Index           uint32
		Public, Address string
	}
	Txs []struct {
		Name, Bytes, Digest string
		Signatures          []string
	}
}

func readVectors(t testing.TB) (v vectors) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestKeysAreThoseOfTheReferenceSDK(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	s, err := seed.New(v.Words)
	if err != nil || len(v.Keys) == 0 {
		t.Fatal(err)
	}
	for _, k := range v.Keys {
		public := s.Ed25519(sui.Path(k.Index)...).Public().(ed25519.PublicKey)
		if hex.EncodeToString(public) != k.Public || sui.AddressOf(public).String() != k.Address {
			t.Errorf("key %d is %x of %s, want %s of %s", k.Index, public, sui.AddressOf(public), k.Public, k.Address)
		}
	}
}

func TestTransactionsAreThoseOfTheReferenceSDK(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	s, err := seed.New(v.Words)
	if err != nil {
		t.Fatal(err)
	}
	keys := []ed25519.PrivateKey{s.Ed25519(sui.Path(0)...), s.Ed25519(sui.Path(1)...)}
	at := func(i int) sui.Address { return sui.AddressOf(keys[i].Public().(ed25519.PublicKey)) }
	ref := func(n byte, id string, version uint64) sui.ObjectRef {
		o := sui.ObjectRef{ID: address(t, "0x"+strings.Repeat("a", 64-len(id))+id), Version: version}
		copy(o.Digest[:], bytes.Repeat([]byte{n}, 32))
		return o
	}
	one, two, nine := ref(1, "1", 5), ref(2, "2", math.MaxUint64), ref(9, "9", 4711)
	to := sui.Input{Pure: bytes.Repeat([]byte{0x77}, 32)}
	in, result := func(n uint16) sui.Argument { return sui.Argument{N: n} }, func(n uint16) sui.Argument { return sui.Argument{Result: true, N: n} }
	chain, err := sui.ParseDigest(sui.Mainnet)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]sui.Transaction{
		"coins": {
			Inputs:   []sui.Input{{Object: &one}, {Object: &two}, to},
			Commands: []sui.Command{{Kind: sui.Merge, Into: in(0), Coins: []sui.Argument{in(1)}}, {Kind: sui.Transfer, Coins: []sui.Argument{in(0)}, Into: in(2)}},
			Payment:  []sui.ObjectRef{nine}, Expires: sui.Expiration{Epoch: 912},
		},
		"withdrawal": {
			Inputs:   []sui.Input{{Withdraw: &sui.Withdraw{Units: 5_000_000, Coin: usdc}}, to},
			Commands: []sui.Command{{Kind: sui.Redeem, Coin: usdc, Coins: []sui.Argument{in(0)}}, {Kind: sui.Transfer, Coins: []sui.Argument{result(0)}, Into: in(1)}},
			Expires:  sui.Expiration{Epoch: 912, Chain: chain, Nonce: 305419896},
		},
		"both": {
			Inputs: []sui.Input{{Object: &one}, {Withdraw: &sui.Withdraw{Units: 123, Coin: sui.Native}}, to},
			Commands: []sui.Command{
				{Kind: sui.Redeem, Coin: sui.Native, Coins: []sui.Argument{in(1)}},
				{Kind: sui.Merge, Into: in(0), Coins: []sui.Argument{result(0)}},
				{Kind: sui.Transfer, Coins: []sui.Argument{in(0)}, Into: in(2)},
			},
			Payment: []sui.ObjectRef{ref(9, "9", 1), ref(10, "a", 2)},
		},
	}
	if len(v.Txs) != len(want) {
		t.Fatalf("%d vectors", len(v.Txs))
	}
	for _, x := range v.Txs {
		tx := want[x.Name]
		tx.Sender, tx.Payer, tx.Price, tx.Budget = at(0), at(1), 750, 50_000_000
		raw := tx.Bytes()
		if hex.EncodeToString(raw) != x.Bytes || sui.TxDigest(raw).String() != x.Digest {
			t.Errorf("%s is\n%x, %s, want\n%s, %s", x.Name, raw, sui.TxDigest(raw), x.Bytes, x.Digest)
			continue
		}
		back, err := sui.DecodeTransaction(raw)
		if err != nil || !reflect.DeepEqual(back, tx) {
			t.Errorf("%s reads back as %+v: %v", x.Name, back, err)
		}
		for i, signature := range x.Signatures {
			got := sui.Sign(keys[i], raw)
			if hex.EncodeToString(got) != signature {
				t.Errorf("%s: signature %d is %x, want %s", x.Name, i, got, signature)
			}
			if a, err := sui.Signer(got, raw); err != nil || a != at(i) {
				t.Errorf("%s: signature %d is of %s: %v", x.Name, i, a, err)
			}
			if _, err := sui.Signer(got, raw[1:]); err == nil {
				t.Error("a signature of other bytes")
			}
			if _, err := sui.Signer(got[1:], raw); err == nil {
				t.Error("half a signature")
			}
		}
	}
}

// The encodings are from the tests of MystenLabs/sui-rust-sdk, crates/sui-sdk-types,
// checkpoint.rs: signed summaries, of which the signature is not read, and contents.
var (
	summaries = []string{
		"CgAAAAAAAAAUAAAAAAAAABUAAAAAAAAAIJ6CIMG/6Un4MKNM8h+R9r8bQ6dNTk0WZxBMUQH1XFQBASCWUVucdQkje+4YbXVpvQZcg74nndL1NK7ccj1dDR04agAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACwAAAAAAAAAAAAAKAAAAAAAAAKOonlp6Vf8dJEjQYa/VyigZruaZwSwu3u/ZZVCsdrS1iaGPIAERZcNnfM75tOh10hI6MAAAAQAAAAAAAAAQAAAAAAA=",
		"AgAAAAAAAAAFAAAAAAAAAAYAAAAAAAAAIINaPEm+WRQV2vGcPR9fe6fYhxl48GpqB+DqDYQqRHkuASBe+6BDLHSRCMiWqBkvVMqWXPWUsZnpc2gbOVdre3vnowAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwAAAAAAAAAAAQFgqGJldzxWMt2CZow1QiLmDf0RdLE6udu0bVdc1xaExX37NByF27rDH5C1DF+mkpLdA6YZnXMvuUw+zoWo71qe2DTdIDU4AcNaSUE3OoEHceuT+fBa6dMib3yDkkhmOZLyECcAAAAAAAAkAAAAAAAAAAAAAgAAAAAAAACvljn+1LWFSpu3PGx4BlIlVZq7blFK+fV7SOPEU0z9nz7lgkv8a12EA9R0tGm8hEYSOjAAAAEAAAAAAAAAEAAAAAAA",
	}
	realContents = "AAEgp6oAB8Qadn8+FqtdqeDIp8ViQNOZpMKs44MN0N5y7zIgqn5dKR1+8poL0pLNwRo/2knMnodwMTEDhqYL03kdewQBAWEAgpORkfH6ewjfFQYZJhmjkYq0/B3Set4mLJX/G0wUPb/V4H41gJipYu4I6ToyixnEuPQWxHKLckhNn+0UmI+pAJ9GegzEh0q2HWABmFMpFoPw0229dCfzWNOhHW5bes4H"
)

func unbase64(t testing.TB, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckpointsOfTheReferenceSDK(t *testing.T) {
	t.Parallel()
	for i, want := range []struct {
		epoch, height, total uint64
		ms                   int64
		contents             string
	}{
		{10, 20, 21, 11, "9e8220c1bfe949f830a34cf21f91f6bf1b43a74d4e4d1667104c5101f55c5401"},
		{2, 5, 6, 3, "835a3c49be591415daf19c3d1f5f7ba7d8871978f06a6a07e0ea0d842a44792e"},
	} {
		s, err := sui.DecodeSummary(unbase64(t, summaries[i]))
		if err != nil || s.Epoch != want.epoch || s.Height != want.height || s.Total != want.total || s.Time.UnixMilli() != want.ms ||
			hex.EncodeToString(s.Contents[:]) != want.contents || s.Previous == (sui.Digest{}) {
			t.Errorf("summary %d: %+v, %v", i, s, err)
		}
		// What we write is the same up to the commitments.
		if raw := s.Bytes(); !bytes.HasPrefix(unbase64(t, summaries[i]), raw[:len(raw)-3]) {
			t.Errorf("summary %d is written as %x", i, raw)
		}
	}
	txs, err := sui.DecodeContents(unbase64(t, realContents))
	if err != nil || len(txs) != 1 || hex.EncodeToString(txs[0][:]) != "a7aa0007c41a767f3e16ab5da9e0c8a7c56240d399a4c2ace3830dd0de72ef32" {
		t.Errorf("contents %x: %v", txs, err)
	}
	// The second form has each transaction's signatures, and the version of the object that
	// says who may sign for its sender, after its digests.
	old := unbase64(t, realContents)
	second := append([]byte{1}, old[1:68]...)
	second = append(append(append(second, 2), old[70:]...), 0)
	second = append(second, 1, 0xaa, 1, 5, 0, 0, 0, 0, 0, 0, 0)
	if again, err := sui.DecodeContents(second); err != nil || len(again) != 1 || again[0] != txs[0] {
		t.Errorf("second form %x: %v", again, err)
	}
}

func TestDigestsInBase58(t *testing.T) {
	t.Parallel()
	// The short identifiers that Sui's tools show are the first four bytes.
	for name, short := range map[string]string{sui.Mainnet: "35834a8a", sui.Testnet: "4c78adac"} {
		d, err := sui.ParseDigest(name)
		if err != nil || hex.EncodeToString(d[:4]) != short || d.String() != name {
			t.Errorf("%s is %x: %v", name, d, err)
		}
	}
	zero := strings.Repeat("1", 32)
	if d, err := sui.ParseDigest(zero); err != nil || d.String() != zero {
		t.Errorf("zero is %x: %v", d, err)
	}
	for _, bad := range []string{"", "1", strings.Repeat("1", 31), strings.Repeat("1", 33), strings.Repeat("z", 44), strings.Repeat("z", 45), sui.Mainnet + "1", "0" + sui.Mainnet[1:], "l" + sui.Mainnet[1:], "ü"} {
		if d, err := sui.ParseDigest(bad); err == nil {
			t.Errorf("%q is %x", bad, d)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	good := "0x5e93a736d04fbb25737aa40bee40171ef79f65fae833749e3c089fe7cc2161f1"
	for _, s := range []string{good, "0x" + strings.ToUpper(good[2:])} {
		if got, err := sui.Canonical(s); err != nil || got != good {
			t.Errorf("%s is %s: %v", s, got, err)
		}
	}
	for bad, why := range map[string]string{
		"":                                      "begins with 0x",
		good[2:]:                                "begins with 0x",
		"0X" + good[2:]:                         "begins with 0x",
		" " + good:                              "begins with 0x",
		good + " ":                              "64 hexadecimal digits",
		good[:65]:                               "has 63 characters",
		good + "0":                              "has 65 characters",
		"0x2":                                   "64 hexadecimal digits",
		"0x":                                    "64 hexadecimal digits",
		good[:65] + "g":                         "only hexadecimal",
		good[:64] + "ü":                         "only hexadecimal",
		good + "::usdc::X":                      "64 hexadecimal digits",
		"0x" + strings.Repeat("0", 64):          "belongs to the Sui system",
		"0x" + strings.Repeat("0", 63) + "6":    "belongs to the Sui system",
		"0x" + strings.Repeat("0", 60) + "dee9": "belongs to the Sui system",
		"0x71C7656EC7ab88b098defB751B7401B5f6d8976F":                             "64 hexadecimal digits",
		"suiprivkey1qzwant3kaegmjy4qxex93s0jzvemekkjmyv3r2sjwgnv2y479pgsywhveae": "begins with 0x",
	} {
		if got, err := sui.Canonical(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %s: %v, want %s", bad, got, err, why)
		}
	}
}

func TestCoinTypes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0x2::sui::SUI": "", sui.Native: "", usdc: usdc,
		"0xDBA34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7::usdc::USDC": usdc,
		"0x5::a::b_C9":   "0x" + strings.Repeat("0", 63) + "5::a::b_C9",
		"0x02::sui::sui": "0x" + strings.Repeat("0", 63) + "2::sui::sui",
	} {
		if got, err := sui.CanonicalCoin(in); err != nil || got != want {
			t.Errorf("%s is %s: %v", in, got, err)
		}
	}
	for _, bad := range []string{
		"", "SUI", "0x2", "0x2::sui", "0x2::sui::", "2::sui::SUI", "0x::sui::SUI", "0x2::sui::SUI ", "0x2::sui::SUI\n", "0x2::sui::SUI<u8>", "0x2::s-i::SUI",
		"0x2::9::SUI", "0x2::sui::_S", "0x2::sui::SUI::X", "0xg::sui::SUI", "0x" + strings.Repeat("1", 65) + "::a::B", "0x2::sui::" + strings.Repeat("S", 200),
	} {
		if got, err := sui.CanonicalCoin(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

// The wanted text was made by createPaymentTransactionUri of @mysten/payment-kit.
func TestURI(t *testing.T) {
	t.Parallel()
	units, _ := money.ParseUnits("12345")
	to := "0x" + strings.Repeat("77", 32)
	if got, want := sui.URI(to, usdc, units, "7c9f0a52-5b0e-4c3c-9f43-0f3c5c1d2e3f"), "sui:pay?receiver="+to+"&amount=12345&coinType=0xdba34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7%3A%3Ausdc%3A%3AUSDC&nonce=7c9f0a52-5b0e-4c3c-9f43-0f3c5c1d2e3f"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := sui.URI(to, "", units, "a b"); !strings.Contains(got, "0002%3A%3Asui%3A%3ASUI&nonce=a+b") {
		t.Error(got)
	}
}
