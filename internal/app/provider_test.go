package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const shortLease = time.Second

// fault is how a provider goes wrong with an order, by how often it was asked before.
type fault struct {
	place func(ctx context.Context, n int) error // told after the placement was taken down
	name  func(n int) string                     // what else it calls the request
	poll  func(n int) (retail.Progress, error)
	ends  string // the order's status; "" for placed
}

// fickle is the catalog with a fault for each order: that of its first line's quantity.
type fickle struct {
	retail.Provider
	faults map[int]fault

	mu    sync.Mutex
	asked map[string][]string // each placement as it was asked for, by its key
	of    map[string]fault    // by the request's name
	polls map[string]int
}

func newFickle(faults map[int]fault) *fickle {
	return &fickle{Provider: catalog.New(), faults: faults, asked: map[string][]string{}, of: map[string]fault{}, polls: map[string]int{}}
}

func (p *fickle) Place(ctx context.Context, in retail.Placement) (string, error) {
	request, err := p.Provider.Place(ctx, in)
	if err != nil {
		return "", err
	}
	f := p.faults[in.Lines[0].Quantity]
	line, err := json.Marshal(in)
	p.mu.Lock()
	n := len(p.asked[in.Key])
	p.asked[in.Key] = append(p.asked[in.Key], string(line))
	if f.name != nil {
		request = f.name(n) + request
	}
	p.of[request] = f
	p.mu.Unlock()
	if f.place != nil && err == nil {
		err = f.place(ctx, n)
	}
	return request, err
}

func (p *fickle) Poll(ctx context.Context, request string) (retail.Progress, error) {
	p.mu.Lock()
	n, f := p.polls[request], p.of[request]
	p.polls[request]++
	p.mu.Unlock()
	if f.poll != nil {
		return f.poll(n)
	}
	return p.Provider.Poll(ctx, request)
}

// market is a deployment whose orders are paid and settled by a word of ours: of one node
// on SQLite, and of two on PostgreSQL.
type market struct {
	*testkit.App
	nodes []*app.App
	book  billing.Book
	last  pay.Block
}

func newMarket(t *testing.T, url string, p retail.Provider) *market {
	t.Helper()
	change := func(o *app.Options) {
		o.Networks[0].Poll, o.Networks[0].Relayer, o.Lease = time.Hour, nil, shortLease
		o.Providers[pay.Devnet] = p
	}
	m := &market{App: testkit.StartApp(t, url, change)}
	m.nodes = []*app.App{m.App.App}
	m.book = billing.Book{Billing: m.Billing, Network: m.Networks[0].Network}
	head, err := m.Chain.Client().BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the watcher rests", func() bool {
		m.last, _, _ = m.book.Position(t.Context())
		return m.last.Hash != "" && m.last.Height == head
	})
	if strings.HasPrefix(url, "postgres") {
		o := testkit.OptionsAt(url, m.Chain.URL())
		change(&o)
		m.nodes = append(m.nodes, testkit.Run(t, o))
	}
	return m
}

// order makes an order of so many things.
func (m *market) order(t *testing.T, quantity int) api.CheckoutInvoice {
	t.Helper()
	step := func(name, fields string) (v api.Wrapped[struct {
		api.CheckoutInvoice
		EstimateID, AddressID string
	}],
	) {
		status, b := testkit.Fetch(t, "POST", m.URL+"/api/commerce/merchant/checkout/"+name, `{"customer_id":"cust_1",`+fields+`}`, testkit.Headers{"x-api-key", m.Commerce})
		if err := json.Unmarshal(b, &v); err != nil || status != 200 {
			t.Errorf("%s: %d %s", name, status, b)
		}
		return v
	}
	e := step("estimate", fmt.Sprintf(`"items":[{"productId":%q,"quantity":%d}]`, testkit.Dripper, quantity)).Data.EstimateID
	to := step("address", fmt.Sprintf(`"estimateId":%q,"address":%s`, e, testkit.Shipping)).Data.AddressID
	return step("invoice", fmt.Sprintf(`"estimateId":%q,"addressId":%q`, e, to)).Data.CheckoutInvoice
}

// pay pays orders in one block, and settles them at once.
func (m *market) pay(t *testing.T, orders ...api.CheckoutInvoice) {
	t.Helper()
	m.last = pay.Block{Height: m.last.Height + 1, Hash: fmt.Sprintf("0x%064x", m.last.Height+1), Time: time.Now().Truncate(time.Second)}
	found := chain.Found{Last: m.last, Blocks: 1}
	for n, o := range orders {
		s, err := m.Billing.BySession(t.Context(), o.Session, o.Signature)
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Billing.Allocate(t.Context(), s, pay.Devchain.Name, testkit.Dollar)
		if err != nil {
			t.Fatal(err)
		}
		found.Deposits = append(found.Deposits, pay.Deposit{
			Network: m.book.Network.Name, TxHash: fmt.Sprintf("0x%063x%x", n+1, m.last.Height%16), Index: n, Block: m.last, Address: a.Address.Address,
			Token: contracts.TestDollar.Hex(), Units: a.Quote.Units, From: "0x0000000000000000000000000000000000000001",
		})
	}
	err := m.book.See(t.Context(), found)
	if err == nil {
		err = m.book.Finalize(t.Context(), m.last)
	}
	for _, o := range orders {
		if err == nil {
			err = m.settle(t, o.InvoiceID)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m *market) settle(t *testing.T, invoice string) error {
	return m.Store.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InvoiceForUpdate(invoice); err != nil {
			return err
		}
		ps, err := tx.PaymentsOf(invoice)
		if err != nil {
			return err
		}
		return m.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
			return pay.Settlement{ID: v.ID, Status: pay.SettlementSettled, TxHash: "0x5e77", At: tx.Now()}
		})
	})
}

// told is an order's statuses, as its events tell them.
func (m *market) told(t *testing.T, order string) (all []string) {
	t.Helper()
	var es []pay.Event
	if err := m.Store.Look(t.Context(), func(tx *store.Tx) (err error) {
		es, err = tx.Events(store.EventFilter{MerchantID: m.Merchant.ID, OrderID: order, Types: []string{"commerce.order.*"}, Oldest: true, Limit: 100})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		var o api.Order
		if err := json.Unmarshal(e.Object, &o); err != nil {
			t.Fatal(err)
		}
		if all = append(all, o.Status); o.Substatus != nil {
			all[len(all)-1] += " " + *o.Substatus
		}
	}
	return all
}

// holds fails the test unless an order was placed at most once, its invoice is paid and
// settled, and nothing was told twice.
func (m *market) holds(t *testing.T, p *fickle, o api.CheckoutInvoice) {
	t.Helper()
	p.mu.Lock()
	asked := slices.Compact(slices.Clone(p.asked[o.OrderID]))
	p.mu.Unlock()
	if len(asked) != 1 {
		t.Errorf("the provider was asked for\n%s", strings.Join(asked, "\n"))
	}
	status := m.Status(o.InvoiceID)
	if status.Invoice.Status != "paid" || status.LatestPayment.SettlementStatus != "settled" {
		t.Errorf("the invoice is %s, its payment %+v", status.Invoice.Status, status.LatestPayment)
	}
	told := m.told(t, o.OrderID)
	if slices.Sort(told); len(slices.Compact(slices.Clone(told))) != len(told) {
		t.Errorf("told twice: %q", told)
	}
}

// Whatever a provider does with one order, the others go on, nothing is ordered twice,
// and what was paid is paid.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	first := func(n int, err error) error {
		if n == 0 {
			return err
		}
		return nil
	}
	faults := map[string]fault{
		"down for a while":           {place: func(_ context.Context, n int) error { return first(n/2, retail.ErrUnavailable) }},
		"an error after it was done": {place: func(_ context.Context, n int) error { return first(n, errors.New("connection reset by peer")) }},
		"no answer": {place: func(ctx context.Context, n int) error {
			if n == 0 {
				<-ctx.Done()
			}
			return first(n, ctx.Err())
		}},
		"an answer long after the lease": {place: func(_ context.Context, n int) error {
			if n == 0 {
				<-time.After(3 * shortLease)
			}
			return nil
		}},
		"a panic": {place: func(_ context.Context, n int) error {
			if n == 0 {
				panic("a mistake of ours")
			}
			return nil
		}},
		"now placed, now not": {poll: func(n int) (retail.Progress, error) {
			return retail.Progress{Stage: []retail.Stage{retail.Working, retail.Placed}[n%2]}, nil
		}},
		"no such request, at first": {poll: func(n int) (retail.Progress, error) {
			return retail.Progress{Stage: retail.Placed}, first(n, retail.ErrNotFound)
		}},
		"nonsense": {poll: func(n int) (retail.Progress, error) {
			ss := []pay.Shipment{{}, {}, {ID: "a\x00b", Carrier: "ß", URL: strings.Repeat("x", 10_000)}, {ID: "1"}, {ID: "1", Number: "7"}}
			return []retail.Progress{
				{Stage: "lost"}, {}, {Stage: retail.Working, Delivered: true, Shipments: ss}, {Stage: retail.Placed, Delivered: true}, {Stage: retail.Placed, Shipments: ss, CancelRefused: true},
			}[min(n, 4)], nil
		}, ends: "shipped"},
		"errors for ever":   {place: func(context.Context, int) error { return errors.New("no") }, ends: "processing"},
		"panics for ever":   {poll: func(int) (retail.Progress, error) { panic("no") }, ends: "processing"},
		"is at it for ever": {poll: func(int) (retail.Progress, error) { return retail.Progress{Stage: retail.Working}, nil }, ends: "processing"},
		"hangs for ever":    {place: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }, ends: "processing"},
		"fails after a while": {poll: func(n int) (retail.Progress, error) {
			return retail.Progress{Stage: []retail.Stage{retail.Working, retail.Failed}[min(n, 1)]}, nil
		}, ends: "failed"},
		"nothing out of order": {},
	}
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		names, byQuantity := []string{""}, map[int]fault{}
		for name, f := range faults {
			byQuantity[len(names)] = f
			names = append(names, name)
		}
		p := newFickle(byQuantity)
		m := newMarket(t, url, p)
		var orders []api.CheckoutInvoice
		for n := range names[1:] {
			orders = append(orders, m.order(t, n+1))
		}
		m.pay(t, orders...)
		s := m.Shopper("cust_1")
		for n, o := range orders {
			f := byQuantity[n+1]
			if f.ends == "" {
				f.ends = "placed"
			}
			testkit.Eventually(t, names[n+1]+": the order is "+f.ends, func() bool { return s.See(o.OrderID).Status == f.ends })
			if m.holds(t, p, o); t.Failed() {
				t.Fatal(names[n+1])
			}
		}
		late := m.order(t, 1+slices.Index(names[1:], "nothing out of order"))
		m.pay(t, late)
		testkit.Eventually(t, "a new order is placed, whatever the others do", func() bool { return s.See(late.OrderID).Status == "placed" })
	})
}

// Of two who place an order at the same time, the slower keeps to the name that the other
// was told: what has it is what can be asked about.
func TestFirstNameStays(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		slow, answer := make(chan struct{}), make(chan struct{})
		p := newFickle(map[int]fault{1: {
			place: func(_ context.Context, n int) error {
				if n == 0 {
					close(slow)
					<-answer
				}
				return nil
			},
			name: func(n int) string { return []string{"slow ", "quick "}[min(n, 1)] },
			poll: func(int) (retail.Progress, error) { return retail.Progress{Stage: retail.Working}, nil },
		}})
		m := newMarket(t, url, p)
		o := m.order(t, 1)
		m.pay(t, o)
		<-slow
		if _, err := m.nodes[0].Commerce.Advance(t.Context(), o.OrderID); err != nil {
			t.Fatal(err)
		}
		close(answer)
		testkit.Eventually(t, "both have asked how it is", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.polls["quick catalog:"+o.OrderID] > 1
		})
		m.holds(t, p, o)
		if p.mu.Lock(); p.polls["slow catalog:"+o.OrderID] > 0 {
			t.Error("the name that stays was written over")
		}
		p.mu.Unlock()
	})
}

// A hundred orders that are paid in one block are all placed, once each, though whoever
// can takes all of them further at the same time.
func TestHundredOrders(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		p := newFickle(nil)
		m := newMarket(t, url, p)
		orders := make([]api.CheckoutInvoice, 100)
		var g errgroup.Group
		g.SetLimit(8)
		for n := range orders {
			g.Go(func() error { orders[n] = m.order(t, 1); return nil })
		}
		_ = g.Wait()
		m.pay(t, orders...)
		for _, o := range orders {
			for _, node := range m.nodes {
				g.Go(func() error { _, err := node.Commerce.Advance(context.Background(), o.OrderID); return err })
			}
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		for _, o := range orders {
			testkit.Eventually(t, "all are placed", func() bool {
				told := m.told(t, o.OrderID)
				return len(told) > 0 && told[len(told)-1] == "placed AWAITING_TRACKING"
			})
			m.holds(t, p, o)
		}
	})
}
