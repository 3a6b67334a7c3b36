package api

import "encoding/json"

// CustomerEmailRequest is the body of POST /api/v1/payments/customer-email.
type CustomerEmailRequest struct {
	Email *string `json:"email"`
}

// CustomerEmailSaved answers it.
type CustomerEmailSaved struct {
	Success bool   `json:"success"`
	Email   string `json:"email"` // normalized
	Message string `json:"message"`
}

// CustomerEmail answers GET /api/v1/payments/customer-email.
type CustomerEmail struct {
	Email    *string `json:"email"`
	HasEmail bool    `json:"has_email"`
}

// InvoiceQuestions answers GET /api/v1/payments/invoice-questions.
type InvoiceQuestions struct {
	HasQuestions bool       `json:"has_questions"`
	Questions    *Questions `json:"questions,omitempty"`
}

// SubmitFormRequest is the body of POST /api/v1/payments/submit-form.
type SubmitFormRequest struct {
	Responses []FormResponse `json:"responses"` // one to five
}

// FormResponse is a payor's answer to a question: a text, or for a question of type
// number a number.
type FormResponse struct {
	QuestionID string          `json:"question_id"`
	Response   json.RawMessage `json:"response"`
}

// Succeeded answers requests that have nothing else to say.
type Succeeded struct {
	Success bool `json:"success"` // true
}

// InvoiceAnswers answers GET /api/v1/invoices/{id}/answers.
type InvoiceAnswers struct {
	Object        string   `json:"object"` // "invoice_answers"
	InvoiceID     string   `json:"invoice_id"`
	CustomerEmail *string  `json:"customer_email"`
	SubmittedAt   *int64   `json:"submitted_at"`
	Answers       []Answer `json:"answers"` // one for each question, in their order
}

// Answer is a question with what the payor answered, null for nothing.
type Answer struct {
	QuestionID string  `json:"question_id"`
	Question   string  `json:"question"`
	Type       string  `json:"type"`
	Required   bool    `json:"required"`
	Response   *string `json:"response"`
}
