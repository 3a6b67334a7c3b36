package solana_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/chain/solana"
)

// txJSON is a transaction in which A pays B, and B gets tokens, with one thing changed.
func txJSON(change ...string) string {
	tokens := fmt.Sprintf(`[{"accountIndex":2,"mint":%q,"owner":%q,"programId":%q,"uiTokenAmount":{"amount":"18446744073709551615"}}]`, dollar, ourB, solana.Token)
	account := solana.TokenAccount(solana.Address(keyB), solana.Token, mint1()).String()
	s := fmt.Sprintf(`{"transaction":{"accountKeys":[{"pubkey":%q},{"pubkey":%q},{"pubkey":%q}],"signatures":[%q]},"meta":{"err":null,`+
		`"preBalances":[9007199254740993,1,7],"postBalances":[1,9007199254740990,7],"preTokenBalances":[],"postTokenBalances":%s}}`,
		ourA, ourB, account, "2q8Fs6wmDHcdNKJnVJoXYnDVqrWm8GYsxYt2QwUPvadkEQXinWJRwWVzxdUmJY9YH8iZETcXjk3ZdBcDUkuUtfKz", tokens)
	return strings.NewReplacer(change...).Replace(s)
}

func mint1() solana.Key { k, _ := solana.ParseKey(dollar); return k }

func blockJSON(txs ...string) []byte {
	return fmt.Appendf(nil, `{"blockhash":%q,"previousBlockhash":%q,"parentSlot":8,"blockHeight":8,"blockTime":1700000000,"transactions":[%s]}`,
		ourA, ourB, strings.Join(txs, ","))
}

// Amounts beyond what a float holds are exact, and what failed moved nothing, whatever its
// balances say.
func TestBlock(t *testing.T) {
	t.Parallel()
	watched := map[string]bool{dollar: true}
	f, err := solana.ParseBlock(blockJSON(txJSON()), 9, watched)
	if err != nil || len(f.Deposits) != 2 || len(f.Sweeps) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	if d := f.Deposits; d[0].Units.String() != "9007199254740989" || d[0].From != ourA || d[0].Index != 1 || d[1].Units.String() != "18446744073709551615" || d[1].Index != 2 || d[1].Address != ourB {
		t.Errorf("%+v", d)
	}
	if s := f.Sweeps[0]; s.Units.String() != "9007199254740992" || s.To != ourB || s.Index != 0 {
		t.Errorf("%+v", s)
	}
	// What a version brings along, and nodes show of it, is neither here nor there.
	v1, err := solana.ParseBlock(blockJSON(txJSON(`{"transaction":{`, `{"version":1,"transaction":{"transactionConfig":{"computeUnitLimit":9,"priorityFeeLamports":7},`,
		`"err":null,`, `"err":null,"fee":5007,"costUnits":3,"loadedAddresses":{"writable":[],"readonly":[]},`)), 9, watched)
	if err != nil || !reflect.DeepEqual(v1, f) {
		t.Errorf("of version 1: %+v, %v", v1, err)
	}
	for name, v := range map[string]struct {
		block []byte
		want  string
	}{
		"failed":            {blockJSON(txJSON(`"err":null`, `"err":{"InstructionError":[0,"X"]}`)), ""},
		"failed in a word":  {blockJSON(txJSON(`"err":null`, `"err":"AccountInUse"`)), ""},
		"twice":             {blockJSON(txJSON(), txJSON()), "twice"},
		"fewer before":      {blockJSON(txJSON(`[9007199254740993,1,7]`, `[9007199254740993,1]`)), "incomplete"},
		"more after":        {blockJSON(txJSON(`[1,9007199254740990,7]`, `[1,9007199254740990,7,8]`)), "incomplete"},
		"too much":          {blockJSON(txJSON(`18446744073709551615`, `18446744073709551616`)), "incomplete"},
		"exponent":          {blockJSON(txJSON(`18446744073709551615`, `1e9`)), "incomplete"},
		"exponent of SOL":   {blockJSON(txJSON(`9007199254740990`, `9e15`)), "cannot unmarshal"},
		"no such signature": {blockJSON(txJSON(`2q8Fs6`, `0OIl`)), "64 bytes"},
		"other account":     {blockJSON(txJSON(`"accountIndex":2`, `"accountIndex":0`)), "only"},
	} {
		f, err := solana.ParseBlock(v.block, 9, watched)
		switch {
		case v.want == "only":
			if err != nil || len(f.Deposits) != 1 || f.Deposits[0].Token != "" {
				t.Errorf("%s: %+v, %v", name, f, err)
			}
		case v.want == "" && (err != nil || len(f.Deposits)+len(f.Sweeps) > 0):
			t.Errorf("%s: %+v, %v", name, f, err)
		case v.want != "" && (err == nil || !strings.Contains(err.Error(), v.want)):
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}
