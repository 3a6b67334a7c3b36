package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	setEmail, getEmail = "POST /api/v1/payments/customer-email", "GET /api/v1/payments/customer-email"
	submit, questions  = "POST /api/v1/payments/submit-form", "GET /api/v1/payments/invoice-questions"
	asks               = `{"questions":[{"id":"mail","question":"Receipt to?","type":"email","validation":{"required":true}},{"id":"age","question":"Age?","type":"number"},` +
		`{"id":"day","question":"When?","type":"date"},{"id":"site","question":"Site?","type":"url"},{"id":"note","question":"Note?","type":"anything"}]}`
)

// A payor leaves an address and answers, changes them, and the merchant reads them.
func TestForm(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(testkit.Clock)
		d := newDesk(t, url, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		made, payor := d.Open(`{"amount_usd":1,"questions":` + asks + `}`)
		answers := "GET /api/v1/invoices/" + made.InvoiceID + "/answers"
		row := func(id, question, kind, required, response string) string {
			return fmt.Sprintf(`{"question_id":%q,"question":%q,"type":%q,"required":%s,"response":%s}`, id, question, kind, required, response)
		}
		all := func(email, at, mail, age, note string) string {
			return fmt.Sprintf(`{"object":"invoice_answers","invoice_id":%q,"customer_email":%s,"submitted_at":%s,"answers":[%s,%s,%s,%s,%s]}`, made.InvoiceID, email, at,
				row("mail", "Receipt to?", "email", "true", mail), row("age", "Age?", "number", "false", age), row("day", "When?", "date", "false", "null"),
				row("site", "Site?", "url", "false", "null"), row("note", "Note?", "anything", "false", note))
		}
		says(t, d.ask(answers, "", d.key), all("null", "null", "null", "null", "null"))
		says(t, d.ask(getEmail, "", payor), `{"email":null,"has_email":false}`)
		says(t, d.ask(questions, "", payor), `{"has_questions":true,"questions":`+strings.NewReplacer(`"number"`, `"number","validation":{"required":false}`,
			`"date"`, `"date","validation":{"required":false}`, `"url"`, `"url","validation":{"required":false}`, `"anything"`, `"anything","validation":{"required":false}`).Replace(asks)+`}`)
		says(t, d.ask(setEmail, `{"email":" Ann@Example.COM "}`, payor), `{"success":true,"email":"ann@example.com","message":"Email added successfully"}`)
		says(t, d.ask(setEmail, `{"email":"bob@example.com"}`, payor), `{"success":true,"email":"bob@example.com","message":"*"}`)
		says(t, d.ask(getEmail, "", payor), `{"email":"bob@example.com","has_email":true}`)
		says(t, d.ask(submit, `{"responses":[{"question_id":"mail","response":" a@x.io "},{"question_id":"age","response":-7.5},{"question_id":"note","response":"first"}]}`, payor), `{"success":true}`)
		says(t, d.ask(answers, "", d.key), all(`"bob@example.com"`, fmt.Sprint(testkit.Epoch.Unix()), `"a@x.io"`, `"-7.5"`, `"first"`))
		clock.Add(time.Minute)
		says(t, d.ask(submit, `{"responses":[{"question_id":"note","response":"  "},{"question_id":"mail","response":"b@x.io"}]}`, payor), `{"success":true}`)
		says(t, d.ask(answers, "", d.key), all(`"bob@example.com"`, fmt.Sprint(testkit.Epoch.Unix()+60), `"b@x.io"`, "null", "null"))
		d.holds(1, 1) // what payors say of themselves is in no event

		// A key makes each of them safe to repeat.
		keyed := append(append(testkit.Headers{}, payor...), "Idempotency-Key", "key-1")
		first := d.ask(setEmail, `{"email":"c@x.io"}`, keyed)
		says(t, d.ask(setEmail, `{"email":"d@x.io"}`, payor), `{"success":true,"email":"d@x.io","message":"*"}`)
		if again := d.ask(setEmail, `{"email":"c@x.io"}`, keyed); again.body != first.body || again.status != 200 {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		says(t, d.ask(getEmail, "", payor), `{"email":"d@x.io","has_email":true}`)
		refused(t, d.ask(setEmail, `{"email":"e@x.io"}`, keyed), 409, "A", "IDEMPOTENCY_CONFLICT")
		says(t, d.ask(submit, `{"responses":[{"question_id":"mail","response":"e@x.io"}]}`, keyed), `{"success":true}`) // another operation
		refused(t, d.ask(submit, `{"responses":[{"question_id":"mail","response":"f@x.io"}]}`, keyed), 409, "A", "IDEMPOTENCY_CONFLICT")

		plain, unasked := d.Open(`{"amount_usd":1}`)
		says(t, d.ask(questions, "", unasked), `{"has_questions":false}`)
		refused(t, d.ask(submit, `{"responses":[{"question_id":"mail","response":"b@x.io"}]}`, unasked), 400, "A", "INVALID_REQUEST_FORMAT")
		says(t, d.ask("GET /api/v1/invoices/"+plain.InvoiceID+"/answers", "", d.key), `{"object":"invoice_answers","invoice_id":"*","customer_email":null,"submitted_at":null,"answers":[]}`)

		// Afterwards it can be read and no longer changed.
		decode[api.Invoice](t, d.ask("POST /api/v1/invoices/"+plain.InvoiceID+"/cancel", "", d.key))
		refused(t, d.ask(setEmail, `{"email":"c@x.io"}`, unasked), 400, "A", "INVALID_INVOICE_STATE")
		clock.Add(24 * time.Hour)
		for _, state := range []string{"its time is up", "expired"} {
			refused(t, d.ask(setEmail, `{"email":"c@x.io"}`, payor), 410, "A", "INVOICE_EXPIRED")
			refused(t, d.ask(submit, `{"responses":[{"question_id":"mail","response":"b@x.io"}]}`, payor), 410, "A", "INVOICE_EXPIRED")
			testkit.Eventually(t, state, func() bool { return d.Status(made.InvoiceID).Invoice.Status == "expired" })
		}
		says(t, d.ask(getEmail, "", payor), `{"email":"d@x.io","has_email":true}`)
	})
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, func(o *app.Options) { o.Networks = nil })
		made, payor := d.Open(`{"amount_usd":1,"questions":` + asks + `}`)
		bad := map[string][]string{}
		for _, v := range []string{`"x"`, `""`, `" "`, `1`, `null`, `true`, `["a@x.io"]`, `"a@x.io\u0000"`, `"a b@x.io"`, `"` + strings.Repeat("a", 251) + `@x.io"`} {
			bad[setEmail] = append(bad[setEmail], `{"email":`+v+`}`)
		}
		bad[setEmail] = append(bad[setEmail], ``, `{}`, `[]`, `{"email":"a@x.io","email":"b@x.io"}`, "{\"email\":\"\xff@x.io\"}")
		good := `{"question_id":"mail","response":"a@x.io"}`
		for _, list := range []string{
			`[]`, `null`, `{}`, `"x"`, `[1]`, `[null]`, `[{}]`, `[{"question_id":"note","response":"no mail"}]`, `[{"question_id":"mail","response":" "}]`,
			`[{"question_id":"mail","response":"x"}]`, `[{"question_id":"mail","response":7}]`, `[` + good + `,` + good + `]`, `[` + good + `,{"question_id":"other","response":"x"}]`,
			`[` + good + `,{"question_id":"age","response":"old"}]`, `[` + good + `,{"question_id":"age","response":1e400}]`, `[` + good + `,{"question_id":"age","response":true}]`,
			`[` + good + `,{"question_id":"age","response":null}]`, `[` + good + `,{"question_id":"age"}]`, `[` + good + `,{"question_id":"note","response":["x"]}]`,
			`[` + good + `,{"question_id":"note","response":{"a":1}}]`, `[` + good + `,{"question_id":"day","response":"31.1.2026"}]`, `[` + good + `,{"question_id":"day","response":"2026-02-30"}]`,
			`[` + good + `,{"question_id":"site","response":"javascript:alert(1)"}]`, `[` + good + `,{"question_id":"note","response":"` + strings.Repeat("é", 1001) + `"}]`,
			`[` + good + `,{"question_id":"note","response":"a\u0000b"}]`, `[` + good + strings.Repeat(`,{"question_id":"note","response":""}`, 5) + `]`, `[` + good + strings.Repeat(`,{}`, 9000) + `]`,
		} {
			bad[submit] = append(bad[submit], `{"responses":`+list+`}`)
		}
		bad[submit] = append(bad[submit], ``, `{}`, `{"responses":[`+good+`],"responses":[]}`)
		for target, bodies := range bad {
			for _, body := range bodies {
				t.Run(fmt.Sprintf("%.80s", body), func(t *testing.T) { refused(t, d.ask(target, body, payor), 400, "A", "INVALID_REQUEST_FORMAT") })
			}
			h := append(append(testkit.Headers{}, payor...), "Idempotency-Key", strings.Repeat("x", 129))
			refused(t, d.ask(target, `{"email":"a@x.io","responses":[`+good+`]}`, h), 400, "A", "INVALID_REQUEST_FORMAT")
			refused(t, d.ask(target, `{}`, d.key), 401, "A", "INVALID_SIGNATURE")
		}
		for _, target := range []string{getEmail, questions} {
			refused(t, d.ask(target, "", d.key), 401, "A", "INVALID_SIGNATURE")
		}
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		for id, want := range map[string]int{made.InvoiceID: 404, testkit.UUID(): 404} {
			refused(t, d.ask("GET /api/v1/invoices/"+id+"/answers", "", testkit.Headers{"x-api-key", theirs}), want, "A", "INVOICE_NOT_FOUND")
		}
		refused(t, d.ask("GET /api/v1/invoices/x/answers", "", d.key), 400, "B", "VALIDATION_ERROR")
		refused(t, d.ask("GET /api/v1/invoices/"+made.InvoiceID+"/answers", "", testkit.Headers{"x-api-key", d.Commerce}), 403, "B", "FORBIDDEN")
		says(t, d.ask(getEmail, "", payor), `{"email":null,"has_email":false}`)
		if v := decode[api.InvoiceAnswers](t, d.ask("GET /api/v1/invoices/"+made.InvoiceID+"/answers", "", d.key)); v.SubmittedAt != nil {
			t.Errorf("%+v", v)
		}
	})
}
