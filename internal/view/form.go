package view

import (
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// CustomerEmail renders the email address a payor left.
func CustomerEmail(i pay.Invoice) api.CustomerEmail {
	return api.CustomerEmail{Email: orNull(i.CustomerEmail), HasEmail: i.CustomerEmail != ""}
}

// InvoiceQuestions renders what a payor is asked.
func InvoiceQuestions(q api.Questions) api.InvoiceQuestions {
	if len(q.Questions) == 0 {
		return api.InvoiceQuestions{}
	}
	return api.InvoiceQuestions{HasQuestions: true, Questions: &q}
}

// InvoiceAnswers renders what a payor answered, for the merchant.
func InvoiceAnswers(i pay.Invoice, q api.Questions, rs []pay.Response, at time.Time) api.InvoiceAnswers {
	v := api.InvoiceAnswers{Object: "invoice_answers", InvoiceID: i.ID, CustomerEmail: orNull(i.CustomerEmail), SubmittedAt: seconds(at), Answers: []api.Answer{}}
	given := map[string]*string{}
	for n := range rs {
		given[rs[n].QuestionID] = &rs[n].Text
	}
	for _, one := range q.Questions {
		v.Answers = append(v.Answers, api.Answer{
			QuestionID: one.ID, Question: one.Question, Type: one.Type, Required: one.Validation.Required, Response: given[one.ID],
		})
	}
	return v
}
