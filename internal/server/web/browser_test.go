package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/internal/server/web"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	payTo    = "0x7Ad2C41fE09b53F8a6De0B1c9E4477f2D35C8aB6"
	usdcAt   = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
	sentHash = "0x8c1f5de2a90b4e7763fd21c08ab94e5567d1f02cc3ab8e9d1745f60b2a7c93de"
)

// shop is a server that answers the page the way the test says.
type shop struct {
	*httptest.Server
	mu      sync.Mutex
	data    web.PageData
	address map[string]any // fields laid over the usual answer of POST /pay/address
	refuse  int            // status for /pay/state instead of an answer
	asked   []string       // bodies of POST /pay/address
	told    []string       // bodies of customer-email and submit-form
	mute    bool           // whoever tells it anything is hung up on
	bells   []*websocket.Conn
}

// usual is an open invoice with three ways to pay.
func usual() web.PageData {
	now := time.Now().Unix()
	return web.PageData{
		Merchant: "Fern & Field Coffee", Title: "Two bags of Yirgacheffe, 500 g", Description: "Order 10482. Roasted on Thursday, sent on Friday.",
		Footer: "Fern & Field Coffee, 12 Mill Lane, Bristol", Currency: "USD", Environment: "devnet",
		Tokens: []web.Token{
			{ID: "1", Symbol: "USDC", Name: "USD Coin", Network: "ETHEREUM", NetworkName: "Ethereum"},
			{ID: "2", Symbol: "USDT", Name: "Tether USD", Network: "ETHEREUM", NetworkName: "Ethereum"},
			{ID: "3", Symbol: "ETH", Name: "Ether", Network: "ETHEREUM", NetworkName: "Ethereum"},
			{ID: "4", Symbol: "USDC", Name: "USD Coin", Network: "BASE", NetworkName: "Base"},
		},
		State: web.State{
			Status: "unpaid", AmountUSD: "25.50", AmountPaidUSD: "0.00", AmountRemainingUSD: "25.50",
			ExpiresAt: now + 1799, ServerTime: now,
		},
	}
}

// transfer is one payment as the state lists it.
func transfer(status string, n uint64, amount string) web.Payment {
	return web.Payment{
		ID: "p1", Network: "ETHEREUM", TokenSymbol: "USDC", TokenAmount: amount + "0000", AmountUSD: amount, Status: status,
		Confirmations: n, RequiredConfirmations: 12, TxHash: sentHash,
	}
}

func newShop(t *testing.T, change func(*web.PageData)) *shop {
	t.Helper()
	s := &shop{data: usual()}
	if change != nil {
		change(&s.data)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /pay/assets/", web.Assets())
	mux.HandleFunc("GET /pay", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", web.CSP)
		w.Header().Set("Referrer-Policy", "no-referrer")
		d := s.now()
		if !r.URL.Query().Has("session") {
			d = web.PageData{}
		}
		if err := web.Page(w, d); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /pay/state", s.keyed(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		refuse := s.refuse
		s.mu.Unlock()
		if refuse != 0 {
			w.WriteHeader(refuse)
			return
		}
		d := s.now().State
		if d.Payments == nil {
			d.Payments = []web.Payment{}
		}
		_ = json.NewEncoder(w).Encode(d)
	}))
	mux.HandleFunc("POST /pay/address", s.keyed(s.quote))
	mux.HandleFunc("POST /pay/test-wallet", s.keyed(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"tx_hash": sentHash})
	}))
	for _, path := range []string{"/api/v1/payments/customer-email", "/api/v1/payments/submit-form"} {
		mux.HandleFunc("POST "+path, s.keyed(s.hear))
	}
	mux.HandleFunc("GET /ws/payment", func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.bells = append(s.bells, c)
		s.mu.Unlock()
		for { // until the page hangs up
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) keyed(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-session-token") != "s3cret" || r.Header.Get("x-signature") != "sig" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		h(w, r)
	}
}

func (s *shop) now() web.PageData {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data.State.ServerTime = time.Now().Unix()
	return s.data
}

// set changes the invoice and rings the bell, as the server would.
func (s *shop) set(change func(*web.State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.data.State)
	for _, c := range s.bells {
		_ = c.WriteJSON(map[string]string{"object": "event", "type": "invoice.updated"})
	}
}

// drop hangs up on every page.
func (s *shop) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.bells {
		_ = c.Close()
	}
	s.bells = nil
}

func (s *shop) hear(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute || err != nil {
		panic(http.ErrAbortHandler)
	}
	s.told = append(s.told, string(b))
	_, _ = io.WriteString(w, `{"success":true}`)
}

func (s *shop) quote(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Network string
		TokenID int64 // a number, as the API wants it
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprint(in.Network, "/", in.TokenID))
	answer, err := quoted(in.Network, in.TokenID, s.data.State.AmountRemainingUSD)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	maps.Copy(answer, s.address)
	_ = json.NewEncoder(w).Encode(answer)
}

// tab is a browser tab that shows the shop's page.
type tab struct{ *testkit.Tab }

func newTab(t *testing.T, scripts ...string) tab {
	t.Helper()
	tb := tab{testkit.NewTab(t, scripts...)}
	tb.Forgive("/pay/state")
	return tb
}

func (tb tab) open(s *shop) {
	tb.Helper()
	tb.Open(s.URL + "/pay?session=s3cret&signature=sig")
}

// shots saves the page at both sizes in both themes where SCREENSHOTS says.
func (tb tab) shots(name string) {
	tb.Helper()
	for _, theme := range []string{"light", "dark"} {
		tb.Theme(theme)
		tb.Save(name+"-360-"+theme+".png", 360, 740)
		tb.Save(name+"-1280-"+theme+".png", 1280, 900)
	}
}
