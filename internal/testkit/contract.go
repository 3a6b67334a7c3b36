package testkit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/pepay/pepay/api"
)

// Contract is an OpenAPI document that exchanges are held to. It may be used by
// any number of tests at once.
type Contract struct {
	Doc    *openapi3.T // read-only
	router routers.Router
	limits bool // whether it tells of limits in every answer that counts
}

var published = sync.OnceValues(func() (*Contract, error) { return load(api.OpenAPI, false) })

// OpenAPI returns our own document.
func OpenAPI(t testing.TB) *Contract {
	t.Helper()
	c, err := published()
	if err != nil {
		t.Fatalf("api/openapi.yaml: %v", err)
	}
	return c
}

// Seed returns the fragment <name>.openapi.yaml of the directory that PEPAY_SEEDS
// names, made strict: no object may have a property that it does not describe. It
// skips the test when PEPAY_SEEDS is not set.
func Seed(t testing.TB, name string) *Contract {
	t.Helper()
	dir := os.Getenv("PEPAY_SEEDS")
	if dir == "" {
		t.Skip("PEPAY_SEEDS names no directory with the fragments of the original contract")
	}
	b, err := os.ReadFile(filepath.Join(dir, name+".openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(b, true)
	if err != nil {
		t.Fatalf("seed %s: %v", name, err)
	}
	return c
}

func load(b []byte, strict bool) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	doc.Servers = nil // tests listen where they can
	if strict {
		parts := map[*openapi3.Schema]bool{}
		for _, s := range doc.Components.Schemas {
			markParts(s, false, parts)
		}
		for _, s := range doc.Components.Schemas {
			closeObjects(s, parts)
		}
	}
	r, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	return &Contract{Doc: doc, router: r, limits: !strict}, nil
}

// markParts finds the schemas that describe only a part of an object, with others in an
// allOf: they cannot be closed, each would forbid what the others describe.
func markParts(s *openapi3.SchemaRef, part bool, parts map[*openapi3.Schema]bool) {
	if s == nil || s.Value == nil {
		return
	}
	parts[s.Value] = parts[s.Value] || part
	for _, o := range append(s.Value.OneOf, s.Value.AnyOf...) {
		markParts(o, part, parts)
	}
	for _, o := range s.Value.AllOf {
		markParts(o, true, parts)
	}
}

// closeObjects forbids properties that are not described, here and below. Objects
// that describe none are meant to be open.
func closeObjects(s *openapi3.SchemaRef, parts map[*openapi3.Schema]bool) {
	if s == nil || s.Value == nil {
		return
	}
	v := s.Value
	if len(v.Properties) > 0 && !parts[v] {
		v.WithoutAdditionalProperties()
	}
	for _, p := range v.Properties {
		closeObjects(p, parts)
	}
	closeObjects(v.Items, parts)
	for _, of := range []openapi3.SchemaRefs{v.OneOf, v.AnyOf, v.AllOf} {
		for _, o := range of {
			closeObjects(o, parts)
		}
	}
}

// Check fails the test unless the answer is one that the document describes for
// the request: its path, method, status, headers, content type and body. A request
// that was answered with 2xx must be as described, too. Credentials are not looked
// at.
func (c *Contract) Check(t testing.TB, req *http.Request, reqBody []byte, status int, header http.Header, body []byte) {
	t.Helper()
	if err := c.Judge(req, reqBody, status, header, body, false); err != nil {
		t.Errorf("%s %s answered %d, against the contract: %v\nbody: %.2000s", req.Method, req.URL.Path, status, err, body)
	}
}

// Judge is Check for who reports in another way. A lenient one does not hold requests
// that were answered with 2xx to the document.
func (c *Contract) Judge(req *http.Request, reqBody []byte, status int, header http.Header, body []byte, lenient bool) error {
	r := req.Clone(req.Context())
	r.Body = io.NopCloser(bytes.NewReader(reqBody))
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return err
	}
	uuid := openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562)
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, IncludeResponseStatus: true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidator("uuid", uuid)},
	}}
	if status/100 == 2 && !lenient {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			return err
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: header, Options: in.Options}
	if err := openapi3filter.ValidateResponse(r.Context(), out.SetBodyBytes(body)); err != nil || !c.limits {
		return err
	}
	return limited(route.Operation, status, header)
}

// limited holds a JSON answer of an operation that may be refused with 429 to the headers
// that tell how the caller stands: tests set the limits of credentials.
func limited(o *openapi3.Operation, status int, header http.Header) error {
	answer := o.Responses.Status(status)
	if o.Responses.Status(http.StatusTooManyRequests) == nil || answer == nil || answer.Value.Content.Get("application/json") == nil || status/100 != 2 && status != http.StatusTooManyRequests {
		return nil
	}
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if answer.Value.Headers[name] == nil || header.Get(name) == "" {
			return fmt.Errorf("%s is missing in the answer, or in what is said of it", name)
		}
	}
	return nil
}

// Transport returns a transport that sends requests by base and checks every
// exchange, except those that become a websocket. It reads answers to their end
// before it passes them on.
func (c *Contract) Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	return transport{c, t, base}
}

type transport struct {
	*Contract
	t    testing.TB
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c.t.Helper()
	var sent []byte
	if req.Body != nil {
		var err error
		sent, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := c.base.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	c.Check(c.t, req, sent, resp.StatusCode, resp.Header, got)
	return resp, nil
}
