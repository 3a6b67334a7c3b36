package web

import (
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"
)

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

// Networks is how many networks there are to choose from.
func (d document) Networks() int {
	seen := map[string]bool{}
	for _, t := range d.Tokens {
		seen[t.Network] = true
	}
	return len(seen)
}

// disc is a coin: a drawn one where we have it, else a letter on its own colour.
type disc struct{ Drawn, Letter, Fill string }

// drawn are the symbols the template has a shape for, with the colour under it.
var drawn = map[string]disc{
	"eth":      {"eth", "", "#5468c7"},
	"ethereum": {"eth", "", "#5468c7"},
	"usdc":     {"usdc", "", "#2468b8"},
	"dusdc":    {"usdc", "", "#2468b8"},
	"usdt":     {"usdt", "", "#117a5e"},
	"devnet":   {"", "D", "#3d5a52"},
	"base":     {"", "B", "#1f54d8"},
	"polygon":  {"", "P", "#6f3bd1"},
	"arbitrum": {"", "A", "#22557f"},
	"optimism": {"", "O", "#c4232f"},
}

// icon picks the disc of a token or network. The same name is always the same colour.
func icon(name string) disc {
	key := strings.ToLower(name)
	if d, ok := drawn[key]; ok {
		return d
	}
	letter := "•"
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letter = string(unicode.ToUpper(r))
			break
		}
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return disc{"", letter, "hsl(" + strconv.Itoa(int(h.Sum32()%24)*15) + " 45% 38%)"}
}
