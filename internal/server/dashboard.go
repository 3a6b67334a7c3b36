package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
	"github.com/pepay/pepay/internal/store"
)

// dashboardRoutes are there in development only: they act as the merchant for whoever
// sits at the machine.
func (s *Server) dashboardRoutes() []route {
	if s.TestWallet == nil {
		return nil
	}
	return []route{
		{"GET /{$}", openFace, nil, s.atHome(s.dashboard)},
		{"POST /{$}", openFace, nil, s.atHome(s.dashboardInvoice)},
	}
}

// atHome admits a browser on this machine that is shown our own page: not another
// host, not another site's form, and no other name for this address, which a site
// could have made for itself. It acts as the merchant, or as who is signed in where the
// request says who that is.
func (s *Server) atHome(h func(http.ResponseWriter, *http.Request, billing.Caller) error) http.HandlerFunc {
	sameOrigin := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch {
		case s.DashboardKey == nil || !loopback(r.RemoteAddr) || !loopback(r.Host) || r.Header.Get("X-Forwarded-For")+r.Header.Get("Forwarded") != "":
			err = pay.Errorf(pay.CodeForbidden, "The dashboard is for this machine only: open it as http://127.0.0.1 or http://localhost, without a proxy")
		case sameOrigin.Check(r) != nil:
			err = pay.Errorf(pay.CodeForbidden, "Another site may not use the dashboard")
		}
		var c billing.Caller
		switch {
		case err != nil:
		case r.Header.Get("Authorization") != "":
			c, err = s.person(r)
		default:
			c, err = s.Billing.ByKey(r.Context(), s.DashboardKey())
		}
		if err == nil {
			err = h(w, r, c)
		}
		if err != nil {
			s.write(w, r, openFace, nil, err)
		}
	}
}

// loopback reports whether an address, with or without a port, is this machine's own.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// dashboardLength is how many invoices the dashboard shows, and how many payments.
const dashboardLength = 8

func (s *Server) dashboard(w http.ResponseWriter, r *http.Request, c billing.Caller) error {
	d, err := s.dashboardData(r, c)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := web.Dashboard(&b, d); err != nil {
		return err
	}
	writeHTML(w, http.StatusOK, "same-origin", &b) // with no referrer at all, older browsers hide where a form comes from
	return nil
}

func (s *Server) dashboardData(r *http.Request, c billing.Caller) (d web.DashboardData, err error) {
	page, _, err := s.Billing.Invoices(r.Context(), c, store.InvoiceFilter{}, billing.Page{Limit: dashboardLength}, false)
	if err != nil {
		return d, err
	}
	uncounted, more, err := s.Billing.Uncounted(r.Context(), c, dashboardLength)
	if err != nil {
		return d, err
	}
	endpoints, err := s.Billing.Endpoints(r.Context(), c)
	d = web.DashboardData{Merchant: c.Merchant.Name, URL: s.Billing.BaseURL, Endpoints: len(endpoints), Writes: c.MayWrite() == nil, More: more}
	if !c.Person() { // the key is not for everybody who may look
		d.Key = s.DashboardKey()
	}
	for _, i := range page {
		d.Invoices = append(d.Invoices, web.DashboardInvoice{
			ID: i.ID, Title: i.Title, Description: i.Description, Status: string(i.Status), Amount: i.Amount.Cents(), Paid: i.Paid.Cents(),
			Age: s.Now().Sub(i.CreatedAt),
		})
	}
	for _, u := range uncounted {
		d.Payments = append(d.Payments, s.dashboardPayment(u))
	}
	return d, err
}

func (s *Server) dashboardPayment(u billing.Uncounted) web.DashboardPayment {
	came, _ := s.Billing.Registry.Token(u.TokenID)
	asked, _ := s.Billing.Registry.Token(u.AskedID)
	p := web.DashboardPayment{
		ID: u.ID, Invoice: web.DashboardInvoice{ID: u.InvoiceID, Title: u.Invoice.Title, Description: u.Invoice.Description, Status: string(u.Invoice.Status), Amount: u.Invoice.Amount.Cents()},
		Reason: u.Reason, Tokens: u.Units.Decimal(came.Decimals), Symbol: came.Symbol, Network: u.Network.Title(), Asked: asked.Symbol, AskedOn: cmp.Or(u.Expected, u.Network).Title(),
		Settlement: string(u.Settlement.Status), Hindrance: u.Settlement.Reason, Stays: u.Invoice.Status.Open() && !u.Stray(),
	}
	if u.Priced() {
		p.Worth = u.Payment.Amount.Cents()
	}
	return p
}

// dashboardInvoice opens an invoice and leads to its payment page.
func (s *Server) dashboardInvoice(w http.ResponseWriter, r *http.Request, c billing.Caller) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	amount, text := api.Number(r.PostFormValue("amount")), r.PostFormValue("description")
	id := pay.CauseOf(r.Context()).RequestID
	answer, err := s.Billing.Open(r.Context(), c, api.CreateInvoiceRequest{AmountUSD: &amount, Description: &text}, billing.Once{Key: "dashboard " + id, Hash: id})
	if err != nil {
		return err
	}
	var made api.CreatedInvoice
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	q := url.Values{"session": {made.SessionToken}, "signature": {made.Signature}}
	http.Redirect(w, r, "/pay?"+q.Encode(), http.StatusSeeOther)
	return nil
}
