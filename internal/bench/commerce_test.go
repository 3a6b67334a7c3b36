package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/testkit"
)

// shop is commerce as a merchant's server asks for it.
type shop struct {
	*client
	key string
}

func (s shop) ask(path, body string) (v struct {
	Data struct{ EstimateID, AddressID, OrderID string }
}, err error,
) {
	answer, err := s.post("/api/commerce/"+path, body, "x-api-key", s.key, "Idempotency-Key", testkit.UUID())
	if err == nil {
		err = json.Unmarshal(answer, &v)
	}
	return v, err
}

func (s shop) estimate(i int) (string, error) {
	v, err := s.ask("merchant/checkout/estimate", fmt.Sprintf(`{"customer_id":"customer-%d","items":[{"productId":%q,"quantity":2}]}`, i, testkit.Dripper))
	return v.Data.EstimateID, err
}

// checkout makes an order, in three requests.
func (s shop) checkout(i int) (order string, err error) {
	estimate, err := s.estimate(i)
	if err != nil {
		return "", err
	}
	who := fmt.Sprintf(`{"customer_id":"customer-%d","estimateId":%q`, i, estimate)
	address, err := s.ask("merchant/checkout/address", who+`,"address":`+testkit.Shipping+`}`)
	if err != nil {
		return "", err
	}
	v, err := s.ask("merchant/checkout/invoice", fmt.Sprintf(`%s,"addressId":%q}`, who, address.Data.AddressID))
	return v.Data.OrderID, err
}

func shops(b *testing.B, a *testkit.App) (ss []shop) {
	b.Helper()
	for _, c := range dial(b, a.URL) {
		ss = append(ss, shop{c, a.Commerce})
	}
	return ss
}

// invoices returns how many plain invoices are created in a second: what an order is
// held against.
func invoices(b *testing.B, a *testkit.App) float64 {
	b.Helper()
	const n = 3_000
	cs := dial(b, a.URL)
	took, _ := at(b, clients, n, func(worker, _ int) error { return cs[worker].invoice(a) })
	return perSecond(n, took)
}

func BenchmarkEstimate(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		ss, plain := shops(b, a), invoices(b, a)
		const n = 6_000
		took, each := at(b, clients, n, func(worker, i int) error { _, err := ss[worker].estimate(i); return err })
		line{what: "estimates over HTTP, 16 clients", engine: engine, figure: perSecond(n, took), unit: "/s", versus: "invoices/s", than: plain, goal: "≥ 0.5", ofRatio: true}.print()
		line{what: "  one request, p99", engine: engine, figure: each.ms(99), unit: "ms", goal: "< 25"}.print()
	})
}

func BenchmarkCheckout(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		ss, plain := shops(b, a), invoices(b, a)
		const n = 3_000
		took, each := at(b, clients, n, func(worker, i int) error { _, err := ss[worker].checkout(i); return err })
		line{what: "checkouts of three requests, 16 clients", engine: engine, figure: perSecond(n, took), unit: "/s", versus: "invoices/s", than: plain, goal: "≥ 0.15", ofRatio: true}.print()
		line{what: "  all three, p99", engine: engine, figure: each.ms(99), unit: "ms", goal: "< 75"}.print()
	})
}

func BenchmarkSimulate(b *testing.B) {
	engines(b, func(b *testing.B, engine, url string) {
		a := testkit.StartApp(b, url, still)
		ss, plain := shops(b, a), invoices(b, a)
		const n = 1_000
		orders := make([]string, n)
		at(b, clients, n, func(worker, i int) (err error) { orders[i], err = ss[worker].checkout(i); return err })
		steps := []string{"payment_confirmed", "payment_settled", "placed", "shipped", "delivery_confirmed"}
		took, each := at(b, clients, n*len(steps), func(worker, i int) error { // an order's steps are n apart
			_, err := ss[worker].ask("devnet/orders/"+orders[i%n]+"/simulate", `{"transitionTo":"`+steps[i/n]+`"}`)
			return err
		})
		line{what: "steps of orders simulated, 16 clients", engine: engine, figure: perSecond(n*len(steps), took), unit: "/s", versus: "invoices/s", than: plain, goal: "≥ 0.3", ofRatio: true}.print()
		line{what: "  one request, p99", engine: engine, figure: each.ms(99), unit: "ms"}.print()
		o := testkit.Ask[api.Wrapped[api.Order]](b, "GET", a.URL+"/api/commerce/merchant/orders/"+orders[0], "", testkit.Headers{"x-api-key", a.Commerce}).Data
		if o.Status != "delivered" {
			b.Fatalf("an order is %s", o.Status)
		}
	})
}
