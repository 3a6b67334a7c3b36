// Package web is the hosted payment page and the dashboard of development:
// server-rendered documents, their stylesheets and scripts, and the codes a wallet scans. It holds no state and asks
// no one anything; the server fills PageData and answers the script's requests.
package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

// CSP is the Content-Security-Policy the page must be served with. Nothing inline
// runs, nothing is fetched from elsewhere, and no other site may frame the page.
// 'self' covers the page's own web socket; a browser too old to know that polls.
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// PageData is what the server knows when it renders the page. Every string may be
// hostile. The zero PageData is the page of a link without a session: it resumes
// from the tab's own memory after a reload, or says that the link is incomplete.
type PageData struct {
	Merchant    string  // the merchant's name; "" leaves the line out
	Title       string  // the invoice's title, "" for none
	Description string  // plain text, line breaks kept, "" for none
	Footer      string  // plain text under the bill, "" for none
	Currency    string  // ISO code of every amount; "USD" is written "$25.50", any other "25.50 EUR"
	Environment string  // "devnet", "testnet" and the like show a TEST badge; "" and "production" do not
	Dev         bool    // offers "Pay with the test wallet", which calls POST /pay/test-wallet
	Form        Form    // what the merchant asks first
	Tokens      []Token // what the payor may choose from, in the order shown
	State       State   // as GET /pay/state would answer now
}

// Token is one way to pay.
type Token struct {
	ID          string // the id of available-tokens, sent back as tokenId
	Symbol      string // "USDC"
	Name        string // "USD Coin"
	Network     string // the contract's network name, sent back as network
	NetworkName string // the same for people: "Ethereum"
	Simulated   bool   // there is no such network, and no coins on it
}

// State is the body of GET /pay/state. Amounts are decimal strings, shown exactly as
// given; times are seconds since the epoch.
type State struct {
	// Status is unpaid, underpaid, paid, expired or canceled; invalid renders the page
	// of a link that opens nothing (serve it with the 401 or 404 itself).
	Status             string    `json:"status"`
	AmountUSD          string    `json:"amount_usd"`
	AmountPaidUSD      string    `json:"amount_paid_usd"`
	AmountRemainingUSD string    `json:"amount_remaining_usd"`
	ExpiresAt          int64     `json:"expires_at"`
	ServerTime         int64     `json:"server_time"`
	PaidAt             *int64    `json:"paid_at"`
	Locked             *Lock     `json:"locked"`     // the pair that must be used, or was last used
	Payments           []Payment `json:"payments"`   // what the chain has shown so far
	ReturnURL          string    `json:"return_url"` // where to go after paying; "" when there is no way back
}

// Lock is the pair of network and token that an invoice is bound to.
type Lock struct {
	Network string `json:"network"`
	TokenID string `json:"token_id"`
	Address string `json:"address"`
}

// Payment is one transfer seen on chain. Status is pending, confirmed, underpaid or
// manual_retry.
type Payment struct {
	ID                    string `json:"id"`
	Network               string `json:"network"`
	NetworkName           string `json:"network_name"`
	ExpectedName          string `json:"expected_network_name"` // where it should have come and does not count for it, else ""
	TokenSymbol           string `json:"token_symbol"`
	TokenAmount           string `json:"token_amount"`
	AmountUSD             string `json:"amount_usd"`
	Status                string `json:"status"`
	Confirmations         uint64 `json:"confirmations"`
	RequiredConfirmations uint64 `json:"required_confirmations"`
	TxHash                string `json:"tx_hash"`
	ExplorerURL           string `json:"explorer_url"` // https, or "" where there is no explorer
}

//go:embed templates
var templates embed.FS

var page = template.Must(template.New("pay.html").ParseFS(templates, "templates/*.html"))

// Page writes the whole document. The caller sets the headers: Content-Type, CSP,
// Referrer-Policy: no-referrer and Cache-Control: no-store, because the address
// carries the session.
func Page(w io.Writer, d PageData) error {
	if d.State.Payments == nil {
		d.State.Payments = []Payment{} // the script reads an array
	}
	if err := page.Execute(w, document{d, base}); err != nil {
		return fmt.Errorf("render payment page: %w", err)
	}
	return nil
}
