package web

// document is PageData with what the template works out from it.
type document struct {
	PageData
	Base string // where the assets of this build are
}

// Modules are the scripts that pay.js imports, fetched along with it.
func (d document) Modules() []string {
	all := []string{"link.js", "view.js", "wallet.js"}
	if len(d.Form.Fields) > 0 {
		all = append(all, "form.js")
	}
	if d.Find() {
		all = append(all, "find.js")
	}
	return all
}

// View names the section to show before the script takes over.
func (d document) View() string {
	switch s := d.State.Status; s {
	case "paid", "expired", "canceled", "invalid":
		return s
	case "unpaid":
		if d.State.Locked == nil && len(d.State.Payments) == 0 {
			if len(d.Form.Fields) > 0 && !d.Form.Answered {
				return "ask"
			}
			return "choose"
		}
	}
	return "loading"
}

// Due is the figure on the bill: what is still to be paid, or the whole once nothing is.
func (d document) Due() string {
	if d.State.Status == "underpaid" {
		return d.State.AmountRemainingUSD
	}
	return d.State.AmountUSD
}

// Label says what Due is.
func (d document) Label() string {
	switch d.State.Status {
	case "underpaid":
		return "Left to pay"
	case "paid":
		return "Paid"
	case "expired", "canceled":
		return "Amount"
	}
	return "Amount due"
}

// Before is the sign written before an amount, After the code written behind it.
func (d document) Before() string {
	if d.Currency == "USD" {
		return "$"
	}
	return ""
}

// After is the currency code behind an amount, with its space.
func (d document) After() string {
	if d.Currency == "USD" || d.Currency == "" {
		return ""
	}
	return " " + d.Currency
}

// Money is an amount with its currency.
func (d document) Money(amount string) string { return d.Before() + amount + d.After() }

// Heading is the title of the browser's tab.
func (d document) Heading() string {
	title := map[string]string{"paid": "Paid", "expired": "Expired", "canceled": "Canceled", "invalid": "Link not valid", "": "Pepay"}[d.State.Status]
	if title == "" {
		title = "Pay " + d.Money(d.Due())
	}
	if d.Merchant != "" {
		title += " · " + d.Merchant
	}
	return title
}

// Subject is what the payment is for. Unless the merchant says so its title is only
// its name, which stands above.
func (d document) Subject() string {
	for _, s := range []string{d.Title, d.Description} {
		if s != "" && s != d.Merchant {
			return s
		}
	}
	return "Payment"
}

// Details is the description, unless it is the subject.
func (d document) Details() string {
	if d.Description == d.Subject() {
		return ""
	}
	return d.Description
}

// Test reports whether the page must say that no real money moves.
func (d document) Test() bool { return d.Environment != "" && d.Environment != "production" }
