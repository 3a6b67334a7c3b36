package cardano_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/tyler-smith/go-bip39"

	"github.com/pepay/pepay/internal/chain/cardano"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The words are those of CIP-3's vector for Icarus. What follows the master key was made by
// @emurgo/cardano-serialization-lib-nodejs 15.0.3: Bip32PrivateKey.from_bip39_entropy,
// derive, to_public, EnterpriseAddress, sign.
func TestDerivation(t *testing.T) {
	t.Parallel()
	entropy, err := bip39.EntropyFromMnemonic("eight country switch draw meat scout mystery blade tip drift useless good keep usage title")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		entropy   string
		account   uint32
		xpub      string
		addresses map[uint32][2]string // per index, of test networks and the real one
		signed    string               // "hello", by the key of index 7
	}{
		{
			hex.EncodeToString(entropy), 0, "7f376415131590bf8cc88e8466fd24a6f95eebd6c2271d89cb51a81402618c9b332b13689518700be3c6d330d72490c42e8a98b7495889a27851e543319fb095",
			map[uint32][2]string{
				0:          {"addr_test1vqv7qlaucathxkwkc503ujw0rv9lfj2rkj96feyst2rs9eqqyas5r", "addr1vyv7qlaucathxkwkc503ujw0rv9lfj2rkj96feyst2rs9eqmvfvmx"},
				1:          {"addr_test1vq245684mdhpwzs0p37jz8pymn5g9v37rqjy78c59f06xacpm980l", "addr1vy245684mdhpwzs0p37jz8pymn5g9v37rqjy78c59f06xac6n3mq6"},
				2147483647: {"addr_test1vzr8688n9uv5dzgkkxpsyzsw47d6ghgsmdjlvd2pcdxa0ycmv2dlz", "addr1vxr8688n9uv5dzgkkxpsyzsw47d6ghgsmdjlvd2pcdxa0ycqy73s8"},
			},
			"eaa5d0297c1d781b8642dfa2379c6417a3af22e8f6b5b044f6736c36f9ba8645f6c097b4896c21a8b39dd072c334caff8706ca9afc3b6c6ffcefa8f9b7473f07",
		},
		{
			strings.Repeat("00", 32), 0, "b3f8aad750c8f498d2882d1ecd74bf550e81870e89acaed82e8e10ef5871887091286d601ecfe0aafc2121154db787bf489ccf35c6b5db5d60096052c8b34c2f",
			map[uint32][2]string{0: {"addr_test1vqqt0pru382hy9vjlsxv3ye02z50sfvt8xunscg5pgden7cetfzyu", "addr1vyqt0pru382hy9vjlsxv3ye02z50sfvt8xunscg5pgden7czra7te"}},
			"5d760f76fb4986360fc6d119180204a541380d31ccea5de567d3d6871aeccff5fec9f30259e6f6ace02c306884eba98b9b6a6c30127338a5285e07cdc37a1c0f",
		},
		{
			strings.Repeat("7f", 32), 3, "b0883dd785b185ff35a74c453f167d808761faa7406300f38c3e1972dee10b780ce121a10cc00404fabd2f08fd6261f048fe27d4f5adb29c0c85f2d2cdee35bd",
			map[uint32][2]string{7: {"addr_test1vpumkr2t8gecr9sepaaa49y9k58dspcs9847ye9mnzc9rrqk0ru49", "addr1v9umkr2t8gecr9sepaaa49y9k58dspcs9847ye9mnzc9rrqd8hq6q"}},
			"0d401783e85b3b969fd918a4ed5ee7f6f06e00ac1e00e48df7690893b31fd82bde395c4c8463cd18ba454dacf95097dfbff20e1f789f83f5cf935d0a59d12a01",
		},
	} {
		k, err := cardano.AccountKey(unhex(t, v.entropy), v.account)
		if err != nil {
			t.Fatal(err)
		}
		for index, want := range v.addresses {
			for net, want := range want {
				n := cardano.Net(net)
				if got := n.Enterprise(k.Payment(index).Public()); got != want {
					t.Errorf("by the private key: %s, want %s", got, want)
				}
				for _, form := range []string{v.xpub, k.Account()} {
					if got, err := cardano.DepositAddress(form, index, n); err != nil || got != want {
						t.Errorf("by %s: %s, %v, want %s", form, got, err, want)
					}
				}
			}
		}
		seven := k.Payment(7)
		got := seven.Sign([]byte("hello"))
		if hex.EncodeToString(got) != v.signed || !ed25519.Verify(seven.Public(), []byte("hello"), got) {
			t.Errorf("signature %x, want %s", got, v.signed)
		}
	}
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	k, err := cardano.AccountKey(make([]byte, 16), 0)
	if err != nil {
		t.Fatal(err)
	}
	good := k.Account()
	none := hex.EncodeToString(append([]byte{2}, make([]byte, 63)...)) // not a point of the curve
	for _, account := range []string{"", "00", none, good[:len(good)-1], good + "q", strings.Repeat("zz", 64), "acct_xvk1", "acct_xvk1" + strings.Repeat("q", 1000)} {
		if got, err := cardano.DepositAddress(account, 0, cardano.Testnet); err == nil {
			t.Errorf("account %q gives %s", account, got)
		}
	}
	if got, err := cardano.DepositAddress(good, 1<<31, cardano.Testnet); err == nil {
		t.Errorf("index 2^31 gives %s", got)
	}
	if _, err := cardano.AccountKey(make([]byte, 15), 0); err == nil {
		t.Error("too few words make a key")
	}
	if _, err := cardano.AccountKey(make([]byte, 16), 1<<31); err == nil {
		t.Error("an account of 2^31")
	}
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %s", k, k, k)} {
		if strings.ContainsAny(s, "0123456789") {
			t.Errorf("a key is printed as %s", s)
		}
	}
}

// What is derived from the public key is what the private one can spend from, for any.
func FuzzDerivation(f *testing.F) {
	f.Add(bytes.Repeat([]byte{7}, 32), uint32(1), uint32(5), []byte("x"))
	f.Add(bytes.Repeat([]byte{0xff}, 16), uint32(0), uint32(1<<31-1), []byte{})
	f.Fuzz(func(t *testing.T, entropy []byte, account, index uint32, message []byte) {
		k, err := cardano.AccountKey(entropy, account)
		if err != nil {
			return
		}
		got, err := cardano.DepositAddress(k.Account(), index&^(1<<31), cardano.Mainnet)
		if p := k.Payment(index); err != nil || got != cardano.Mainnet.Enterprise(p.Public()) || !ed25519.Verify(p.Public(), message, p.Sign(message)) {
			t.Errorf("%x/%d/%d: %s, %v", entropy, account, index, got, err)
		}
	})
}
