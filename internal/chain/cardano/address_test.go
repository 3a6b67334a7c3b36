package cardano_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/cardano"
)

// The addresses are the test vectors of CIP-19, each kind on both nets.
func TestCanonical(t *testing.T) {
	t.Parallel()
	good := [][2]string{ // of the real network, of test networks
		{"addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x", "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae"},
		{"addr1yx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerkr0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shs2z78ve", "addr_test1yz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerkr0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shsf5r8qx"},
		{"addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8", "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz"},
	}
	for _, pair := range good {
		for i, a := range pair {
			for _, form := range []string{a, strings.ToUpper(a), " " + a + "\n"} {
				if got, err := cardano.Canonical(form); err != nil || got != a {
					t.Errorf("%q: %q, %v", form, got, err)
				}
			}
			if got, err := cardano.Net(1 - i).Canonical(a); err != nil || got != a {
				t.Errorf("%q on its net: %q, %v", a, got, err)
			}
			if got, err := cardano.Net(i).Canonical(a); err == nil || !strings.Contains(err.Error(), "another network") {
				t.Errorf("%q on the other net: %q, %v", a, got, err)
			}
		}
	}
	a := good[0][0]
	for bad, says := range map[string]string{
		"":                             "wrong or missing",
		"addr1":                        "wrong or missing",
		a[:len(a)-1] + "q":             "wrong or missing",
		a[:40] + a[41:]:                "wrong or missing",
		strings.ToUpper(a[:9]) + a[9:]: "wrong or missing", // two cases
		strings.Repeat("q", 5000):      "wrong or missing",
		"A1LQFN3A":                     "wrong or missing", // bech32m's checksum (BIP-350)
		"addr1q9gupt5":                 "wrong or missing",
		cardano.Bech32(t, "bc", make([]byte, 20)):                                                                            `begins with "bc1"`,
		"stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw":                                                        "stake address",
		"stake_test1uqehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gssrtvn":                                                   "stake address",
		"addr1z8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gten0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs9yc0hh":            "of a script",
		"addr1x8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gt7r0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shskhj42g":            "of a script",
		"addr1w8phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcyjy7wx":                                                         "of a script",
		"addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k":                                                "pointer",
		"addr_test12rphkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtupnz75xxcryqrvmw":                                           "pointer",
		"37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na": "Byron",
		"Ae2tdPwUPEZ76BjmWDTS7poTekAvNqBjgfthF92pSLSDVpRVnLP7meaFhVd":                                                        "Byron",
	} {
		if got, err := cardano.Canonical(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v, want %q", bad, got, err, says)
		}
	}
	// Right checksums around what is no address.
	for says, raw := range map[string][]byte{
		"another network": append([]byte{0x60}, make([]byte, 28)...),
		"holds 28 bytes":  append([]byte{0x61}, make([]byte, 27)...),
		"holds 30 bytes":  append([]byte{0x61}, make([]byte, 29)...),
		"holds 29 bytes":  append([]byte{0x01}, make([]byte, 28)...),
		"cannot be paid":  append([]byte{0x81}, make([]byte, 28)...),
		"of another netw": append([]byte{0x63}, make([]byte, 28)...),
		"is empty":        nil,
	} {
		if got, err := cardano.Canonical(cardano.Bech32(t, "addr", raw)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%x: %q, %v, want %q", raw, got, err, says)
		}
	}
}

func TestCanonicalToken(t *testing.T) {
	t.Parallel()
	policy := strings.Repeat("aB", 28)
	for unit, want := range map[string]string{
		policy: strings.ToLower(policy), policy + "555344": strings.ToLower(policy) + "555344", policy + strings.Repeat("00", 32): strings.ToLower(policy) + strings.Repeat("00", 32),
		"": "", "lovelace": "", policy[:54]: "", policy + "5": "", policy + "." + "55": "", policy + strings.Repeat("00", 33): "", policy + "zz": "",
	} {
		if got, err := cardano.CanonicalToken(unit); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", unit, got, err, want)
		}
	}
}

func TestURI(t *testing.T) {
	t.Parallel()
	for lovelace, want := range map[uint64]string{
		0: "web+cardano:addr1x", 1: "web+cardano:addr1x?amount=0.000001", 1_500_000: "web+cardano:addr1x?amount=1.5",
		20_000_000: "web+cardano:addr1x?amount=20", 45_000_000_000_000_000: "web+cardano:addr1x?amount=45000000000",
	} {
		if got := cardano.URI("addr1x", lovelace); got != want {
			t.Errorf("%d: %s, want %s", lovelace, got, want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8")
	f.Add("addr_test1yz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerkr0vd4msrxnuwnccdxlhdjar77j6lg0wypcc9uar5d2shsf5r8qx")
	f.Add("stake178phkx6acpnf78fuvxn0mkew3l0fd058hzquvz7w36x4gtcccycj5")
	f.Add("37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := cardano.Canonical(s)
		if err != nil {
			return
		}
		if again, err := cardano.Canonical(a); err != nil || again != a {
			t.Errorf("%q is %q and then %q, %v", s, a, again, err)
		}
		if round := cardano.RoundTrip(t, a); round != a {
			t.Errorf("%q is the text of what has the text %q", a, round)
		}
	})
}
