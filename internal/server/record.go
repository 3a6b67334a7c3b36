package server

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"strings"
)

// recorder remembers what a request was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Hijack lets a websocket take the connection over.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// routeOf returns the pattern that a request matched, without its method: "other"
// for none, so that callers cannot invent any.
func routeOf(r *http.Request) string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	if path = strings.TrimSuffix(path, "{$}"); path == "" {
		return "other"
	}
	return path
}

// methodOf returns a request's method: "other" for one that nobody uses.
func methodOf(r *http.Request) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, r.Method) {
		return r.Method
	}
	return "other"
}

// admit holds a request to the limit of its IP address. Probes are let through: who
// asks them decides whether anybody is sent here at all.
func (s *Server) admit(r *http.Request) error {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return nil
	}
	return s.allow(r, s.Limits.address, s.address(r))
}

// faceOf is the face of a request that no route has seen: only a browser cares.
func faceOf(r *http.Request) face {
	if strings.HasPrefix(r.URL.Path, "/api/v1/payments/") || strings.HasPrefix(r.URL.Path, "/api/v1/invoice/") || strings.HasPrefix(r.URL.Path, "/pay/") {
		return payorFace
	}
	if strings.HasPrefix(r.URL.Path, "/api/commerce/") || strings.HasPrefix(r.URL.Path, "/api/v1/commerce/") {
		return commerceFace
	}
	return merchantFace
}
