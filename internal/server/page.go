package server

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
	"github.com/pepay/pepay/internal/view"
)

func (s *Server) pageRoutes() []route {
	routes := []route{
		{"GET /pay", openFace, nil, s.page},
		{"GET /pay/assets/", openFace, nil, web.Assets().ServeHTTP},
		{"GET /pay/state", payorFace, bySession((*Server).pageState), nil},
		{"POST /pay/address", payorFace, bySession((*Server).pageAddress), nil},
	}
	if s.TestWallet != nil {
		routes = append(routes, route{"POST /pay/test-wallet", payorFace, bySession((*Server).payFromTestWallet), nil})
	}
	return routes
}

// page renders the hosted payment page. Its address carries the session, so nobody
// may keep it or be told of it.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	status, data, q := http.StatusOK, web.PageData{}, r.URL.Query()
	if q.Has("session") || q.Has("signature") {
		session, err := s.Billing.BySession(r.Context(), q.Get("session"), q.Get("signature"))
		if err == nil {
			data, err = s.pageData(r, session)
		}
		if err != nil {
			status, _ = s.failure(w, r, openFace, err)
			data.State.Status = "invalid"
		}
	}
	var b bytes.Buffer
	if err := web.Page(&b, data); err != nil {
		s.write(w, r, openFace, nil, err)
		return
	}
	writeHTML(w, status, "no-referrer", &b)
}

// writeHTML sends a document that runs and fetches nothing but our own.
func writeHTML(w http.ResponseWriter, status int, referrer string, b *bytes.Buffer) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", web.CSP)
	h.Set("Referrer-Policy", referrer)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the reader is gone: nothing to be done
}

func (s *Server) pageData(r *http.Request, p billing.Session) (web.PageData, error) {
	g, err := s.Billing.Progress(r.Context(), p)
	d := web.PageData{
		Merchant: p.Merchant.Name, Title: p.Invoice.Title, Description: p.Invoice.Description, Footer: p.Invoice.Footer, Currency: "USD",
		Dev: s.TestWallet != nil, State: s.state(g),
	}
	if p.Invoice.Environment != pay.Mainnet {
		d.Environment = string(p.Invoice.Environment)
	}
	if err != nil {
		return d, err
	}
	if p.Invoice.Questions != "" && p.Invoice.Status.Open() {
		v, err := s.Billing.Answered(r.Context(), p)
		if err != nil {
			return d, err
		}
		d.Form = asked(v)
	}
	ts, err := s.Billing.Tokens(r.Context(), p, billing.TokenFilter{})
	if err != nil {
		return d, err
	}
	routed, err := s.Billing.Routed(r.Context(), p, ts)
	for _, t := range ts {
		if !routed[t.Network.Family()] {
			continue
		}
		n, _ := s.Billing.Registry.Network(t.Network)
		d.Tokens = append(d.Tokens, web.Token{
			ID: strconv.FormatInt(t.ID, 10), Symbol: t.Symbol, Name: t.Name, Network: string(t.Network), NetworkName: t.Network.Title(), Simulated: n.Simulated,
		})
	}
	return d, err
}

// asked is what the page asks: the merchant's questions and, unless one of them is for
// that, an address to write to. An address that is there can be changed, not taken back.
func asked(v api.InvoiceAnswers) web.Form {
	f, mail := web.Form{Answered: v.SubmittedAt != nil}, false
	for _, a := range v.Answers {
		one := web.Field{ID: a.QuestionID, Label: a.Question, Type: a.Type, Required: a.Required}
		if a.Response != nil {
			one.Value = *a.Response
		}
		f.Fields, mail = append(f.Fields, one), mail || one.Kind() == "email"
	}
	if !mail {
		one := web.Field{Label: "Your email address", Type: "email", Required: v.CustomerEmail != nil}
		if v.CustomerEmail != nil {
			one.Value = *v.CustomerEmail
		}
		f.Fields = append(f.Fields, one)
	}
	return f
}

func (s *Server) pageState(r *http.Request, p billing.Session) (any, error) {
	g, err := s.Billing.Progress(r.Context(), p)
	return s.state(g), err
}

func (s *Server) state(g billing.Progress) web.State {
	i := g.Invoice
	v := web.State{
		Status: string(i.Status), AmountUSD: i.Amount.Cents(), AmountPaidUSD: i.Paid.Cents(), AmountRemainingUSD: i.Remaining().Cents(),
		ExpiresAt: i.ExpiresAt.Unix(), ServerTime: g.Now.Unix(), ReturnURL: i.ReturnURL, Payments: []web.Payment{},
	}
	if !i.PaidAt.IsZero() {
		at := i.PaidAt.Unix()
		v.PaidAt = &at
	}
	if a := g.Address; a.Address != "" {
		v.Locked = &web.Lock{Network: string(a.Network), TokenID: strconv.FormatInt(a.TokenID, 10), Address: a.Address}
	}
	for n, p := range s.payments(g.Payments) {
		expected := ""
		if was := g.Payments[n]; was.Stray() && was.Sight != pay.Gone {
			expected = was.Expected.Title()
		}
		v.Payments = append(v.Payments, web.Payment{
			ID: p.ID, Network: p.Network, NetworkName: pay.NetworkName(p.Network).Title(), ExpectedName: expected, TokenSymbol: p.TokenSymbol, TokenAmount: p.TokenAmount, AmountUSD: g.Payments[n].Amount.Cents(),
			Status: p.Status, Confirmations: p.Confirmations, RequiredConfirmations: p.RequiredConfirmations, TxHash: p.TxHash, ExplorerURL: s.explorer(g.Payments[n]),
		})
	}
	return v
}

// explorer is where people look up a payment: by its transaction, which one that only a
// balance shows does not have.
func (s *Server) explorer(p pay.Payment) string {
	n, _ := s.Billing.Registry.Network(p.Network)
	if p.Index == pay.IndexSurplus {
		return n.Explorer.AddressURL(p.Address)
	}
	return n.Explorer.TxURL(p.TxHash)
}

// pageAddress answers the page's own question for an address: with it come the
// code a wallet scans and the link that opens one.
func (s *Server) pageAddress(r *http.Request, p billing.Session) (any, error) {
	a, err := s.allocate(r, p)
	if err != nil {
		return nil, err
	}
	n, _ := s.Billing.Registry.Network(a.Token.Network)
	return s.drawn(a, n)
}

// drawn adds to an allocated address what the payor must know and, with a quote, the code
// and the links that open a wallet.
func (s *Server) drawn(a billing.Allocation, n pay.Network) (v pageAddress, err error) {
	v = pageAddress{
		PaymentAddress: view.PaymentAddress(a.Invoice, a.Address, a.Token, a.Quote, a.Ticket, a.Now, a.Retry),
		TokenAddress:   a.Token.Address, BaseUnits: a.Quote.Units.String(), NetworkName: n.Name.Title(),
		Family: string(n.Name.Family()), Simulated: n.Simulated, Links: []pageLink{}, Hints: web.Hints(n, a.Token),
	}
	if n.Name.Family() == pay.EVM {
		v.ChainID = n.ChainID
	}
	if a.Quote.ID == "" {
		return v, nil
	}
	w := s.Billing.Wallets[n.Name.Family()]
	if w.URI != nil {
		v.URI = w.URI(n, a.Token, a.Address.Address, a.Quote.Units)
	}
	if w.Links != nil {
		for _, l := range w.Links(n, a.Token, a.Address.Address, a.Quote.Units) {
			v.Links = append(v.Links, pageLink(l))
		}
	}
	svg, err := web.QR(cmp.Or(v.URI, a.Address.Address))
	v.QR = string(svg)
	return v, err
}

// pageAddress is an allocated address with what the page shows of it.
type pageAddress struct {
	api.PaymentAddress
	URI          string     `json:"uri"` // "" for a family that has no such form
	QR           string     `json:"qr_svg"`
	Links        []pageLink `json:"links"`
	Hints        []string   `json:"hints"`
	Family       string     `json:"family"`
	Simulated    bool       `json:"simulated"`
	ChainID      uint64     `json:"chain_id"`      // 0 where browsers' wallets cannot pay
	TokenAddress string     `json:"token_address"` // "" for the native coin
	BaseUnits    string     `json:"base_units"`
	NetworkName  string     `json:"network_name"`
}

// pageLink is a page that opens a wallet.
type pageLink struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func (s *Server) payFromTestWallet(r *http.Request, p billing.Session) (any, error) {
	a, err := s.allocate(r, p)
	if err != nil {
		return nil, err
	}
	tx, err := s.TestWallet(r.Context(), a)
	return map[string]string{"tx_hash": tx}, err
}
