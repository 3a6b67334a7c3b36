package server

import (
	"bytes"
	"io"
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
	"github.com/pepay/pepay/internal/view"
)

func (s *Server) opsRoutes() []route {
	return []route{
		{"GET /healthz", openFace, func(*Server, *http.Request) (any, error) { return map[string]string{"status": "ok"}, nil }, nil},
		{"GET /readyz", openFace, nil, s.readyz},
		{"POST /hooks/retail/{secret}", openFace, (*Server).retailHook, nil},
		{"GET /openapi.yaml", openFace, nil, openapi},
		{"GET /docs", openFace, nil, s.reference},
	}
}

// maxHook is the most of a provider's message that is read.
const maxHook = 1 << 20

// retailHook takes what the retail provider tells, which is only a hint to look.
func (s *Server) retailHook(r *http.Request) (any, error) {
	if !s.Auth.IsRetailHook(r.PathValue("secret")) {
		return nil, orElse(s.allow(r, s.Limits.wrongKey, s.address(r)), pay.Errorf(pay.CodeNotFound, "There is nothing here"))
	}
	if err := s.allow(r, s.Limits.key, "retail hook"); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHook))
	if err != nil {
		return nil, pay.Errorf(pay.CodeInvalidRequest, "The request body could not be read")
	}
	return map[string]string{"status": "ok"}, s.Commerce.Heard(r.Context(), body)
}

// readyz answers 200 when requests can be served well, else 503 and what is wrong.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	problems, warnings, proven := s.Ready(r.Context())
	status, text := http.StatusOK, "ready"
	if len(problems) > 0 {
		status, text = http.StatusServiceUnavailable, "not ready"
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(view.JSON(map[string]any{"status": text, "problems": problems, "warnings": warnings, "proven_height": proven})) // the reader is gone: nothing to be done
}

// reference is openapi.yaml for people.
func (s *Server) reference(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := web.Reference(&b); err != nil {
		s.write(w, r, openFace, nil, err)
		return
	}
	writeHTML(w, http.StatusOK, "same-origin", &b)
}

func openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(api.OpenAPI) // the reader is gone: nothing to be done
}
