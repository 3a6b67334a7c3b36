package pay_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// orderGrid is what each fact makes of an order, for every state that it can be in: the
// status, then the substatus, the cancellation and the refund where they say something.
// A dash is a refusal with INVALID_TRANSITION, a code another one. docs/states.md shows
// the same table.
const orderGrid = `
| Fact | pending | processing | settled | placed | cancelling | kept | shipped | delivered | never paid | failed | cancelled | refunding | refunded | refund failed |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| paid | processing | - | - | - | - | - | - | - | - | - | - | - | - | - |
| expired | cancelled PAYMENT_EXPIRED | - | - | - | - | - | - | - | - | - | - | - | - | - |
| unwanted | cancelled | - | - | - | - | - | - | - | - | - | - | - | - | - |
| settled | - | processing PROVIDER_PLACEMENT_SUBMITTED | - | - | - | - | - | - | - | - | - | - | - | - |
| placed | - | - | placed AWAITING_TRACKING | - | - | - | - | - | - | - | - | - | - | - |
| tracked | - | - | - | shipped | shipped, cancellation rejected | shipped, cancellation rejected | - | - | - | - | - | - | - | - |
| delivered | - | - | - | - | - | - | delivered | - | - | - | - | - | - | - |
| failed | - | failed, refund PENDING to nobody yet | failed, refund PENDING to nobody yet | - | - | - | - | - | - | - | - | - | - | - |
| cancel_asked | cancelled | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | placed AWAITING_TRACKING, cancellation requested | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED | CANCELLATION_NOT_ALLOWED |
| cancel_refused | - | - | - | - | placed AWAITING_TRACKING, cancellation rejected | - | - | - | - | - | - | - | - | - |
| cancelled | - | - | - | cancelled, refund PENDING | cancelled, refund PENDING | cancelled, refund PENDING | - | - | - | - | - | - | - | - |
| destination | - | - | - | - | - | - | - | - | - | failed, refund PENDING | cancelled, refund PENDING | - | - | failed, refund PENDING |
| refund_sent | - | - | - | - | - | - | - | - | - | - | cancelled, refund PROCESSING | - | - | failed, refund PROCESSING |
| refunded | - | - | - | - | - | - | - | - | - | - | cancelled, refund COMPLETED | failed, refund COMPLETED | - | failed, refund COMPLETED |
| refund_failed | - | - | - | - | - | - | - | - | - | failed, refund FAILED to nobody yet | cancelled, refund FAILED | failed, refund FAILED | - | - |
`

// a path leads an order into a state.
var orderStates = []struct {
	name  string
	facts []pay.FactKind
	to    string // where a refund would go, said at checkout
}{
	{"pending", nil, ""},
	{"processing", []pay.FactKind{pay.FactPaid}, ""},
	{"settled", []pay.FactKind{pay.FactPaid, pay.FactSettled}, ""},
	{"placed", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced}, "0xB"},
	{"cancelling", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced, pay.FactCancelAsked}, "0xB"},
	{"kept", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced, pay.FactCancelAsked, pay.FactCancelRefused}, "0xB"},
	{"shipped", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced, pay.FactTracked}, "0xB"},
	{"delivered", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced, pay.FactTracked, pay.FactDelivered}, "0xB"},
	{"never paid", []pay.FactKind{pay.FactExpired}, "0xB"},
	{"failed", []pay.FactKind{pay.FactPaid, pay.FactFailed}, ""},
	{"cancelled", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced, pay.FactCancelled}, "0xB"},
	{"refunding", []pay.FactKind{pay.FactPaid, pay.FactFailed, pay.FactRefundSent}, "0xB"},
	{"refunded", []pay.FactKind{pay.FactPaid, pay.FactFailed, pay.FactRefundSent, pay.FactRefunded}, "0xB"},
	{"refund failed", []pay.FactKind{pay.FactPaid, pay.FactFailed, pay.FactRefundSent, pay.FactRefundFailed}, "0xB"},
}

func newOrder(to string) pay.Order {
	terms := pay.DefaultTerms()
	e := pay.Estimate{ID: "e", MerchantID: 7, Environment: pay.Devnet, Lines: []pay.OrderLine{{ProductID: "p", Retailer: "amazon", Quantity: 1, Price: 9_99 * money.Cent}}}
	e.Pricing = terms.Price(e.Lines)
	o := pay.NewOrder("o", e, pay.ShippingAddress{}, start)
	o.Refund.Destination = to
	return o
}

// fact is a fact of a kind with all that is said of such.
func fact(k pay.FactKind) pay.Fact {
	f := pay.Fact{Kind: k, TxHash: "0x" + string(k)}
	switch k { //nolint:exhaustive // the others say nothing more
	case pay.FactPaid:
		f.Wallet, f.Network = "0xA", "ethereum"
	case pay.FactSettled:
		f.Network = "ethereum"
	case pay.FactTracked, pay.FactDelivered:
		f.Shipments = []pay.Shipment{{ID: "ship_1", Number: "1Z", DeliveryStatus: "In Transit"}}
	case pay.FactDestination:
		f.Wallet = "0xC"
	}
	return f
}

func led(t *testing.T, to string, facts []pay.FactKind) pay.Order {
	t.Helper()
	o := newOrder(to)
	for n, k := range facts {
		var err error
		if o, err = o.Next(fact(k), start.Add(time.Duration(n+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// said is an order in a cell of the grid.
func said(o pay.Order) string {
	s := string(o.Status)
	if o.Substatus != "" {
		s += " " + o.Substatus
	}
	if o.Status == pay.OrderProcessing && o.Payment.Settled && o.Substatus == "" {
		s += " settled"
	}
	if o.Cancellation != pay.CancelNone && (o.Status != pay.OrderCancelled || o.Cancellation != pay.CancelDone) {
		s += ", cancellation " + string(o.Cancellation)
	}
	if o.Refund.Status != pay.RefundNone {
		s += ", refund " + string(o.Refund.Status)
		if o.Refund.Destination == "" {
			s += " to nobody yet"
		}
	}
	return s
}

func TestOrderGrid(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\n| Fact |")
	for _, s := range orderStates {
		fmt.Fprintf(&b, " %s |", s.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(orderStates)) + "\n")
	for _, k := range pay.Facts {
		fmt.Fprintf(&b, "| %s |", k)
		for _, s := range orderStates {
			before := led(t, s.to, s.facts)
			was := led(t, s.to, s.facts)
			after, err := before.Next(fact(k), start.Add(time.Hour))
			if !reflect.DeepEqual(before, was) {
				t.Errorf("%s of %s: the order before was changed", k, s.name)
			}
			cell := said(after)
			if err != nil {
				if cell = string(pay.CodeOf(err)); cell == string(pay.CodeTransition) {
					cell = "-"
				}
				if !reflect.DeepEqual(after, before) {
					t.Errorf("%s of %s: refused, and yet changed", k, s.name)
				}
			} else if after.UpdatedAt != start.Add(time.Hour) {
				t.Errorf("%s of %s: no new time", k, s.name)
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	if b.String() != orderGrid {
		t.Errorf("the grid is now:\n%s", b.String())
	}
	doc, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), orderGrid) {
		t.Error("docs/states.md has another grid of orders")
	}
}

// Whatever facts come in whatever order, what was decided stays decided: a timeline only
// grows, a final status is final, and the money is in one place.
func TestOrdersKeepTheirWord(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := newOrder([]string{"", "0xB"}[r.IntN(2)])
		for step := range 40 {
			before, k := o, pay.Facts[r.IntN(len(pay.Facts))]
			after, err := o.Next(fact(k), start.Add(time.Duration(step)*time.Minute))
			if err == nil {
				if _, twice := after.Next(fact(k), start.Add(time.Duration(step+1)*time.Minute)); twice == nil {
					t.Fatalf("seed %d: %s twice", seed, k)
				}
				o = after
			}
			final := before.Status == pay.OrderCancelled || before.Status == pay.OrderFailed || before.Status == pay.OrderDelivered
			switch {
			case len(o.Timeline) < len(before.Timeline):
				t.Fatalf("seed %d: %s shortened the timeline", seed, k)
			case final && o.Status != before.Status:
				t.Fatalf("seed %d: %s moved an order out of %s", seed, k, before.Status)
			case before.Refund.Status == pay.RefundCompleted && o.Refund != before.Refund:
				t.Fatalf("seed %d: %s changed a refund that was paid", seed, k)
			case before.Refund.Status == pay.RefundProcessing && o.Refund.Destination != before.Refund.Destination:
				t.Fatalf("seed %d: %s sent a refund elsewhere under way", seed, k)
			case o.Refund.Status != pay.RefundNone && (!o.Payment.Paid || o.Status != pay.OrderCancelled && o.Status != pay.OrderFailed):
				t.Fatalf("seed %d: %s owes a refund of an order that is %s", seed, k, o.Status)
			case o.Status == pay.OrderPlaced && !o.Payment.Settled:
				t.Fatalf("seed %d: %s placed an order whose money had not come", seed, k)
			case (o.Status == pay.OrderShipped || o.Status == pay.OrderDelivered) && len(o.Shipments) == 0:
				t.Fatalf("seed %d: %s shipped nothing", seed, k)
			}
		}
	}
}

func TestPricing(t *testing.T) {
	t.Parallel()
	line := func(price, shipping money.USD, quantity int) pay.OrderLine {
		return pay.OrderLine{Price: price, Shipping: shipping, Quantity: quantity}
	}
	terms := pay.DefaultTerms()
	rate := terms
	rate.FeeRate = 250
	taxed := terms
	taxed.TaxRate = 825
	for _, c := range []struct {
		name  string
		terms pay.Terms
		lines []pay.OrderLine
		want  string
	}{
		{"nothing", terms, nil, "0 + 0 + 0 + 0 = 0"},
		{"the contract's example", terms, []pay.OrderLine{line(9_99*money.Cent, 0, 1)}, "9.99 + 1 + 0 + 3 = 13.99"},
		{"two lines", terms, []pay.OrderLine{line(9_99*money.Cent, 0, 2), line(1*money.Cent, 0, 99)}, "20.97 + 1 + 0 + 3 = 24.97"},
		{"an offer with shipping", terms, []pay.OrderLine{line(10_00*money.Cent, 4_50*money.Cent, 3)}, "30 + 5.5 + 0 + 3 = 38.5"},
		{"sales tax, rounded up to the cent", taxed, []pay.OrderLine{line(9_99*money.Cent, 0, 1)}, "9.99 + 1 + 0.83 + 3 = 14.82"},
		{"the most that anybody can want", rate, slices.Repeat([]pay.OrderLine{line(pay.MaxAmount, pay.MaxAmount, 99)}, pay.MaxCartItems), "4950000000 + 50000001 + 0 + 123750003 = 5123750004"},
		{"a share, rounded up to the cent", rate, []pay.OrderLine{line(9_99*money.Cent, 0, 1)}, "9.99 + 1 + 0 + 3.25 = 14.24"},
	} {
		p := c.terms.Price(c.lines)
		got := fmt.Sprintf("%s + %s + %s + %s = %s", p.Subtotal.Number(), p.Shipping.Number(), p.Tax.Number(), p.Fee.Number(), p.Total.Number())
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBestOffer(t *testing.T) {
	t.Parallel()
	good := pay.Offer{ID: "good", Price: 10_00 * money.Cent, Prime: true, Condition: pay.New, HandlingMax: 2, DeliveryDays: 10, Available: true}
	with := func(id string, change func(*pay.Offer)) pay.Offer {
		o := good
		o.ID = id
		change(&o)
		return o
	}
	for _, c := range []struct {
		name   string
		offers []pay.Offer
		want   string
	}{
		{"none", nil, ""},
		{"one", []pay.Offer{good}, "good"},
		{"used", []pay.Offer{with("x", func(o *pay.Offer) { o.Condition = "Used - Good" })}, ""},
		{"neither prime nor fulfilled", []pay.Offer{with("x", func(o *pay.Offer) { o.Prime = false })}, ""},
		{"fulfilled", []pay.Offer{with("x", func(o *pay.Offer) { o.Prime, o.Fulfilled = false, true })}, "x"},
		{"a day too late", []pay.Offer{with("x", func(o *pay.Offer) { o.DeliveryDays = 11 })}, ""},
		{"from abroad", []pay.Offer{with("x", func(o *pay.Offer) { o.International = true })}, ""},
		{"gone", []pay.Offer{with("x", func(o *pay.Offer) { o.Available = false })}, ""},
		{"dearer than anything", []pay.Offer{with("x", func(o *pay.Offer) { o.Price = pay.MaxAmount + 1 })}, ""},
		{"dearer than can be added up", []pay.Offer{with("x", func(o *pay.Offer) { o.Price = math.MaxInt64 })}, ""},
		{"shipped for more than anything", []pay.Offer{with("x", func(o *pay.Offer) { o.Shipping = pay.MaxAmount + 1 })}, ""},
		{"money for shipping it", []pay.Offer{with("x", func(o *pay.Offer) { o.Shipping = -1 })}, ""},
		{"free", []pay.Offer{with("x", func(o *pay.Offer) { o.Price = 0 })}, ""},
		{"the cheaper in all", []pay.Offer{good, with("x", func(o *pay.Offer) { o.Price, o.Shipping = 9_00*money.Cent, 1_50*money.Cent }), with("y", func(o *pay.Offer) { o.Price = 9_99 * money.Cent })}, "y"},
		{"prime first", []pay.Offer{with("x", func(o *pay.Offer) { o.Prime, o.Fulfilled = false, true }), good}, "good"},
		{"then the sooner", []pay.Offer{good, with("x", func(o *pay.Offer) { o.HandlingMax = 1 })}, "x"},
		{"a cheap one that will not do", []pay.Offer{with("x", func(o *pay.Offer) { o.Price, o.Condition = 1_00*money.Cent, "Refurbished" }), good}, "good"},
	} {
		if got, ok := pay.Best(c.offers, 10); got.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.name, got.ID, c.want)
		}
	}
}

// A provider is asked often while there may be news, and rarely when there is none.
func TestNextLook(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	at := time.Unix(1_800_000_000, 0)
	for age, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, 300 * time.Millisecond: 300 * time.Millisecond, time.Second: time.Second, 30 * time.Second: 2 * time.Second,
		time.Minute: 3 * time.Second, time.Hour: 3 * time.Minute, 3 * day: 216 * time.Minute, 100 * day: 6 * time.Hour, -time.Hour: 100 * time.Millisecond,
	} {
		if got := (pay.Order{UpdatedAt: at}).NextLook(at.Add(age)).Sub(at.Add(age)); got != want {
			t.Errorf("after %s: in %s, want %s", age, got, want)
		}
	}
}

// What is said of an order's money is what pays its invoice: what anybody sends besides
// neither names the payor, nor a refund's destination, nor keeps the order waiting.
func TestMoneyFacts(t *testing.T) {
	t.Parallel()
	i := pay.Invoice{Status: pay.Paid, Amount: 10_00 * money.Cent, PayerAddress: "0xD", PayerNetwork: "bsc"}
	paid := func(from string, cents money.USD, to pay.SettlementStatus) pay.Payment {
		p := pay.Payment{ID: from, Status: pay.PaymentConfirmed, Amount: cents * money.Cent, Settlement: pay.Settlement{Status: to, TxHash: "swept " + from}}
		p.Network, p.From, p.TxHash = "bsc", from, "of "+from
		return p
	}
	const settled, manual, pending = pay.SettlementSettled, pay.SettlementManual, pay.SettlementPending
	late := paid("0xL", 10_00, pending)
	late.Status = pay.PaymentManualRetry
	for name, c := range map[string]struct {
		ps   []pay.Payment
		want string
	}{
		"one":                              {[]pay.Payment{paid("0xA", 10_00, pending)}, "paid of 0xA by 0xA"},
		"one, settled":                     {[]pay.Payment{paid("0xA", 10_00, settled)}, "paid of 0xA by 0xA, settled swept 0xA"},
		"two parts":                        {[]pay.Payment{paid("0xA", 6_00, settled), paid("0xB", 4_00, pending)}, "paid of 0xB by 0xB"},
		"two parts, settled":               {[]pay.Payment{paid("0xA", 6_00, settled), paid("0xB", 4_00, settled)}, "paid of 0xB by 0xB, settled swept 0xB"},
		"too late":                         {[]pay.Payment{late, paid("0xA", 10_00, settled)}, "paid of 0xA by 0xA, settled swept 0xA"},
		"dust after it":                    {[]pay.Payment{paid("0xA", 10_00, pending), paid("0xD", 1, settled)}, "paid of 0xA by 0xA"},
		"dust after it, that nobody moves": {[]pay.Payment{paid("0xA", 10_00, settled), paid("0xD", 1, manual)}, "paid of 0xA by 0xA, settled swept 0xA"},
	} {
		var got []string
		for _, f := range pay.MoneyFacts(i, c.ps) {
			if s := string(f.Kind) + " " + f.TxHash; f.Kind == pay.FactPaid {
				got = append(got, s+" by "+f.Wallet)
			} else {
				got = append(got, s)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// A parcel that is told of twice in one breath is news once.
func TestParcelsToldTwice(t *testing.T) {
	t.Parallel()
	o := led(t, "", []pay.FactKind{pay.FactPaid, pay.FactSettled, pay.FactPlaced})
	f := pay.Fact{Kind: pay.FactTracked, Shipments: []pay.Shipment{{ID: "1"}, {ID: "1", Number: "7"}}}
	o, err := o.Next(f, start)
	if err != nil || len(o.Shipments) != 1 || o.Shipments[0].Number != "7" {
		t.Fatalf("%+v, %v", o.Shipments, err)
	}
	if _, err := o.Next(f, start.Add(time.Hour)); pay.CodeOf(err) != pay.CodeTransition {
		t.Errorf("again: %v", err)
	}
}
