package billing

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// draft checks a request for an invoice, field by field, and returns the invoice
// it asks for, with its lifetime. What the request leaves out comes from the
// merchant. The rules are those of contract 2.1.
func (b *Billing) draft(r api.CreateInvoiceRequest, m pay.Merchant) (i pay.Invoice, life time.Duration, err error) {
	i = pay.Invoice{MerchantID: m.ID, Type: pay.Standard, Status: pay.Unpaid, Metadata: "{}", ReturnURL: m.ReturnURL}
	if i.Amount, err = amount(r.AmountUSD); err != nil {
		return i, 0, err
	}
	if life, err = lifetime(r.ExpiresIn); err != nil {
		return i, 0, err
	}
	for _, f := range []struct {
		name     string
		from     *string
		to       *string
		absent   string
		maxChars int
	}{
		{"description", r.Description, &i.Description, "", pay.MaxText},
		{"customer_id", r.CustomerID, &i.CustomerID, "", pay.MaxText},
		{"invoice_title", r.InvoiceTitle, &i.Title, m.Name, pay.MaxText},
		{"invoice_footer", r.InvoiceFooter, &i.Footer, m.Name, pay.MaxText},
		{"customer_email", r.CustomerEmail, &i.CustomerEmail, "", pay.MaxText},
		{"payment_return_url", r.PaymentReturnURL, &i.ReturnURL, m.ReturnURL, pay.MaxURL},
		{"receiver_override_address", r.ReceiverOverrideAddress, &i.ReceiverOverride, "", pay.MaxText},
	} {
		if *f.to = f.absent; f.from == nil {
			continue
		}
		if *f.to = *f.from; utf8.RuneCountInString(*f.to) > f.maxChars || strings.ContainsRune(*f.to, 0) || !utf8.ValidString(*f.to) {
			return i, 0, pay.Errorf(pay.CodeValidation, "%s must have at most %d characters and no NUL", f.name, f.maxChars)
		}
	}
	if i.CustomerEmail, err = Email(i.CustomerEmail); err != nil {
		return i, 0, err
	}
	if err = b.override(&i, r); err != nil {
		return i, 0, err
	}
	if u, err := url.Parse(i.ReturnURL); r.PaymentReturnURL != nil && (err != nil || u.Scheme != "https" || u.Host == "") {
		return i, 0, pay.Errorf(pay.CodeValidation, "payment_return_url must be an https URL")
	}
	if r.PaymentReturnURLEnabled != nil && !*r.PaymentReturnURLEnabled {
		i.ReturnURL = ""
	}
	if present(r.Metadata) {
		if i.Metadata, err = compact(r.Metadata); err != nil || len(i.Metadata) > pay.MaxJSON {
			return i, 0, orElse(err, pay.Errorf(pay.CodeMetadataTooLarge, "metadata must be at most %d bytes of JSON; it has %d", pay.MaxJSON, len(i.Metadata)))
		}
		if i.Metadata[0] != '{' {
			return i, 0, pay.Errorf(pay.CodeValidation, "metadata must be a JSON object")
		}
	}
	i.Questions, err = questions(r.Questions)
	return i, life, err
}

func amount(n *api.Number) (money.USD, error) {
	if n == nil {
		return 0, pay.Errorf(pay.CodeAmountFormat, "amount_usd is required: a number of dollars such as 49.99")
	}
	usd, err := money.ParseUSD(strings.TrimPrefix(string(*n), "-"))
	if err != nil {
		return 0, pay.Errorf(pay.CodeAmountFormat, "amount_usd must be a number of dollars with at most three decimals, such as 49.99")
	}
	if usd < pay.MinAmount || usd > pay.MaxAmount || (*n)[0] == '-' {
		return 0, pay.Errorf(pay.CodeAmountRange, "amount_usd must be between 0.01 and 1000000")
	}
	return usd, nil
}

func lifetime(n *api.Number) (time.Duration, error) {
	if n == nil {
		return pay.DefaultExpiry, nil
	}
	ms, err := strconv.ParseInt(string(*n), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, pay.Errorf(pay.CodeExpirationFormat, "expires_in must be a whole number of milliseconds")
	}
	if err != nil || ms < 1 || ms > pay.MaxLifetime.Milliseconds() {
		return 0, pay.Errorf(pay.CodeExpirationRange, "expires_in must be between 1 and %d milliseconds", pay.MaxLifetime.Milliseconds())
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Email returns an email address trimmed and in small letters, or "" for none. The
// error has CodeValidation.
func Email(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || !strings.Contains(s[strings.LastIndexByte(s, '@')+1:], ".") {
		return "", pay.Errorf(pay.CodeValidation, "customer_email must be an email address")
	}
	return s, nil
}

// override checks the address an invoice settles to instead of the merchant's.
func (b *Billing) override(i *pay.Invoice, r api.CreateInvoiceRequest) (err error) {
	if r.ReceiverOverrideEnable == nil || !*r.ReceiverOverrideEnable {
		i.ReceiverOverride = ""
		return nil
	}
	if i.ReceiverOverride == "" {
		return pay.Errorf(pay.CodeValidation, "receiver_override_address is required when receiver_override_enable is true")
	}
	if i.ReceiverOverride, err = b.Canonical(i.ReceiverOverride); err != nil {
		return pay.Errorf(pay.CodeValidation, "receiver_override_address %v", err)
	}
	return nil
}

func questions(raw json.RawMessage) (string, error) {
	if !present(raw) {
		return "", nil
	}
	s, err := compact(raw)
	if err != nil || len(s) > pay.MaxJSON {
		return "", orElse(err, pay.Errorf(pay.CodeValidation, "questions must be at most %d bytes of JSON", pay.MaxJSON))
	}
	var q api.Questions
	if json.Unmarshal(raw, &q) != nil || len(q.Questions) == 0 || len(q.Questions) > pay.MaxQuestions {
		return "", pay.Errorf(pay.CodeValidation, `questions must be {"questions": [...]} with one to %d questions`, pay.MaxQuestions)
	}
	ids := map[string]bool{}
	for _, one := range q.Questions {
		if one.ID == "" || one.Question == "" || one.Type == "" || ids[one.ID] {
			return "", pay.Errorf(pay.CodeValidation, "each question needs an id of its own, a question and a type")
		}
		ids[one.ID] = true
	}
	return s, nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// compact returns JSON without spaces, the form whose bytes are counted.
func compact(raw json.RawMessage) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil || !utf8.Valid(raw) {
		return "", pay.Errorf(pay.CodeValidation, "Invalid request data: JSON must be well-formed UTF-8")
	}
	return b.String(), nil
}
