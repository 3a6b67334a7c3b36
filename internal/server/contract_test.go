package server_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/testkit"
)

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := &server.Server{TestWallet: func(context.Context, billing.Allocation) (string, error) { return "", nil }}
	served := map[string]bool{}
	for _, p := range server.Patterns(s) {
		served[parameter.ReplaceAllString(p, "{}")] = false
	}
	for path, item := range testkit.OpenAPI(t).Doc.Paths.Map() {
		for method := range item.Operations() {
			p := method + " " + parameter.ReplaceAllString(path, "{}")
			if tree := p[:strings.Index(p+"{", "{")]; strings.HasSuffix(tree, "/") {
				if _, ok := served[tree]; ok { // a pattern that serves everything below it
					p = tree
				}
			}
			if _, ok := served[p]; !ok {
				t.Errorf("openapi.yaml describes %s %s, which no route serves", method, path)
			}
			served[p] = true
		}
	}
	for p, described := range served {
		if !described {
			t.Errorf("openapi.yaml does not describe %s", p)
		}
	}
}

// TestSeeds holds openapi.yaml to the fragments of the original contract, field for
// field. Formats, bounds and texts are ours to add.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ seed, path string }{
		{"payment-addresses", "/api/v1/payments/payment-addresses"},
		{"ws-token", "/api/v1/ws/token"},
		{"checkout-invoice", "/api/commerce/merchant/checkout/invoice"},
	} {
		t.Run(c.seed, func(t *testing.T) {
			t.Parallel()
			want := testkit.Seed(t, c.seed).Doc.Paths.Value(c.path).Post
			got := testkit.OpenAPI(t).Doc.Paths.Value(c.path).Post
			wantBody, gotBody := want.RequestBody.Value, got.RequestBody.Value
			if wantBody.Required != gotBody.Required {
				t.Errorf("the body is required: %t, want %t", gotBody.Required, wantBody.Required)
			}
			same(t, "request", schemaOf(wantBody.Content), schemaOf(gotBody.Content), true)
			for status, r := range want.Responses.Map() {
				ours := got.Responses.Value(status)
				if ours == nil {
					t.Errorf("status %s is missing", status)
					continue
				}
				for name := range r.Value.Headers {
					if ours.Value.Headers[name] == nil {
						t.Errorf("%s: header %s is missing", status, name)
					}
				}
				if len(r.Value.Content) > 0 { // else the fragment leaves the body open
					same(t, status, schemaOf(r.Value.Content), schemaOf(ours.Value.Content), false)
				}
			}
			for status := range got.Responses.Map() {
				if want.Responses.Value(status) == nil && len(want.Responses.Map()) > 1 && status != "429" && status != "500" { // which anything may answer
					t.Errorf("status %s is not in the fragment", status)
				}
			}
			if w, g := schemes(want), schemes(got); !slices.Equal(w, g) {
				t.Errorf("credentials %v, want %v", g, w)
			}
		})
	}
}

func schemaOf(c openapi3.Content) *openapi3.Schema { return c.Get("application/json").Schema.Value }

// schemes are the sets of credentials that open an operation.
func schemes(o *openapi3.Operation) (sets []string) {
	for _, all := range *o.Security {
		sets = append(sets, strings.Join(slices.Sorted(maps.Keys(all)), "+"))
	}
	slices.Sort(sets)
	return sets
}

// same compares what two schemas allow. Which fields a request must have counts;
// an answer may promise more of its own.
func same(t *testing.T, where string, want, got *openapi3.Schema, request bool) {
	t.Helper()
	if fmt.Sprint(want.Type.Slice()) != fmt.Sprint(got.Type.Slice()) || want.Nullable != got.Nullable {
		t.Errorf("%s: type %v nullable %t, want %v %t", where, got.Type.Slice(), got.Nullable, want.Type.Slice(), want.Nullable)
	}
	if w, g := fmt.Sprint(want.Enum), fmt.Sprint(got.Enum); w != g && (len(want.Enum) > 0 || !constant(got)) {
		t.Errorf("%s: one of %s, want %s", where, g, w)
	}
	if w, g := slices.Sorted(slices.Values(want.Required)), slices.Sorted(slices.Values(got.Required)); request && !slices.Equal(w, g) {
		t.Errorf("%s: required are %v, want %v", where, g, w)
	}
	if w, g := slices.Sorted(maps.Keys(want.Properties)), slices.Sorted(maps.Keys(got.Properties)); !slices.Equal(w, g) {
		t.Errorf("%s: fields %v, want %v", where, g, w)
		return
	}
	for name := range want.Properties {
		same(t, where+"."+name, want.Properties[name].Value, got.Properties[name].Value, request)
	}
	if (want.Items == nil) != (got.Items == nil) || len(want.OneOf) != len(got.OneOf) || len(want.AllOf) != len(got.AllOf) {
		t.Errorf("%s: differs in its items or alternatives", where)
		return
	}
	if want.Items != nil {
		same(t, where+"[]", want.Items.Value, got.Items.Value, request)
	}
	for n := range want.OneOf {
		same(t, fmt.Sprintf("%s|%d", where, n), want.OneOf[n].Value, got.OneOf[n].Value, request)
	}
	for n := range want.AllOf {
		same(t, fmt.Sprintf("%s&%d", where, n), want.AllOf[n].Value, got.AllOf[n].Value, request)
	}
}

// constant reports whether a boolean is said to be always the same: success is.
func constant(s *openapi3.Schema) bool { return s.Type.Is("boolean") && len(s.Enum) == 1 }

// TestSeedsCheckAnswers sees that the fragments judge real answers: this one is
// their own, with a field too many.
func TestSeedsCheckAnswers(t *testing.T) {
	t.Parallel()
	seed := testkit.Seed(t, "ws-token")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://pepay.test/api/v1/ws/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	good := `{"success":true,"data":{"token":"t","scope":"merchant","merchant_id":1,"network_environment":null,"expires_at":1,"ws_url":"wss://x/"}}`
	seed.Check(t, r, nil, 200, h, []byte(good))
	v := &silent{TB: t}
	if seed.Check(v, r, nil, 200, h, []byte(strings.Replace(good, `"token"`, `"extra":1,"token"`, 1))); !v.failed {
		t.Error("an extra field passed")
	}
}

// silent is a test that only remembers whether it failed.
type silent struct {
	testing.TB
	failed bool
}

func (s *silent) Helper()               {}
func (s *silent) Errorf(string, ...any) { s.failed = true }
