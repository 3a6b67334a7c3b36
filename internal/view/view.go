// Package view renders the domain as the wire contract. HTTP answers, webhook
// bodies and websocket frames are all made here, so they cannot disagree.
package view

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
)

// JSON renders a wire value; wire values always marshal. Links stay as people copy them: "&" is
// not escaped, so what is rendered must not be put into HTML as it is.
func JSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// List renders a page.
func List[T any](data []T, more bool) api.List[T] {
	if data == nil {
		data = []T{}
	}
	return api.List[T]{Object: "list", Data: data, HasMore: more}
}

// Wrapped renders an answer in the success envelope.
func Wrapped[T any](v T) api.Wrapped[T] { return api.Wrapped[T]{Success: true, Data: v} }

// dollars renders an amount as a JSON number of dollars.
func dollars(u money.USD) json.Number { return json.Number(u.Number()) }

// seconds renders a time as epoch seconds, null for none.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}

// orNull renders the empty string as null.
func orNull[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	t := string(s)
	return &t
}

// Changed renders the fields of before that have another value in after: an
// object, "{}" when nothing changed. Both must render as objects.
func Changed(before, after any) []byte {
	var was, is map[string]json.RawMessage
	if json.Unmarshal(JSON(before), &was) != nil || json.Unmarshal(JSON(after), &is) != nil {
		panic("view: not an object")
	}
	for k, v := range was {
		if string(v) == string(is[k]) {
			delete(was, k)
		}
	}
	return JSON(was)
}
