package solana_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
)

// filler is a transaction that names 64 accounts, as lookup tables let it for 64 bytes, and
// moves nothing.
func filler(i int) string {
	keys, balances := make([]string, 64), strings.Repeat("9000000000000000,", 63)+"1"
	for k := range keys {
		keys[k] = fmt.Sprintf(`{"pubkey":%q,"signer":false,"source":"lookupTable","writable":false}`, stranger)
	}
	return fmt.Sprintf(`{"transaction":{"accountKeys":[%s],"signatures":["filler%d"]},"meta":{"err":null,"preBalances":[%s],"postBalances":[%s],"preTokenBalances":[],"postTokenBalances":[]}}`,
		strings.Join(keys, ","), i, balances, balances)
}

// A block that somebody filled with what is long to tell does not stop the network: it is
// read past 32 MiB.
func TestLargeBlock(t *testing.T) {
	t.Parallel()
	var fill strings.Builder
	count := 0
	for fill.Len() < 34<<20 {
		fill.WriteString(filler(count) + "," + strings.Repeat(" ", 64<<10)) // space is quick to read
		count++
	}
	s, c, b := newSim(2), newClock(), &chaintest.Book{Addresses: []string{ourA, ourB}}
	var filled atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		before, after, found := strings.Cut(rec.Body.String(), `"transactions":[{`)
		_, _ = io.WriteString(w, before)
		if found {
			filled.Store(true)
			_, _ = io.WriteString(w, `"transactions":[`+fill.String()+"{"+after)
		}
	}))
	defer server.Close()
	d := newDriver(c, s)
	d.Nodes, d.Timeout = []string{server.URL}, time.Minute
	w := chaintest.NewWatcher(d, b, 1)
	settle(t, c, w)
	if _, err := s.Pay(sim.Payment{To: ourA, Units: 5}); err != nil {
		t.Fatal(err)
	}
	s.Mine()
	if _, err := w.Step(t.Context()); err != nil || !filled.Load() {
		t.Fatal(err, "or the block was not filled")
	}
	settle(t, c, w)
	if got := unitsOf(b.Final()); !slices.Equal(got, []string{"5"}) {
		t.Errorf("%v is final, of a block with %d transactions more", got, count)
	}
}

// A block that does not come with others, being too much beside them, is asked for alone in
// the end, and others together again.
func TestHeavyBlock(t *testing.T) {
	t.Parallel()
	s, c := newSim(2), newClock()
	var mu sync.Mutex
	var asked []string
	heavy, refused := regexp.MustCompile(`"getBlock","params":\[(\d+),\{.*"accounts"`), 5
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if m := heavy.FindSubmatch(body); m != nil {
			mu.Lock()
			asked = append(asked, string(m[1]))
			refuse := string(m[1]) == "3" && refused > 0
			if refuse {
				refused--
			}
			mu.Unlock()
			if refuse {
				_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{"transactions":[{}]}}`)
				return
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	for range 30 {
		s.Mine()
	}
	d := newDriver(c, s)
	d.Nodes = []string{server.URL}
	after, err := d.Block(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var widths []int
	for range 6 {
		asked = nil
		f, err := d.Scan(t.Context(), after, 20, func(context.Context, []string) (map[string]string, error) { return nil, nil })
		if (err == nil) != (len(widths) == 5) || err == nil && f.Last.Height != 20 {
			t.Fatalf("after %v: %+v, %v", widths, f.Last, err)
		}
		widths = append(widths, len(asked))
	}
	if !slices.Equal(widths[:5], []int{3, 1, 1, 1, 1}) || widths[5] < 10 { // some slots have none
		t.Errorf("asked for %v blocks", widths)
	}
}

// However a node goes on and on, it is heard no longer than a block can be, and little of it
// is held.
func TestEndlessBlock(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		begins string
		goesOn func(i int) string
		want   string
	}{
		"empty transactions": {`{"transactions":[`, func(int) string { return `{},` }, "incomplete"},
		"one transaction":    {`{"transactions":[{"transaction":{"accountKeys":[`, func(int) string { return `{},` }, "a piece of it"},
		"a name":             {`{"transactions":[{"transaction":{"signatures":["`, func(int) string { return `aaaaaaaaaaaaaaaa` }, "a piece of it"},
		"the hash":           {`{"blockhash":"`, func(int) string { return `aaaaaaaaaaaaaaaa` }, "a piece of it"},
		"a field's name":     {`{"`, func(int) string { return `aaaaaaaaaaaaaaaa` }, "a piece of it"},
		"space":              {`{`, func(int) string { return `                ` }, "a piece of it"},
		"what is not known":  {`{"x":[`, func(int) string { return `7,` }, "a piece of it"},
		"depth":              {`{"x":`, func(int) string { return `[` }, "depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSim(2)
			honest := newProxy(t, s)
			var written atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if !strings.Contains(string(body), `"accounts"`) {
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					honest.ServeHTTP(w, r)
					return
				}
				_, err := io.WriteString(w, `{"id":1,"result":`+v.begins)
				for i, n := 0, 0; err == nil; i++ {
					n, err = io.WriteString(w, v.goesOn(i))
					written.Add(int64(n))
				}
			}))
			defer server.Close()
			d := newDriver(newClock(), s)
			d.Nodes, d.Timeout = []string{server.URL}, time.Minute
			after, err := d.Block(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := d.Scan(t.Context(), after, after.Height+1, nil); err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("%+v, %v", f, err)
			}
			server.CloseClientConnections()
			if n := written.Load(); n > 100<<20 {
				t.Errorf("heard %d MiB of it", n>>20)
			}
		})
	}
}

// What is held of a block is bounded, too: changes count, and what moved nothing does not.
func TestHeldChanges(t *testing.T) {
	t.Parallel()
	var txs []string
	for i := range 5 {
		still := filler(i)
		at := strings.Index(still, `"post`)
		moves := strings.Replace(still[:at], "filler", "moves", 1) + strings.ReplaceAll(still[at:], "9000000000000000", "9000000000000001")
		txs = append(txs, still, moves)
	}
	raw := blockJSON(txs...)
	for most, ok := range map[int]bool{5 * 63: true, 4 * 63: true, 4*63 - 1: false, 0: false} {
		if err := solana.HoldBlock(raw, most); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), fmt.Sprint("or ", most, " changes")) {
			t.Errorf("at most %d: %v", most, err)
		}
	}
}

// Only a whole answer to the question counts, and only once.
func TestAnswerIsWhole(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct{ answer, want string }{
		"whole":            {`{"jsonrpc":"2.0","result":9,"id":1}`, ""},
		"to another":       {`{"jsonrpc":"2.0","result":9,"id":2}`, "another question"},
		"without a result": {`{"jsonrpc":"2.0","id":1}`, "another question"},
		"null":             {`null`, "another question"},
		"a list":           {`[{"result":9,"id":1}]`, "decode"},
		"cut":              {`{"result":9,"id":1`, "decode"},
		"cut in a field":   {`{"result":9,"id`, "decode"},
		"closed otherwise": {`{"result":9,"id":1]`, "decode"},
		"two":              {`{"result":9,"id":1}{"result":9,"id":1}`, "follows"},
		"a refusal":        {`{"error":{"code":-5,"message":"no"},"id":1}`, "refused: -5"},
		"both":             {`{"result":9,"error":{"code":-5,"message":"no"},"id":1}`, "refused: -5"},
		"of another kind":  {`{"result":"9","id":1}`, "decode"},
		"empty":            {``, "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var m message
				switch _ = json.NewDecoder(r.Body).Decode(&m); m.Method {
				case "getGenesisHash":
					_, _ = fmt.Fprintf(w, `{"id":1,"result":%q}`, ourA)
				case "getSlot":
					_, _ = io.WriteString(w, v.answer)
				default:
					_, _ = fmt.Fprintf(w, `{"id":1,"result":%s}`, blockJSON())
				}
			}))
			defer server.Close()
			d := &solana.Driver{Network: "solana", Genesis: ourA, Nodes: []string{server.URL}, Log: newDriver(newClock(), newSim(1)).Log, Now: newClock().Now}
			switch _, err := d.Head(t.Context()); {
			case v.want == "" && err != nil, v.want != "" && (err == nil || !strings.Contains(err.Error(), v.want)):
				t.Errorf("%v, want %q", err, v.want)
			}
		})
	}
}
