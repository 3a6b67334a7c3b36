package pay

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pepay/pepay/internal/money"
)

// MaxResponse is how many characters an answer to a question may have.
const MaxResponse = 1000

// Question is something a merchant asks the payor of an invoice.
type Question struct {
	ID       string
	Text     string
	Type     string // email, number, date, url; any other is a text
	Required bool
}

// Response is a payor's answer to a question.
type Response struct {
	QuestionID string
	Text       string
}

// CheckResponses returns the answers to keep: trimmed, without the empty ones. The
// error has CodeInvalidRequest and says which answer is wrong. isEmail tells what an
// email address is.
func CheckResponses(qs []Question, rs []Response, isEmail func(string) bool) ([]Response, error) {
	if len(rs) < 1 || len(rs) > MaxQuestions {
		return nil, Errorf(CodeInvalidRequest, "responses must be a list of one to %d answers", MaxQuestions)
	}
	asked, given := map[string]Question{}, map[string]bool{}
	for _, q := range qs {
		asked[q.ID] = q
	}
	kept := []Response{}
	for _, r := range rs {
		q, ok := asked[r.QuestionID]
		if !ok || given[r.QuestionID] {
			return nil, Errorf(CodeInvalidRequest, "question_id %.64q must be that of a question of this invoice, once", r.QuestionID)
		}
		given[r.QuestionID] = true
		if r.Text = strings.TrimSpace(r.Text); r.Text == "" {
			continue
		}
		if utf8.RuneCountInString(r.Text) > MaxResponse {
			return nil, Errorf(CodeInvalidRequest, "The response to %.64q must have at most %d characters", r.QuestionID, MaxResponse)
		}
		if what := q.wants(r.Text, isEmail); what != "" {
			return nil, Errorf(CodeInvalidRequest, "The response to %.64q must be %s", r.QuestionID, what)
		}
		kept = append(kept, r)
	}
	for _, q := range qs {
		if q.Required && !answered(kept, q.ID) {
			return nil, Errorf(CodeInvalidRequest, "The question %.64q must be answered", q.ID)
		}
	}
	return kept, nil
}

func answered(rs []Response, id string) bool {
	for _, r := range rs {
		if r.QuestionID == id {
			return true
		}
	}
	return false
}

// wants says what an answer must be, "" if it is that.
func (q Question) wants(answer string, isEmail func(string) bool) string {
	switch strings.ToLower(q.Type) {
	case "email":
		if !isEmail(answer) {
			return "an email address"
		}
	case "number":
		if _, err := money.ParseRate(strings.TrimPrefix(answer, "-")); err != nil {
			return "a number"
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, answer); err != nil {
			return "a date such as 2026-01-31"
		}
	case "url":
		if !strings.HasPrefix(answer, "https://") && !strings.HasPrefix(answer, "http://") {
			return "a web address that begins with https:// or http://"
		}
	}
	return ""
}
