package cardano_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/cardano"
)

// Both were made by @emurgo/cardano-serialization-lib-nodejs 15.0.3: TransactionBody out of
// TransactionOutputs, signed by FixedTransaction.sign_and_add_vkey_signature with the keys
// of the addresses 0 and 1 of the wallet that the other tests use.
const (
	plainTx = "84a400d9010282825820111111111111111111111111111111111111111111111111111111111111111100825820222222222222222222222222222222222222222222222222222222222222222219012c0182825839009493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e337b62cfff6403a06a3acbc34f8c46003c69fe79a3628cefa9c47251821a0016e360a2581c01010101010101010101010101010101010101010101010101010101a15820ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01581cababababababababababababababababababababababababababababa2401b7fffffffffffffff445553444d1a075bcd1582581d609493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e1b000000012a05f200021a00030d40031a075bcd15a100d901028282582016be8486354c587b103790bc06661600cd1b8df0184ed32667805b58cf18da155840dcede2e0b18fa7adb6870a8698ed757debd88d526707726b9e449f98a1475b14c1312da09abd1afa884e45dee6081c64574ef6d55a58d7eb571cb2a3b829fd0882582044eae7f4b3b4e79549d9b683e8ee7a42ad61b1b377fee80a4e0ee9a15a5f578d58401d432985809b15b2ad669840e32e6b0573fe53f0f07b35feb8fe04c9bba4cd85b762a35e616056d4793f989eb8c4f7d87d2da4535863f46cba1c98da22643a01f5f6"
	// With a datum, a Byron address, collateral and a return of it.
	richTx = "84a600d9010282825820111111111111111111111111111111111111111111111111111111111111111100825820222222222222222222222222222222222222222222222222222222222222222219012c0183825839009493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e337b62cfff6403a06a3acbc34f8c46003c69fe79a3628cefa9c47251821a0016e360a2581c01010101010101010101010101010101010101010101010101010101a15820ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01581cababababababababababababababababababababababababababababa2401b7fffffffffffffff445553444d1a075bcd15a300581d609493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e011b000000012a05f200028201d81842182a82583282d818582883581ccaf8a28e2472376b06ded6fe04c2324e56b5dceba78f7fc8603f4949a102451a4170cb17001a1aeeab5f1a001e8480021a00030d40031a075bcd150dd90102818258203333333333333333333333333333333333333333333333333333333333333333021082581d609493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e1a002dc6c0a100d901028282582016be8486354c587b103790bc06661600cd1b8df0184ed32667805b58cf18da1558403717a88fec3236ffade6134aac5beddc89b0764cc2c8f6295f6e15df3a93a4053e8bb2549011af5749e5286fed55d32cc370d0677c640653ea4812afe78cc40d82582044eae7f4b3b4e79549d9b683e8ee7a42ad61b1b377fee80a4e0ee9a15a5f578d5840e987209396cb7bf976e9dcfd3c66e10ea1a4ef7b7b7739ce1b9ed95b6880999a2f6ab63d5a61fd5ca096985cdc7a226b5604ade858b78f7e6633fb9cec713c03f5f6"
)

// Transactions of the real network, from the test data of txpipe/pallas (babbage3, conway1,
// conway3).
var realTxs = []string{
	"84a40081825820f193aa92b0c401c4ab4694622501b4890330e7a4a7a20533d833a5639b7fc9e601018282581d61775a6cb8a363c28daacd0e535c8914df21533ad07458c23a99f9043a1a007a120082583901e241af5d59f4675250fcbf0f6f50e6c203a268955f92e036a5018243f593309a155b0ebb45ff830747e61f98e5b77feaf7529ce9df3513821a05abfc02021a00028cad031a044fa19ea10081825820f2fc4a141e5d2d2678434f851997a71610bf40ae2cd6b18cb67e8f188d8304ba5840f7b3cefab0d828972e6221e8896c336187ba55f8c79fe83d5a6de9c1a32e6ea788629d7294785c76ef49b9fdb7cd7a932fe32c2761d640c19aa7840a44fc060bf5f6",
	"84a8008282582014f21123920de0ab51306f060daf332b2bc3daeba0a5933616cfd0a6fa05d57f00825820455363dd5e1a5b321908bb7ff6840c4a6c35d1d6b83eec5b2164ec741f5f7bac000183a200583901490c6c94eb76477d9316b80a2be491a830fdc56059539d318b32ea463c4b5f3adc80ca7729e1d4d67efab9244f254d32f446ef1db74037b301821a001a3a0ba1581cb1c62afb4c4e4af8881af2aec30205786b495b608157f254c0906670a14a465544676520436f696e1a02af707aa300583931905ab869961b094f1b8197278cfe15b45cbe49fa8f32c6b014f85a2db2f6abf60ccde92eae1a2f4fdf65f2eaf6208d872c6f0e597cc10b0701821a3b324430a2581c63f947b8d9535bc4e4ce6919e3dc056547e8d30ada12f29aa5f826b8a158207d1ee25d64f4cc5b1953b8fb307a7be9301d26646bf4092c122a231634623b5b01581cb1c62afb4c4e4af8881af2aec30205786b495b608157f254c0906670a14a465544676520436f696e1a2a37e777028201d81858e8d87989d87982581c63f947b8d9535bc4e4ce6919e3dc056547e8d30ada12f29aa5f826b858207d1ee25d64f4cc5b1953b8fb307a7be9301d26646bf4092c122a231634623b5bd879824040d87982581cb1c62afb4c4e4af8881af2aec30205786b495b608157f254c09066704a465544676520436f696e1b0000001166b125ce1a001373c2581cedbf33f5d6e083970648e39175c49ec1c093df76b6e6a0f1473e47761b000000028f200558581c8807fbe6e36b1c35ad6f36f0993e2fc67ab6f2db06041cfa3a53c04a581c554daf3e27e50c8c779713be6ba70f95c35f23f0552a28e5a7a340148258390122aea2da15e494e01767145d48bda16b6d437f1c449823a044193daf299a82ef56311aa10adf04c0072d4870eb9f4d5ff315132434841b741a00325aa0021a0005d11505a1581df196f5c1bee23481335ff4aece32fe1dfa1aa40a944a66d2d6edc9a9a5000b58203a98f88216e5025db28f06e90c56b3def9f35e3ac2beef37aef7f09ace7a60c00d81825820dd325cdb8c4b2d7fbc66d6e04f2abce41e52fbf55807948aed6b9abb726eb699000e81581cedbf33f5d6e083970648e39175c49ec1c093df76b6e6a0f1473e47761283825820c4a540ac2e06c217dd4fb3f39ca3863da394ba134677dafa9b98830ca71d584d03825820b91eda29d145ab6c0bc0d6b7093cb24b131440b7b015033205476f39c690a51f00825820b91eda29d145ab6c0bc0d6b7093cb24b131440b7b015033205476f39c690a51f01a2008182582014585da9857b30cf57edccac19d3012b602bb5650c7726a5f1504d9614d205225840563d66631ddd21c04ef19e2644bfaa28dd472c5fb6d72d6b290935f81b37b14eabe87d677b32bc73cdc244082d75a8d7fb8f73930b43f906cb9addd5a8fda2070583840000d87a80821a000186a01a01c9c380840001d879830101d87980821a000864701a0d1cef0084030080821a000668a01a09896800f5f6",
	"84a300d90102818258203f62dbe3279603d26f4e54728e6f10cdc479974f1f6d94c32fe39a0689efa981000182825839015c5c318d01f729e205c95eb1b02d623dd10e78ea58f72d0c13f892b2e8904edc699e2f0ce7b72be7cec991df651a222e2ae9244eb5975cba1a00989680825839015c5c318d01f729e205c95eb1b02d623dd10e78ea58f72d0c13f892b2e8904edc699e2f0ce7b72be7cec991df651a222e2ae9244eb5975cba1a004c4b40021a004c4b40a100d90102818258202a60dcffe8ba15307556dbf8d7df142cb9eb15d601251d400d523689d575b83858407e960daaed14c00888f032d6f08f1ee5da643330bcdfac01406662442a8530d83b383baf2aecd6f715028bba5a92b5a394c0ad3fb95a43ca7a8d4705c8152204f5f6",
}

// The signatures are right only if the hash is.
func TestDecodeReal(t *testing.T) {
	t.Parallel()
	for i, want := range []struct {
		spends, makes int
		hash          string
		lovelace, fee uint64
	}{
		{1, 2, "b17d685c42e714238c1fb3abcd40e5c6291ebbb420c9c69b641209607bd00c7d", 8_000_000, 167085},
		{2, 3, "c89ae560d5592d56aa11f795ecd6fa3f98676181fcdc2716295d68032d8c36aa", 1718795, 381205},
		{1, 2, "90bd64b133e327daecfa0cc60c26f3b96fc6f0285a6d96cc122819908b3aaf93", 10_000_000, 5_000_000},
	} {
		tx, err := cardano.DecodeTx(unhex(t, realTxs[i]))
		if err != nil || !tx.Verify() || !tx.Valid {
			t.Errorf("transaction %d: %+v, %v", i, tx, err)
			continue
		}
		all := tx.Makes()
		if len(all) != want.makes || len(tx.Spends()) != want.spends || all[0].Value.Lovelace != want.lovelace || tx.Fee != want.fee || tx.Hash.String() != want.hash {
			t.Errorf("transaction %d: %+v, fee %d, first %+v", i, tx, tx.Fee, all[0])
		}
	}
}

const (
	plainHash = "6191b30198b3decaa91a9bd8a2340e3a944ad234cbab500fce698e88a8cf958a"
	richHash  = "bfbb35a7c8a38e24a6eb4390491adb7cf6f2dbb12261426f843c4ba43b7cec16"
)

var (
	manyAssets = cardano.Value{Lovelace: 1_500_000, Assets: map[string]uint64{
		strings.Repeat("ab", 28) + "5553444d": 123456789, strings.Repeat("ab", 28): 1<<63 - 1, strings.Repeat("01", 28) + strings.Repeat("ff", 32): 1,
	}}
	shortAddress = "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz"
)

func ref(b byte, index uint64) (r cardano.Ref) {
	copy(r.Hash[:], bytes.Repeat([]byte{b}, 32))
	r.Index = index
	return r
}

// What is drafted here is byte for byte what the reference library makes of the same.
func TestDraft(t *testing.T) {
	t.Parallel()
	d := cardano.Draft{
		Inputs:  []cardano.Ref{ref(0x11, 0), ref(0x22, 300)},
		Outputs: []cardano.Output{{Address: merchant, Value: manyAssets}, {Address: shortAddress, Value: cardano.Value{Lovelace: 5_000_000_000}}},
		Fee:     200_000, TTL: 123_456_789,
	}
	hash, raw, err := d.Sign(account.Payment(0), account.Payment(1))
	if err != nil || hash.String() != plainHash || hex.EncodeToString(raw) != plainTx {
		t.Fatalf("%s %x, %v", hash, raw, err)
	}
	if size, err := d.Size(2); err != nil || size != len(raw) {
		t.Errorf("size %d, %v, want %d", size, err, len(raw))
	}
	// min_ada_for_output of the library.
	for i, want := range []uint64{1_482_640, 849_070} {
		if least, err := d.Outputs[i].Least(4310); err != nil || least != want {
			t.Errorf("output %d must hold %d, %v, want %d", i, least, err, want)
		}
	}
	tx, err := cardano.DecodeTx(raw)
	if err != nil || !tx.Verify() || tx.Hash != hash || tx.Fee != d.Fee || tx.TTL != d.TTL || !tx.Valid || tx.Size != len(raw) {
		t.Fatalf("decoded %+v, %v", tx, err)
	}
	for i, m := range tx.Makes() {
		if o := d.Outputs[i]; m.Index != i || m.Address != o.Address || !same(m.Value, o.Value) {
			t.Errorf("output %d is %+v, want %+v", i, m, o)
		}
	}
	if got := tx.Spends(); len(got) != 2 || got[0] != d.Inputs[0] || got[1] != d.Inputs[1] {
		t.Errorf("spends %v", got)
	}
	raw[len(raw)-5] ^= 1 // of the last signature
	if tx, err := cardano.DecodeTx(raw); err != nil || tx.Verify() {
		t.Errorf("a wrong signature: %v", err)
	}
}

func same(a, b cardano.Value) bool {
	rest, ok := a.Sub(b)
	return ok && rest.Lovelace == 0 && len(rest.Assets) == 0
}

func TestDecodeRich(t *testing.T) {
	t.Parallel()
	tx, err := cardano.DecodeTx(unhex(t, richTx))
	if err != nil || tx.Hash.String() != richHash || !tx.Verify() || !tx.Valid {
		t.Fatalf("%+v, %v", tx, err)
	}
	all := tx.Makes()
	if len(all) != 3 || !same(all[0].Value, manyAssets) || all[1].Address != shortAddress || all[1].Value.Lovelace != 5_000_000_000 || all[2].Address != "" || all[2].Value.Lovelace != 2_000_000 {
		t.Errorf("outputs %+v", all)
	}
	// Its script failed: the collateral is gone instead, and the rest of it came back as an
	// output after the others. The hash is the same.
	failed := strings.TrimSuffix(richTx, "f5f6") + "f4f6"
	tx, err = cardano.DecodeTx(unhex(t, failed))
	if err != nil || tx.Hash.String() != richHash || tx.Valid {
		t.Fatalf("%+v, %v", tx, err)
	}
	if all := tx.Makes(); len(all) != 1 || all[0].Index != 3 || all[0].Address != shortAddress || all[0].Value.Lovelace != 3_000_000 {
		t.Errorf("outputs %+v", all)
	}
	if in := tx.Spends(); len(in) != 1 || in[0] != ref(0x33, 2) {
		t.Errorf("spends %v", in)
	}
	none, err := cardano.DecodeTx(unhex(t, strings.TrimSuffix(plainTx, "f5f6")+"f4f6"))
	if err != nil || len(none.Makes())+len(none.Spends()) != 0 {
		t.Errorf("without collateral: %+v, %v", none, err)
	}
}

// Where a transaction says that its script failed depends on the era; and one that stands
// alone does not say it at all in the era after Conway.
func TestDecodeValidity(t *testing.T) {
	t.Parallel()
	rich, plain := strings.TrimSuffix(richTx, "f5f6"), strings.TrimSuffix(plainTx, "f5f6")
	metadata := "a1016178"
	for name, v := range map[string]struct {
		raw           string
		valid, unsaid bool
	}{
		"before nothing":           {rich + "f5f6", true, false},
		"before metadata":          {rich + "f5" + metadata, true, false},
		"failed, before":           {rich + "f4f6", false, false},
		"failed, before metadata":  {rich + "f4" + metadata, false, false},
		"after nothing":            {rich + "f6f5", true, false},
		"after metadata":           {rich + metadata + "f5", true, false},
		"failed, after":            {rich + "f6f4", false, false},
		"failed, after metadata":   {rich + metadata + "f4", false, false},
		"unsaid":                   {"83" + rich[2:] + "f6", true, true},
		"unsaid, with metadata":    {"83" + rich[2:] + metadata, true, true},
		"no collateral, no script": {"83" + plain[2:] + "f6", true, false},
	} {
		tx, err := cardano.DecodeTx(unhex(t, v.raw))
		if err != nil || tx.Valid != v.valid || tx.Unsaid != v.unsaid {
			t.Errorf("%s: %+v, %v", name, tx, err)
		}
	}
	for name, raw := range map[string]string{"neither": rich + "f6f6", "both": rich + "f5f4", "a number": rich + "f600", "nothing defined": rich + "f6f7"} {
		if tx, err := cardano.DecodeTx(unhex(t, raw)); err == nil {
			t.Errorf("%s: %+v", name, tx)
		}
	}
}

// Forms that the ledger allows and we do not write.
func TestDecodeForms(t *testing.T) {
	t.Parallel()
	address := "581d60" + strings.Repeat("11", 28)
	policy := "581c" + strings.Repeat("ab", 28)
	in := "825820" + strings.Repeat("22", 32) + "00"
	deep := strings.Repeat("81", 16_000) + "00"
	for form, body := range map[string]string{
		"plain":                 "a3" + "0081" + in + "018182" + address + "05" + "0200",
		"of no definite length": "bf" + "009f" + in + "ff" + "019f9f" + address + "05ffff" + "0200ff",
		"bytes in pieces":       "a3" + "0081" + in + "0181825f4f60" + strings.Repeat("11", 14) + "4e" + strings.Repeat("11", 14) + "ff05" + "0200",
		"a long number":         "a3" + "0081" + in + "018182" + address + "1b0000000000000005" + "0200",
		"a big number":          "a3" + "0081" + in + "018182" + address + "c24105" + "0200",
		"unsorted":              "a3" + "0200" + "0081" + in + "018182" + address + "05",
		"with a datum's hash":   "a3" + "0081" + in + "018183" + address + "055820" + strings.Repeat("33", 32) + "0200",
		"deep":                  "a4" + "0081" + in + "018182" + address + "05" + "0200" + "12" + deep, // a key we do not know
		"assets":                "a3" + "0081" + in + "018182" + address + "8205bf" + policy + "bf4101" + "c24107ffff" + "0200",
	} {
		for _, rest := range []string{"a0f5f6", "a0f5" + deep, "a0f6"} {
			parts := "84"
			if rest == "a0f6" {
				parts = "83" // before there were scripts
			}
			tx, err := cardano.DecodeTx(unhex(t, parts+body+rest))
			if err != nil {
				t.Errorf("%s: %v", form, err)
				continue
			}
			all := tx.Makes()
			if want := cardano.Testnet; len(all) != 1 || all[0].Value.Lovelace != 5 || all[0].Address != "addr_test1vqg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygxrcya6" || len(tx.Spends()) != 1 || want != 0 {
				t.Errorf("%s: %+v", form, tx)
			}
			if n := all[0].Value.Assets[strings.Repeat("ab", 28)+"01"]; form == "assets" && n != 7 {
				t.Errorf("%s: %+v", form, all)
			}
		}
	}
}

func TestDecodeBad(t *testing.T) {
	t.Parallel()
	in := "825820" + strings.Repeat("22", 32) + "00"
	out := "82581d60" + strings.Repeat("11", 28) + "05"
	good := "84a300" + "81" + in + "0181" + out + "0200a0f5f6"
	if _, err := cardano.DecodeTx(unhex(t, good)); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"nothing": "", "a number": "00", "a body alone": "a30081" + in + "0181" + out + "0200", "two parts": "82a0a0", "five": "85a0a0f5f6f6",
		"more after it":    good + "00",
		"cut":              good[:len(good)-2],
		"validity":         strings.TrimSuffix(good, "f5f6") + "01f6",
		"a key twice":      "84a400" + "81" + in + "0181" + out + "0181" + out + "0200a0f5f6",
		"short hash":       "84a3008182581f" + strings.Repeat("22", 31) + "000181" + out + "0200a0f5f6",
		"negative":         strings.Replace(good, "1105", "1120", 1),
		"fraction":         strings.Replace(good, "1105", "11f94500", 1),
		"too big a number": strings.Replace(good, "1105", "11c249010000000000000000", 1),
		"output of one":    "84a300" + "81" + in + "018181581d60" + strings.Repeat("11", 28) + "0200a0f5f6",
		"output a text":    "84a300" + "81" + in + "0181" + "6161" + "0200a0f5f6",
		"short policy":     "84a300" + "81" + in + "018182581d60" + strings.Repeat("11", 28) + "8205a14101a14101050200a0f5f6",
		"long name":        "84a300" + "81" + in + "018182581d60" + strings.Repeat("11", 28) + "8205a1581c" + strings.Repeat("ab", 28) + "a15821" + strings.Repeat("00", 33) + "050200a0f5f6",
		"an asset twice":   "84a300" + "81" + in + "018182581d60" + strings.Repeat("11", 28) + "8205a1581c" + strings.Repeat("ab", 28) + "a24101054101050200a0f5f6",
		"others within":    "84a400" + "81" + in + "0181" + out + "0200" + "178180" + "a0f5f6",
		"no fee":           "83a200" + "81" + in + "0181" + out + "a0f6",
		"witness a number": "84a300" + "81" + in + "0181" + out + "0200a10005f5f6",
	} {
		if tx, err := cardano.DecodeTx(unhex(t, raw)); err == nil {
			t.Errorf("%s: %+v", name, tx)
		}
	}
	if _, err := cardano.DecodeTx(make([]byte, 1<<20)); err == nil {
		t.Error("a transaction of a mebibyte")
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	const most = 1<<63 - 1
	a := cardano.Value{Lovelace: 5, Assets: map[string]uint64{"x": 7, "y": 1}}
	sum, ok := a.Add(cardano.Value{Lovelace: 1, Assets: map[string]uint64{"x": 1, "z": 2}})
	if !ok || sum.Lovelace != 6 || len(sum.Assets) != 3 || sum.Assets["x"] != 8 || len(a.Assets) != 2 {
		t.Errorf("sum %+v of %+v", sum, a)
	}
	if rest, ok := sum.Sub(a); !ok || rest.Lovelace != 1 || len(rest.Assets) != 2 || rest.Assets["z"] != 2 {
		t.Errorf("rest %+v", rest)
	}
	if sum, ok := a.Add(cardano.Value{Assets: map[string]uint64{"x": 1<<64 - 8}}); !ok || sum.Assets["x"] != 1<<64-1 {
		t.Errorf("sum %+v", sum)
	}
	for _, o := range []cardano.Value{{Lovelace: most}, {Lovelace: 1 << 63}, {Lovelace: 1<<64 - 1}, {Assets: map[string]uint64{"x": 1<<64 - 7}}, {Assets: map[string]uint64{"x": 1<<64 - 1}}} {
		if sum, ok := a.Add(o); ok {
			t.Errorf("%+v and %+v are %+v", a, o, sum)
		}
		if rest, ok := a.Sub(o); ok {
			t.Errorf("%+v less %+v is %+v", a, o, rest)
		}
	}
	if _, ok := a.Sub(cardano.Value{Assets: map[string]uint64{"w": 1}}); ok {
		t.Error("took what is not there")
	}
}

func FuzzDecodeTx(f *testing.F) {
	for _, s := range append(realTxs, plainTx, richTx, strings.TrimSuffix(richTx, "f5f6")+"f4f6", strings.TrimSuffix(plainTx, "f5f6")+"f6", "84a0a0f5f6", "83bf009fffffa0f6") {
		f.Add(must(hex.DecodeString(s)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := cardano.DecodeTx(raw)
		if err != nil {
			return
		}
		_ = tx.Verify()
		_ = tx.Spends()
		var d cardano.Draft
		d.Inputs, d.TTL, d.Fee = tx.Spends(), tx.TTL, tx.Fee
		for _, m := range tx.Makes() {
			if m.Address != "" { // what can be written is read the same
				d.Outputs = append(d.Outputs, m.Output)
			}
		}
		_, again, err := d.Sign()
		if err != nil {
			t.Fatal(err)
		}
		back, err := cardano.DecodeTx(again)
		if err != nil || len(back.Spends()) != len(d.Inputs) || back.TTL != d.TTL || back.Fee != d.Fee || len(back.Makes()) != len(d.Outputs) {
			t.Fatalf("%x became %x: %v", raw, again, err)
		}
		for i, m := range back.Makes() {
			if m.Address != d.Outputs[i].Address || !same(m.Value, d.Outputs[i].Value) {
				t.Fatalf("%+v became %+v", d.Outputs[i], m)
			}
		}
	})
}
