package ton

import (
	"encoding/hex"
	"testing"
)

func TestQuick(t *testing.T) {
	if got := hex.EncodeToString(walletCode.Hash()); got != "20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f" {
		t.Fatal(got)
	}
	m, _ := Parse("0:b113a994b5024a16719f69139328eb759596c38a25f59028b146fecdc3621dfe", false)
	e, err := Parse("EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs", false)
	t.Log(m, e, err)
	j, ok := Known(m.String())
	if !ok {
		t.Fatal()
	}
	data, err := Decode64("te6ccgEBAQEATAAAkwYKW203ZzmABH9S8yMeP84FtyIBfwh9D44CvZmnNI5D0211guF4CZxwAsROplLUCShZxn2kTkyjrdZWWw4ol9ZAosUb+zcNiHf6")
	if err != nil {
		t.Fatal(err)
	}
	owner, units, err := j.Holding(data)
	t.Log(owner, owner.Raw(), units, err)
	t.Log(j.Wallet(owner).Raw(), "2626CF30B702BDDED845EFC883EFA45029FF59DEFDACC4CE7B8B0A5966D75002")
	t.Log(hex.EncodeToString(j.Code.Hash()))
	a, err := Parse("EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", false)
	t.Log(a, a.Raw(), err)
}
