package web

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pepay/pepay/api"
)

// Reference writes the page that explains every operation of api/openapi.yaml to a
// person. It holds nothing that the document does not, and runs no script.
func Reference(w io.Writer) error {
	d, err := reference()
	if err == nil {
		err = page.ExecuteTemplate(w, "reference.html", d)
	}
	if err != nil {
		return fmt.Errorf("render the reference: %w", err)
	}
	return nil
}

// reference is read once: the document is embedded and does not change.
var reference = sync.OnceValues(func() (*manual, error) { return newManual(api.OpenAPI) })

// manual is the document as the page shows it.
type manual struct {
	Base, Title, Version string
	Intro                template.HTML
	Tags                 []chapter
	Schemes              []field // ways to authenticate
}

// chapter is the operations with one tag.
type chapter struct {
	ID, Name string
	Text     template.HTML
	Ops      []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Text                      template.HTML
	Auth                      []string // one of these
	Params, Body              []field
	BodyKind, Request         string // an example of the body
	Answers                   []answer
}

type answer struct {
	Status, Kind, Example string
	Text                  template.HTML
	Fields                []field
}

// Good reports whether the answer is what one hopes for.
func (a answer) Good() bool { return a.Status < "400" }

// field is a parameter, or a part of a body at some depth.
type field struct {
	Name, In, Type, Default string
	Enum                    []string
	Required                bool
	Text                    template.HTML
	Depth                   int
}

func newManual(source []byte) (*manual, error) {
	root, err := readYAML(source)
	if err != nil {
		return nil, err
	}
	info := root.at("info")
	m := &manual{Base: base, Title: info.text("title"), Version: info.text("version"), Intro: prose(info.text("description"))}
	for _, t := range root.at("tags").items() {
		m.Tags = append(m.Tags, chapter{ID: anchor(t.text("name")), Name: t.text("name"), Text: prose(t.text("description"))})
	}
	for name, s := range root.at("components", "securitySchemes").pairs() {
		where := s.text("in") + " " + s.text("name")
		if s.text("type") == "http" {
			where = "header Authorization: Bearer"
		}
		m.Schemes = append(m.Schemes, field{Name: name, Type: where, Text: prose(s.text("description"))})
	}
	for path, item := range root.at("paths").pairs() {
		for method, o := range item.pairs() {
			if !slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
				continue
			}
			op := newOperation(path, method, item, o)
			i := slices.IndexFunc(m.Tags, func(c chapter) bool { return c.Name == o.at("tags").item(0).value() })
			if i < 0 {
				return nil, fmt.Errorf("%s has a tag that is not described", op.ID)
			}
			m.Tags[i].Ops = append(m.Tags[i].Ops, op)
		}
	}
	return m, nil
}

func newOperation(path, method string, item, o *node) operation {
	op := operation{ID: o.text("operationId"), Method: strings.ToUpper(method), Path: path, Summary: o.text("summary"), Text: prose(o.text("description"))}
	for _, together := range o.at("security").items() {
		var names []string
		for name := range together.pairs() {
			names = append(names, o.root().at("components", "securitySchemes", name).text("name"))
		}
		if auth := strings.Join(names, " + "); auth != "" && !slices.Contains(op.Auth, auth) {
			op.Auth = append(op.Auth, auth)
		}
	}
	for _, p := range append(item.at("parameters").items(), o.at("parameters").items()...) {
		f := fieldOf(p.text("name"), p.at("schema"), 0)
		f.In, f.Required, f.Text = p.text("in"), p.text("required") == "true", prose(p.text("description"))
		op.Params = append(op.Params, f)
	}
	for kind, m := range o.at("requestBody", "content").pairs() {
		op.BodyKind, op.Body, op.Request = kind, fields(m.at("schema"), 0), example(m)
	}
	for status, r := range o.at("responses").pairs() {
		a := answer{Status: status, Text: prose(r.text("description"))}
		for kind, m := range r.at("content").pairs() {
			if a.Kind == "" {
				a.Kind, a.Fields, a.Example = kind, fields(m.at("schema"), 0), example(m)
			}
		}
		op.Answers = append(op.Answers, a)
	}
	return op
}

// deepest is how far fields within fields are shown.
const deepest = 4

// fields lists what an object holds, and what its parts hold, in the document's order.
func fields(s *node, depth int) (all []field) {
	if depth > deepest || s.empty() {
		return nil
	}
	for _, of := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range s.at(of).items() {
			all = append(all, fields(part, depth)...)
		}
	}
	if s.text("type") == "array" {
		return append(all, fields(s.at("items"), depth)...)
	}
	var required []string
	for _, r := range s.at("required").items() {
		required = append(required, r.value())
	}
	for name, p := range s.at("properties").pairs() {
		f := fieldOf(name, p, depth)
		f.Required = slices.Contains(required, name)
		all = append(append(all, f), fields(p, depth+1)...)
	}
	return all
}

func fieldOf(name string, s *node, depth int) field {
	f := field{Name: name, Type: typeOf(s), Default: s.text("default"), Text: prose(s.text("description")), Depth: depth}
	enum := s.at("enum")
	if s.text("type") == "array" {
		enum = s.at("items", "enum")
	}
	for _, e := range enum.items() {
		f.Enum = append(f.Enum, e.value())
	}
	return f
}

// typeOf says in words what a value may be.
func typeOf(s *node) string {
	var parts []string
	for _, of := range []string{"oneOf", "anyOf"} {
		for _, one := range s.at(of).items() {
			parts = append(parts, typeOf(one))
		}
	}
	kind := strings.Join(slices.Compact(parts), " or ")
	switch t := s.text("type"); {
	case t == "array":
		kind = "list of " + typeOf(s.at("items"))
	case t != "":
		kind = t
	case kind == "":
		kind = "object"
	}
	if f := s.text("format"); f != "" && f != "int64" {
		kind += ", " + f
	}
	low, high := s.text("minimum"), s.text("maximum")
	if n := s.text("minLength"); n != "" {
		low = n + " characters"
	}
	if n := s.text("maxLength"); n != "" {
		high = n + " characters"
	}
	if n := s.text("maxItems"); n != "" {
		high = n + " items"
	}
	switch {
	case low != "" && high != "":
		kind += ", " + low + " to " + high
	case low != "":
		kind += ", at least " + low
	case high != "":
		kind += ", at most " + high
	}
	if s.text("nullable") == "true" {
		kind += ", or null"
	}
	return kind
}

// anchor makes a name fit for an address.
func anchor(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }
