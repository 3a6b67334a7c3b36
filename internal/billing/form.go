package billing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// answering runs do on the session's invoice while it can still be paid: what a payor
// says of himself can be changed until then. The error has CodeInvoiceExpired or
// CodeInvoiceState afterwards.
func (b *Billing) answering(ctx context.Context, s Session, operation string, o Once, do func(*store.Tx, pay.Invoice) ([]byte, error)) (answer []byte, err error) {
	return b.once(ctx, b.Store.Write, s.Invoice.MerchantID, operation+" "+s.Invoice.ID, o, func(tx *store.Tx) ([]byte, error) {
		i, err := tx.InvoiceForUpdate(s.Invoice.ID)
		switch {
		case err != nil:
			return nil, err
		case i.Status == pay.Expired, i.Status.Open() && i.Closed(tx.Now()):
			return nil, pay.Errorf(pay.CodeInvoiceExpired, "Invoice has expired")
		case !i.Status.Open():
			return nil, pay.Errorf(pay.CodeInvoiceState, "Invoice is already %s", i.Status)
		}
		return do(tx, i)
	})
}

// SetCustomerEmail stores the payor's email address, over an earlier one.
func (b *Billing) SetCustomerEmail(ctx context.Context, s Session, r api.CustomerEmailRequest, o Once) ([]byte, error) {
	bad := pay.Errorf(pay.CodeInvalidRequest, "email must be an email address of at most %d characters", pay.MaxText)
	if r.Email == nil || len(*r.Email) > pay.MaxText {
		return nil, bad
	}
	address, err := Email(*r.Email)
	if err != nil || address == "" {
		return nil, bad
	}
	return b.answering(ctx, s, "payor.email", o, func(tx *store.Tx, i pay.Invoice) ([]byte, error) {
		i.CustomerEmail = address
		return view.JSON(api.CustomerEmailSaved{Success: true, Email: address, Message: "Email added successfully"}), tx.SaveInvoice(i)
	})
}

// SubmitForm stores the payor's answers to the invoice's questions, over all earlier
// ones.
func (b *Billing) SubmitForm(ctx context.Context, s Session, r api.SubmitFormRequest, o Once) ([]byte, error) {
	rs := make([]pay.Response, len(r.Responses))
	for n, one := range r.Responses {
		text, err := responseText(one.Response)
		if err != nil {
			return nil, err
		}
		rs[n] = pay.Response{QuestionID: one.QuestionID, Text: text}
	}
	asked, err := Questions(s.Invoice)
	if err != nil {
		return nil, err
	}
	qs := make([]pay.Question, len(asked.Questions))
	for n, q := range asked.Questions {
		qs[n] = pay.Question{ID: q.ID, Text: q.Question, Type: q.Type, Required: q.Validation.Required}
	}
	kept, err := pay.CheckResponses(qs, rs, func(s string) bool { a, err := Email(s); return err == nil && a != "" })
	if err != nil {
		return nil, err
	}
	return b.answering(ctx, s, "payor.form", o, func(tx *store.Tx, i pay.Invoice) ([]byte, error) {
		return view.JSON(api.Succeeded{Success: true}), tx.SaveResponses(i.ID, kept)
	})
}

// responseText reads a response: a text or a number.
func responseText(raw json.RawMessage) (text string, err error) {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) > 0 && raw[0] == '"':
		err = json.Unmarshal(raw, &text)
	case len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'):
		text = string(raw)
	default:
		err = pay.Errorf(pay.CodeInvalidRequest, "Each response must be a text or a number")
	}
	return text, err
}

// Questions returns what the merchant asks the payor of an invoice.
func Questions(i pay.Invoice) (q api.Questions, err error) {
	if i.Questions == "" {
		return q, nil
	}
	if err = json.Unmarshal([]byte(i.Questions), &q); err != nil {
		err = fmt.Errorf("questions of invoice %s: %w", i.ID, err)
	}
	return q, err
}

// Answers returns what the payor of one of the merchant's invoices answered.
func (b *Billing) Answers(ctx context.Context, c Caller, id string) (v api.InvoiceAnswers, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		i, err := owned(tx.Invoice(id))(c)
		if err != nil {
			return err
		}
		v, err = answers(tx, i)
		return err
	})
	return v, err
}

// Answered returns what the payor of a session is asked and answered, for the payment
// page.
func (b *Billing) Answered(ctx context.Context, s Session) (v api.InvoiceAnswers, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		v, err = answers(tx, s.Invoice)
		return err
	})
	return v, err
}

func answers(tx *store.Tx, i pay.Invoice) (v api.InvoiceAnswers, err error) {
	q, err := Questions(i)
	if err != nil {
		return v, err
	}
	rs, at, err := tx.Responses(i.ID)
	return view.InvoiceAnswers(i, q, rs, at), err
}
