package api_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pepay/pepay/api"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	err := document(t).Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(), openapi3.EnableSchemaPatternValidation())
	if err != nil {
		t.Fatal(err)
	}
}

// operations calls do for every operation, those of callbacks included.
func operations(doc *openapi3.T, do func(where string, o *openapi3.Operation)) {
	var walk func(where string, item *openapi3.PathItem)
	walk = func(where string, item *openapi3.PathItem) {
		for method, o := range item.Operations() {
			do(method+" "+where, o)
			for name, c := range o.Callbacks {
				for to, item := range c.Value.Map() {
					walk(where+" callback "+name+" "+to, item)
				}
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		walk(path, item)
	}
}

func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()
	doc, seen := document(t), map[string]string{}
	operations(doc, func(where string, o *openapi3.Operation) {
		if o.OperationID == "" || o.Summary == "" || o.Description == "" || len(o.Tags) == 0 {
			t.Errorf("%s: wants an operationId, a summary, a description and a tag", where)
		}
		if was, twice := seen[o.OperationID]; twice {
			t.Errorf("%s: has the operationId of %s", where, was)
		}
		seen[o.OperationID] = where
		for _, tag := range o.Tags {
			if doc.Tags.Get(tag) == nil {
				t.Errorf("%s: tag %q is not declared", where, tag)
			}
		}
		codes := slices.Collect(maps.Keys(o.Responses.Map()))
		if !slices.ContainsFunc(codes, func(c string) bool { return c[0] == '4' || c[0] == '5' || c == "default" }) {
			t.Errorf("%s: describes no error", where)
		}
		for _, p := range o.Parameters {
			if p.Value.Description == "" {
				t.Errorf("%s: parameter %s has no description", where, p.Value.Name)
			}
		}
	})
}

func TestSchemasAreDescribed(t *testing.T) {
	t.Parallel()
	doc := document(t)
	for name, s := range doc.Components.Schemas {
		described(t, name, s)
		// What we send is closed, so that a test notices any drift; what we are sent is open.
		if v := s.Value; len(v.Properties) > 0 && !strings.HasSuffix(name, "Request") {
			closed(t, name, s)
		}
	}
}

func described(t *testing.T, where string, s *openapi3.SchemaRef) {
	t.Helper()
	for name, p := range s.Value.Properties {
		if p.Value.Description == "" {
			t.Errorf("%s.%s has no description", where, name)
		}
		if p.Ref == "" {
			described(t, where+"."+name, p)
		}
	}
	if i := s.Value.Items; i != nil && i.Ref == "" {
		described(t, where+"[]", i)
	}
}

func closed(t *testing.T, where string, s *openapi3.SchemaRef) {
	t.Helper()
	if v := s.Value; len(v.Properties) > 0 && (v.AdditionalProperties.Has == nil || *v.AdditionalProperties.Has) {
		t.Errorf("%s takes properties it does not describe", where)
	}
	for name, p := range s.Value.Properties {
		if p.Ref == "" {
			closed(t, where+"."+name, p)
		}
	}
	if i := s.Value.Items; i != nil && i.Ref == "" {
		closed(t, where+"[]", i)
	}
}
