package web

import "strings"

// Form is what a payor is asked before he pays. The zero Form asks nothing, and leaves
// no trace on the page.
type Form struct {
	Fields   []Field
	Answered bool // it was sent before: the answers are shown, and asked for only when the payor wants to change them
}

// Field is one question.
type Field struct {
	ID       string // of submit-form; "" for the address that customer-email keeps
	Label    string
	Type     string // the question's: email, number, date, url, tel; any other takes a line of text
	Required bool
	Value    string // what was answered before
}

// Kind is the type as the page tells them apart, "" for a line of text.
func (f Field) Kind() string {
	switch t := strings.ToLower(f.Type); t {
	case "email", "number", "date", "url", "tel":
		return t
	case "phone":
		return "tel"
	}
	return ""
}
