package web

import "fmt"

// DashboardPayment is a payment that did not count by itself, about which its merchant
// decides. Amounts are decimal strings.
type DashboardPayment struct {
	ID             string
	Invoice        DashboardInvoice // what it came for
	Reason         string           // why it does not count, as the API says it
	Worth          string           // in dollars, "" while it is not known
	Tokens, Symbol string           // what came …
	Network        string           // … and where, for people
	Asked, AskedOn string           // what was asked for, and where
	Settlement     string           // how far its proceeds are on their way to the merchant, "" when nobody moves them
	Hindrance      string           // why they could not be moved
	Stays          bool             // they are moved once the invoice is closed, and it is open
}

// Why says why the payment does not count.
func (p DashboardPayment) Why() string {
	asked := fmt.Sprintf("you asked for %s on %s, and %s came on %s.", p.Asked, p.AskedOn, p.Symbol, p.Network)
	switch p.Reason {
	case "wrong_network":
		return "Wrong network: " + asked
	case "wrong_token":
		return "Wrong token: " + asked
	case "late":
		return "Too late: it came when the invoice could no longer be paid."
	}
	return "It does not count: " + p.Reason + "."
}

// Where says where the money is.
func (p DashboardPayment) Where() string {
	switch p.Settlement {
	case "":
		return "The money waits on " + p.Network + " until you decide."
	case "settled":
		return "The money has been sent to you."
	case "failed", "manual":
		return "The money could not be sent to you: " + p.Hindrance + "."
	}
	if p.Stays {
		return "The money is sent to you by itself once the invoice is closed."
	}
	return "The money is on its way to you."
}

// Moves reports whether asking for the money would do anything.
func (p DashboardPayment) Moves() bool {
	return p.Settlement == "" || p.Settlement == "failed" || p.Settlement == "manual"
}

// Value is what the payment is worth, for people.
func (p DashboardPayment) Value() string {
	if p.Worth == "" {
		return "price not known yet"
	}
	return "$" + p.Worth
}
