package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/testkit"
)

// witness is a provider that writes down what it is asked to place, as a retailer would,
// before it says so to anybody; and that is still at it when it is first asked how far
// it is. It dies before it does something, or after and before anybody hears of it.
type witness struct {
	retail.Provider
	*places
	file  string
	polls atomic.Int32
}

func (w *witness) Place(ctx context.Context, p retail.Placement) (string, error) {
	w.at("before Place")
	request, err := w.Provider.Place(ctx, p)
	line, e := json.Marshal(struct {
		Request string
		retail.Placement
	}{request, p})
	f, open := os.OpenFile(w.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil || e != nil || open != nil {
		panic(fmt.Sprint(err, e, open))
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		panic(err)
	}
	_ = f.Close()
	w.at("after Place")
	return request, nil
}

func (w *witness) Poll(ctx context.Context, request string) (g retail.Progress, err error) {
	n := w.polls.Add(1)
	w.at(fmt.Sprint("before Poll ", n))
	if g, err = w.Provider.Poll(ctx, request); n == 1 {
		g = retail.Progress{Stage: retail.Working}
	}
	w.at(fmt.Sprint("after Poll ", n))
	return g, err
}

// orderScene is a shop whose node dies, and those who go on with it when it lives again.
type orderScene struct {
	*testing.T
	node          crashNode
	chain         *devchain.Chain
	sink          *testkit.Sink
	key, commerce string
	url           string
	visited       []string
	died          chan struct{} // when the node's last line was read
	end           func()
}

func newOrderScene(t *testing.T, database string) *orderScene {
	s := &orderScene{T: t, chain: testkit.StartChain(t), sink: testkit.NewSink(t, nil)}
	s.node = crashNode{
		Database: database, Relayer: hex.EncodeToString(crypto.FromECDSA(devchain.Relayer())), RPC: s.chain.URL(), Shop: filepath.Join(t.TempDir(), "placed"),
	}
	a, err := app.Start(t.Context(), nodeOptions(database, s.node.RPC, s.node.Relayer))
	if err != nil {
		t.Fatal(err)
	}
	_, s.key, s.commerce = testkit.AddMerchant(t, a)
	testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+s.sink.URL+`"}`, testkit.Headers{"x-api-key", s.key})
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// live starts a node, and another if that dies before it serves.
func (s *orderScene) live(die string) {
	s.Helper()
	cmd, in, lines := s.node.start(s.T, die)
	url, died := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(died)
		for lines.Scan() {
			if line := lines.Text(); strings.HasPrefix(line, "http://") {
				url <- line
			} else if strings.Contains(line, "#") && die == "" {
				s.visited = append(s.visited, line)
			}
		}
	}()
	s.died, s.end = died, func() { _ = in.Close(); <-died; _ = cmd.Wait() }
	select {
	case s.url = <-url:
	case <-died:
		s.end()
		s.live("")
	}
}

// ask asks until there is an answer: of a node that died before it gave one, the next.
func (s *orderScene) ask(method, path, body string, h testkit.Headers) []byte {
	s.Helper()
	for {
		status, answer, err := s.send(method, path, body, h)
		if err == nil && status == http.StatusOK {
			return answer
		}
		if err == nil {
			s.Fatalf("%s %s: %d %s", method, path, status, answer)
		}
		select {
		case <-s.died:
		case <-time.After(20 * time.Second):
			s.Fatalf("%s %s: the node lives and does not answer: %v", method, path, err)
		}
		s.end()
		s.live("")
	}
}

func (s *orderScene) send(method, path, body string, h testkit.Headers) (int, []byte, error) {
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for n := 0; n < len(h); n += 2 {
		r.Header.Set(h[n], h[n+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

func read[T any](s *orderScene, answer []byte) (v T) {
	s.Helper()
	if err := json.Unmarshal(answer, &v); err != nil {
		s.Fatalf("%v in %s", err, answer)
	}
	return v
}

// buy is the story: a checkout, its payment, and the wait until everybody knows.
func (s *orderScene) buy() (order api.CheckoutInvoice) {
	s.Helper()
	step := func(name, fields string) []byte {
		return s.ask("POST", "/api/commerce/merchant/checkout/"+name, `{"customer_id":"cust_1",`+fields+`}`, testkit.Headers{"x-api-key", s.commerce, "Idempotency-Key", name})
	}
	e := read[api.Wrapped[api.Estimate]](s, step("estimate", `"items":[{"productId":"`+testkit.Dripper+`","quantity":1}]`)).Data.EstimateID
	to := read[api.Wrapped[api.CheckoutAddress]](s, step("address", `"estimateId":"`+e+`","address":`+testkit.Shipping)).Data.AddressID
	order = read[api.Wrapped[api.CheckoutInvoice]](s, step("invoice", `"estimateId":"`+e+`","addressId":"`+to+`"`)).Data
	at := read[api.PaymentAddress](s, s.ask("POST", "/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":"ethereum","tokenId":%d}`, testkit.Dollar),
		testkit.Headers{"x-session-token", order.Session, "x-signature", order.Signature}))
	w := &devchain.Wallet{Client: s.chain.Client(), Key: s.chain.Payer()}
	if _, err := w.Pay(s.Context(), contracts.TestDollar, common.HexToAddress(at.TempAddress), units(s, at.EstimatedTokenAmount)); err != nil {
		s.Fatal(err)
	}
	stop := testkit.MineAlways(s.chain, 100*time.Millisecond)
	defer stop()
	testkit.Eventually(s, "the order is placed, and every event was delivered", func() bool {
		<-time.After(50 * time.Millisecond) // asking costs more than what is waited for
		o := read[api.Wrapped[api.Order]](s, s.ask("GET", "/api/commerce/merchant/orders/"+order.OrderID, "", testkit.Headers{"x-api-key", s.commerce})).Data
		got := map[string]bool{}
		for _, r := range s.sink.Got() {
			got[r.Header.Get(api.HeaderEventID)] = true
		}
		return o.Status == "placed" && !slices.ContainsFunc(s.events(), func(e api.Event) bool { return !got[e.ID] })
	})
	return order
}

// events are all there are, oldest first.
func (s *orderScene) events() []api.Event {
	s.Helper()
	es := read[api.Wrapped[api.List[api.Event]]](s, s.ask("GET", "/api/v1/events?limit=100", "", testkit.Headers{"x-api-key", s.key})).Data.Data
	slices.Reverse(es)
	return es
}

// check holds the outcome against what it must be, whatever happened on the way.
func (s *orderScene) check(order api.CheckoutInvoice) {
	s.Helper()
	if os := read[api.Wrapped[api.OrderPage]](s, s.ask("GET", "/api/commerce/merchant/orders", "", testkit.Headers{"x-api-key", s.commerce})).Data.Orders; len(os) != 1 || os[0].OrderID != order.OrderID {
		s.Errorf("the orders are %+v", os)
	}
	placed, err := os.ReadFile(s.node.Shop)
	if err != nil {
		s.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSpace(placed), []byte("\n")) {
		if p := read[retail.Placement](s, line); p.Key != order.OrderID || !bytes.HasPrefix(placed, line) {
			s.Errorf("the provider was asked for\n%s", placed)
		}
	}
	bodies := map[string][]byte{}
	for _, r := range s.sink.Got() {
		bodies[r.Header.Get(api.HeaderEventID)] = r.Body
	}
	var orders, invoices []string
	quotes := 0 // lists leave them out; there are two when the answer to the first was lost
	for n, e := range s.events() {
		_, after, _ := strings.Cut(e.ID, "-")
		seq, err := strconv.Atoi(after)
		if n == 2 {
			quotes = seq - 3
		}
		if err != nil || seq != n+1+quotes || n == 2 && quotes != 1 && quotes != 2 {
			s.Errorf("event %d after %d quotes is %s", n+1, quotes, e.ID)
		}
		if !bytes.Contains(bodies[e.ID], e.Data.Object) {
			s.Errorf("event %s was delivered as\n%s\nand is\n%s", e.ID, bodies[e.ID], e.Data.Object)
		}
		o := read[struct {
			Status, Substatus string
			Settlement        string `json:"settlement_status"`
		}](s, e.Data.Object)
		if told := strings.TrimSpace(e.Type + " " + o.Status + " " + o.Settlement + o.Substatus); strings.HasPrefix(e.Type, "commerce") {
			orders = append(orders, told)
		} else {
			invoices = append(invoices, told)
		}
	}
	if !slices.Equal(invoices, crashStory) {
		s.Errorf("the invoice's events are\n\t%s\nwant\n\t%s", strings.Join(invoices, "\n\t"), strings.Join(crashStory, "\n\t"))
	}
	want := []string{
		"commerce.order.created pending_payment", "commerce.order.updated processing",
		"commerce.order.updated processing PROVIDER_PLACEMENT_SUBMITTED", "commerce.order.updated placed AWAITING_TRACKING",
	}
	if both := slices.Delete(slices.Clone(want), 1, 2); !slices.Equal(orders, want) && !slices.Equal(orders, both) { // settled before anybody looked
		s.Errorf("the order's events are\n\t%s\nwant\n\t%s", strings.Join(orders, "\n\t"), strings.Join(want, "\n\t"))
	}
	got, err := contracts.BalanceOf(s.Context(), s.chain.Client(), contracts.TestDollar, devchain.Merchant())
	if err != nil || got.Cmp(big.NewInt(13_990_000)) != 0 {
		s.Errorf("the merchant holds %s, %v", got, err)
	}
	if i := read[api.InvoiceStatus](s, s.ask("GET", "/api/v1/invoices/"+order.InvoiceID+"/status", "", testkit.Headers{"x-api-key", s.key})).Invoice; i.Status != "paid" || i.AmountPaid != i.Amount {
		s.Errorf("the invoice is %+v", i)
	}
}

// lethal chooses places to die at: before and after the provider or the chain is told to
// do something, and between commits. Of these every twenty-fourth, others on each engine, or all
// if PEPAY_TEST_CRASH_ALL is set. That nothing but reading lies between them is no reason
// to die twice: TestCrashAnywhere does.
func lethal(place string, postgres bool) bool {
	name, n, _ := strings.Cut(place, "#")
	if !strings.HasPrefix(name, commitPlace) {
		return strings.Contains(name, "Place") || strings.Contains(name, "Poll ") || strings.HasSuffix(name, "eth_sendRawTransaction")
	}
	at, _ := strconv.Atoi(n)
	return at%24 == map[bool]int{false: 1, true: 13}[postgres] || os.Getenv("PEPAY_TEST_CRASH_ALL") != ""
}

// However the process dies between an estimate and the goods being ordered, and wherever,
// it ends as if nothing had happened, for those who ask again what was not answered: one
// order, paid once, placed once, and every event told in its place.
func TestOrderCrashAnywhere(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		tell := func(s *orderScene, die string) {
			s.live(die)
			defer func() { s.end() }()
			s.check(s.buy())
		}
		s := newOrderScene(t, url)
		tell(s, "")
		places := slices.DeleteFunc(slices.Sorted(slices.Values(s.visited)), func(place string) bool { return !lethal(place, strings.HasPrefix(url, "postgres")) })
		t.Logf("%d places to die at, of %d", len(places), len(s.visited))
		for _, must := range []string{"before Place#1", "after Place#1", "before Poll 1#1", "after Poll 1#1", "before Poll 2#1", "after Poll 2#1"} {
			if !slices.Contains(places, must) {
				t.Errorf("nobody came to %s", must)
			}
		}
		for n, place := range places {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				t.Log(place)
				database := filepath.Join(t.TempDir(), "test.db")
				if strings.HasPrefix(url, "postgres") {
					database = testkit.Postgres(t)
				}
				tell(newOrderScene(t, database), place)
			})
		}
	})
}
