package web

import (
	"fmt"
	"io"
	"time"
)

// DashboardData is what the development dashboard shows.
type DashboardData struct {
	Merchant  string
	URL       string // of the API, without a slash at the end
	Key       string // the merchant's API key, for the command to copy and to act with; "" shows no command
	Writes    bool   // whoever looks may change things: else there are no buttons
	Endpoints int    // how many webhook endpoints there are
	Invoices  []DashboardInvoice
	Payments  []DashboardPayment
	More      bool // there are more such payments
}

// DashboardInvoice is a line of its list. Amounts are decimal strings of dollars.
type DashboardInvoice struct {
	ID, Title, Description, Status, Amount, Paid string
	Age                                          time.Duration // since it was opened
}

// Dashboard writes the whole document. The caller sets the headers: Content-Type,
// CSP and Cache-Control: no-store, because the document holds a key.
func Dashboard(w io.Writer, d DashboardData) error {
	if err := page.ExecuteTemplate(w, "dashboard.html", desk{d, base}); err != nil {
		return fmt.Errorf("render dashboard: %w", err)
	}
	return nil
}

// desk is DashboardData with what the template works out from it.
type desk struct {
	DashboardData
	Base string // where the assets of this build are
}

// Subject is what the invoice is for.
func (d desk) Subject(i DashboardInvoice) string {
	return document{PageData: PageData{Merchant: d.Merchant, Title: i.Title, Description: i.Description}}.Subject()
}

// Old writes the age of an invoice in the largest unit that fits.
func (i DashboardInvoice) Old() string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if i.Age >= u.unit {
			return fmt.Sprintf("%d %s", i.Age/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%d s", max(0, i.Age/time.Second))
}
